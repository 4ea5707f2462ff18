import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from geo_lib.queries.text import normalise, query_id, query_id_column, same_words_key, words


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("  Oak\u00a0 TABLE\t\n", "oak table"),
        ("“Boho” living-room!!!", "boho living-room"),
        ("men’s T–shirt", "men's t-shirt"),
        ("Ｒｅｄ　ｃｈａｉｒ", "red chair"),
        ("Cafe\u0301 ﬁne", "café fine"),
        ("weißer STUHL", "weißer stuhl"),
        ("black & white", "black & white"),
        ("r&b 50% 1.5 m 24/7 c++ a+b", "r&b 50% 1.5 m 24/7 c++ a+b"),
        ("- dash - 'quoted' .", "dash quoted"),
        ("zero\u200bwidth so\u00adft", "zerowidth soft"),
        ("😀 笑顔 😀", "笑顔"),
        ("heart ❤️", "heart"),
        ("#diy @home (2026)", "diy home 2026"),
        ("...", ""),
        ("", ""),
    ],
)
def test_a_query_has_one_normal_form(raw: str, normal: str) -> None:
    assert normalise(raw) == normal


@given(st.text(max_size=30))
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert once == " ".join(once.split()) == unicodedata.normalize("NFKC", once)


@given(st.text(max_size=30))
def test_composed_and_decomposed_spellings_have_one_normal_form(text: str) -> None:
    assert normalise(unicodedata.normalize("NFD", text)) == normalise(unicodedata.normalize("NFC", text))


def test_order_and_repetition_of_words_do_not_make_another_set_of_words() -> None:
    def key(text: str) -> str:
        return same_words_key(text, locale="en-GB")

    assert key("red chair red") == key("chairs in red") != key("red table")
    assert key("for the") != key("in the"), "joining words alone are still words"
    assert words("men's t-shirt 50% a+b") == ("men's", "t", "shirt", "50", "a", "b")
    assert key("笑顔") == "笑顔"


@pytest.mark.parametrize(
    ("locale", "one", "other"),
    [
        ("en", "flower", "flowers"),
        ("en", "curtain", "curtains"),
        ("en", "balloon", "balloons"),
        ("en", "lantern", "lanterns"),
        ("en", "kitchen", "kitchens"),
        ("en", "box", "boxes"),
        ("de-AT", "vase", "vasen"),
        ("de", "blume", "blumen"),
        ("de", "stuhl", "stühle"),
        ("de", "roter gestreifter sessel", "sessel rot gestreift"),
        ("de", "vase für den tisch", "vase am tisch"),
        ("fr", "rideau rouge", "rideaux rouges"),
        ("nb", "rød stol", "røde stoler"),
    ],
)
def test_forms_of_a_word_are_one_word_in_its_own_language(locale: str, one: str, other: str) -> None:
    assert same_words_key(one, locale=locale) == same_words_key(other, locale=locale)


@pytest.mark.parametrize(
    ("locale", "one", "other"),
    [
        ("en", "dress", "dresser"),
        ("en", "plant", "planter"),
        ("en", "box", "boxer"),
        ("en", "die cut stickers", "cut stickers"),  # "die" joins words in German alone
        ("en", "blume", "blumen"),
        ("de", "kissen", "küssen"),
        ("fr", "vase with flowers", "vase flowers"),
        ("hi", "मेज", "मोजा"),  # table and sock, alike but for their vowel signs
        ("ja", "vase", "vases"),  # a language without a stemmer
    ],
)
def test_other_words_stay_apart_and_so_do_forms_that_the_language_does_not_have(
    locale: str, one: str, other: str
) -> None:
    assert same_words_key(one, locale=locale) != same_words_key(other, locale=locale)


def test_the_id_is_fixed_for_good() -> None:
    assert query_id("en", "red chair") == "1f88572a028998c8b1ec45e72c43e8dc"
    assert query_id("en", "red chair") != query_id("de", "red chair")


@pytest.mark.transform
def test_the_column_gives_the_same_id_as_plain_python(spark: SparkSession) -> None:
    cases = [("en", "red chair"), ("de", "gemütliche leseecke"), ("ja", "笑顔"), ("en", "")]
    df = spark.createDataFrame(cases, "locale string, text string")
    found = df.select("locale", "text", query_id_column(F.col("locale"), F.col("text")).alias("id")).collect()
    assert {(r.locale, r.text): r.id for r in found} == {case: query_id(*case) for case in cases}
