"""What two wordings of one query may differ in, and what keeps two queries apart."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from geo_lib.queries.rewording import is_rewording, meaning
from geo_lib.queries.rewording_lists import _FOLDER
from geo_lib.queries.slips import is_slip
from geo_lib.queries.text import normalise


def is_one(one: str, other: str, locale: str = "en", **knobs: object) -> bool:
    left, right = (meaning(normalise(text, locale=locale), locale=locale) for text in (one, other))
    found = is_rewording(left, right, **knobs)  # type: ignore[arg-type]
    assert is_rewording(right, left, **knobs) == found  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("one", "other", "locale"),
    [
        ("kitchen curtains linen", "linen curtains kitchen ideas", "en"),
        ("gray wool scarf", "grey wool scarves", "en"),
        ("gift for mom", "present for mum", "en"),
        ("book case oak", "bookcase oak", "en"),
        ("step sister card", "stepsister card", "en"),
        ("velvet ottoman", "velvet otoman", "en"),
        ("wireless lamp without shade", "shadeless lamp wireless", "en"),
        ("three piece suit", "3 piece suit", "en"),
        ("20th century poster", "twentieth century poster", "en"),
        ("1970s shirt", "70s shirt", "en"),
        ("gardinen leinen", "vorhänge aus leinen", "de"),
        ("küchen lampe", "kuechenlampe", "de"),
        ("mantel ohne kragen", "kragenloser mantel", "de"),
        ("herrenhut braun", "brauner hut herren", "de"),
        ("drei lampen", "3 lampen", "de"),
        ("green lasagne", "lasagna green", "en"),
        ("flavoured popcorn", "flavored popcorn", "en"),
        ("personalised mug", "personalized mug", "en"),
        ("smokey eyes", "smoky eyes", "en"),
        ("eyeshadow for brown eyes", "eye shadow brown eyes", "en"),
        ("bunkbeds for small rooms", "bunk beds small room", "en"),
        ("rythmus tattoo", "tattoo rhythmus", "de"),
        ("adventkranz modern", "moderner adventskranz", "de"),
        ("kueche grau", "graue küche", "de"),
        ("rückenfreies kleid", "rücken freies kleid", "de"),
        ("geschenk ideen für mama", "geschenkideen fuer mama", "de"),
        ("einrichtungsideen flur", "flur einrichtung", "de"),
        ("kinderzimmerideen", "kinderzimmer ideen", "de"),
        ("bilder von hunden", "hunde bilder", "de"),
        ("frühstük im bett", "frühstück im bett", "de"),
        ("komode streichen", "kommode streichen", "de"),
        ("noël deko", "deko noel", "de"),
        ("weding cake", "wedding cake", "en"),
    ],
)
def test_wordings_that_people_exchange_are_one(one: str, other: str, locale: str) -> None:
    assert is_one(one, other, locale)


@pytest.mark.parametrize(
    ("one", "other", "locale"),
    [
        ("table for 30 guests", "table for 50 guests", "en"),
        ("two cats", "three cats", "en"),
        ("scarf in plum", "scarf in plumb", "en"),
        ("teal armchair", "tan armchair", "en"),
        ("grandmother card", "grandfather card", "en"),
        ("cake with nuts", "cake without nuts", "en"),
        ("sugarfree jam", "sugar jam", "en"),
        ("kitchen without island with stools", "kitchen with island without stools", "en"),
        ("red skirt", "red shirt", "en"),
        ("vase", "vase with tulips", "en"),
        ("damenhut", "herrenhut", "de"),
        ("geschenk für die lehrerin", "geschenk für den lehrer", "de"),
        ("geschenke für lehrerinnen", "geschenke für lehrer", "de"),
        ("karte für den cousin", "karte für die cousinen", "de"),
        ("hellblaue wand", "dunkelblaue wand", "de"),
        ("kuchen mit ei", "kuchen ohne ei", "de"),
        ("karte mit text", "karte mit keinem text", "de"),
        ("geschenk für die nichte", "geschenk", "de"),
        ("zimmer mit nichts rotem", "zimmer mit nichte rotem", "de"),
        ("hochzeit freie trauung deko", "deko ohne hochzeit trauung", "de"),
        ("hochbett ideen", "hochbeet ideen", "de"),
        ("strickmuster", "stickmuster", "de"),
        ("dream place", "dream palace", "en"),
        ("angel card", "angle card", "en"),
        ("hoch beet ideen", "hochbett ideen", "de"),
        ("wand deko", "wald deko", "de"),
        ("kirche zeichnen", "kirsche zeichnen", "de"),
        ("wände streichen", "wende streichen", "de"),
        ("kuchen ideen", "küchen ideen", "de"),
        ("kuchendeko", "küchendeko", "de"),
        ("blüten deko", "blut deko", "de"),
        ("burger zeichnen", "burg zeichnen", "de"),
        ("gift from teacher", "gift for teacher", "en"),
        ("gifts from dad to daughter", "gifts from daughter to dad", "en"),
        ("filled nails", "filed nails", "en"),
        ("workplace lunch", "office lunch", "en"),
        ("walddeko", "wanddeko", "de"),
        ("eisideen", "eiideen", "de"),
        ("torte zum 6. geburtstag", "torte zum 8. geburtstag", "de"),
        ("30 fleurs", "50 fleurs", "fr"),
    ],
)
def test_what_differs_in_number_colour_person_negation_or_thing_stays_apart(one: str, other: str, locale: str) -> None:
    assert not is_one(one, other, locale)


def test_two_words_that_many_queries_have_are_no_spellings_of_one() -> None:
    assert is_one("stitched ribbons", "stitched ribbans")
    assert not is_one("stitched ribbons", "stitched ribbans", common={"ribbon", "ribban"})


def test_what_is_denied_may_be_cut_from_what_denies_it() -> None:
    assert is_one("glutenfreie pizza", "gluten freie pizza", "de")
    assert is_one("deko hochzeit freie trauung", "hochzeit deko freie trauung", "de")


@pytest.mark.parametrize(
    ("locale", "one", "other"),
    [
        ("ja", "クリスマスツリ", "クリスマスツリー"),
        ("ko", "크리스마스", "크리스마스스"),
        ("zh", "生日蛋糕图", "生日蛋糕图图"),
    ],
)
def test_languages_without_blanks_are_compared_by_slips_alone(locale: str, one: str, other: str) -> None:
    assert is_one(one, other, locale)


def test_wordings_of_two_languages_are_never_one() -> None:
    english, other = (meaning("dream palace", locale=locale) for locale in ("en", "xx"))
    assert not is_rewording(english, other)
    assert not is_rewording(other, english)


def test_a_language_without_lists_tells_numbers_alone() -> None:
    assert meaning("3 chaises rouges", locale="fr").guard == "number 3"
    assert is_one("chaises rouges", "chaise rouge", "fr")


@given(st.text("abdemnst", min_size=1, max_size=12), st.text("abdemnst", min_size=1, max_size=12))
def test_a_slip_reads_the_same_from_either_side(word: str, other: str) -> None:
    assert is_slip(word, other) == is_slip(other, word)


@given(st.text("abcdefghij", min_size=6, max_size=12), st.data())
def test_a_dropped_doubled_or_swapped_letter_behind_the_first_is_a_slip(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(word) - 2))
    for typed in (
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    ):
        assert is_slip(word, typed)


@pytest.mark.parametrize("path", sorted(_FOLDER.glob("*.yml")), ids=lambda p: p.stem)
def test_no_word_of_the_lists_is_read_as_two(path) -> None:  # type: ignore[no-untyped-def]
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    groups = [*said["same"], *said["colours"], *said["people"], *([n, *forms] for n, forms in said["numbers"].items())]
    written = [word for group in groups for word in dict.fromkeys(group)]
    assert all(isinstance(word, str) for word in [*written, *said["fillers"]])
    assert sorted({word for word in written if written.count(word) > 1}) == []
