import pytest

from geo_lib.queries.checks.check import Said
from geo_lib.queries.checks.safety import SAFETY, explicit_words


@pytest.mark.parametrize(
    "query",
    [
        "asshole",
        "a$$hole cake",
        "sh1t happens",
        "f.u.c.k you",
        "S-H-I-T",
        "what the fuck shirt",
        "porn",
        "gang bang",
        "what the fuck!",
        "¡shit!",
        "porn-star costume",
        "shit_show mug",
        "fuck&love",
        "sh!t-show",
    ],
)
def test_explicit_words_are_found_in_disguise_too(query: str) -> None:
    assert explicit_words(query, locale="en") is not None


@pytest.mark.parametrize(
    "query",
    [
        "Scunthorpe", "maxi dress", "shag rug", "plant pot", "drawer knob", "naked cake ideas", "nude heels",
        "cowgirl outfit",
        "gay wedding cake", "samsung a55 case", "t-shirt", "a b c poster", "grapefruit", "class of 2026",
        "assam tea", "", "men's t-shirt", "mid-century sofa", "tit@nium ring!", "maine coons", "Moby-Dick poster",
        "pussy willow wreath", "great tit print", "summa cum laude cap", "kinky curly hair", "spic and span kitchen",
        "same sex wedding cake", "fingering weight yarn", "hoar frost", "vera wang dress", "god bless this home",
    ],
)  # fmt: skip
def test_ordinary_words_that_word_lists_fear_are_let_through(query: str) -> None:
    assert explicit_words(query, locale="en") is None


def test_a_word_is_judged_by_the_language_of_its_locale() -> None:
    assert explicit_words("geile titten", locale="de") == "titten"
    assert explicit_words("geile titten", locale="en") is None
    assert explicit_words("hellblau und hell", locale="de") is None
    assert explicit_words("dick pic", locale="en") == "dick"
    assert explicit_words("dick gefüttert", locale="de") is None
    assert explicit_words("gato negro", locale="es-MX") is None
    assert explicit_words("moby dick porn", locale="en") == "porn"


@pytest.mark.parametrize(
    ("locale", "query"),
    [
        ("fr", "douche italienne"), ("fr", "pique-nique"), ("nl", "kinky boots"), ("sv", "slut på sommaren"),
        ("sv", "fart fack rum"), ("da", "god jul slut"), ("no", "full fart"), ("vi", "dong ho treo tuong"),
        ("ro", "cum sa decorezi"), ("id", "titi"), ("sq", "shit"), ("de", "sex on the beach cocktail"),
    ],
)  # fmt: skip
def test_everyday_words_of_other_languages_are_no_english_swear_words(locale: str, query: str) -> None:
    assert explicit_words(query, locale=locale) is None
    assert explicit_words(f"{query} f.u.c.k", locale=locale) == "fuck"


def test_the_check_looks_at_the_raw_text_because_normalising_takes_the_disguise_away() -> None:
    assert SAFETY.reasons([Said("en", "a$$hole vase", "a hole vase"), Said("en", "a hole", "a hole")]) == [
        "explicit",
        None,
    ]
