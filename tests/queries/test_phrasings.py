"""Templates with their slots filled are told apart by what stays the same in them."""

from itertools import product

from geo_lib.queries.phrasings import phrasings

KINDS = ("vase", "sofa", "lamp", "rug")
PLACES = ("bedroom", "loft", "hall", "kitchen")
COLOURS = ("red", "navy", "cream", "sage green")


def filled(template: str) -> list[str]:
    return [template.format(kind=k, place=p, colour=c) for k, p, c in product(KINDS, PLACES, COLOURS)]


def test_a_template_is_one_phrasing_whatever_fills_it_and_another_template_another() -> None:
    templates = ["how to style a {kind} in a {place}", "{kind} ideas for a {place}", "{colour} {kind}"]
    texts = [text for template in templates for text in filled(template)]
    told = phrasings([("en", text) for text in texts])
    assert set(zip(told, texts, strict=True)) == set(zip(told, texts, strict=True))
    per_template = [set(told[start : start + 64]) for start in (0, 64, 128)]
    assert per_template == [{"en how style _"}, {"en _ idea _"}, {"en _"}]


def test_a_name_of_two_words_fills_a_place_that_single_words_fill() -> None:
    told = phrasings([("en", f"walls in {colour}") for colour in COLOURS])
    assert set(told) == {"en wall _"}


def test_what_nobody_exchanges_is_its_own_phrasing() -> None:
    assert phrasings([("en", "what to pack for summer"), ("en", "movie night seating")]) == [
        "en what pack summer",
        "en movi night seat",
    ]


def test_languages_are_apart_and_regions_of_one_are_not() -> None:
    asked = [("en", "art b"), ("en-GB", "art c"), ("en-US", "art d"), ("de", "art b")]
    assert phrasings(asked) == ["en art _", "en art _", "en art _", "de art b"]


def test_neither_endings_nor_joining_words_make_another_phrasing() -> None:
    asked = [("de", text) for text in ("rote vase zum fest", "roter sessel zur feier", "rotes bett zu weihnachten")]
    others = [("de", f"{colour} {kind}") for colour in ("rote", "grüne", "blaue") for kind in ("vase", "lampe", "uhr")]
    told = phrasings(asked + others)[:3]
    assert [phrasing.split()[1] for phrasing in told] == ["_"] * 3
    english = [("en", text) for text in ("styling a vase", "styling an urn", "styling the rug")]
    english += [("en", f"red {kind}") for kind in ("vase", "urn", "rug")]
    assert phrasings(english) == ["en style _"] * 3 + ["en red _"] * 3


def test_the_order_of_queries_changes_nothing() -> None:
    asked = [("en", text) for text in filled("{colour} {kind} for the {place}")]
    forwards, backwards = phrasings(asked), phrasings(asked[::-1])
    assert forwards == backwards[::-1]


def test_a_query_without_words_has_a_phrasing_too() -> None:
    assert phrasings([("en", "")]) == ["en "]
