"""Labels: each text once, as most say, and some phrasings of every category kept for asking."""

from collections import Counter

from geo_lib.queries.category_labels import labels_of, of_split

KINDS = ("vase", "sofa", "lamp", "rug")
PURPOSES = ("how to style a {}", "{} ideas", "where to put a {}", "{} for small rooms", "cleaning a {}", "buying a {}")
LOOKS = ("{} aesthetic", "{} style", "{} in boho style", "{} with a rustic look", "shabby {} vibes")


def said(templates: tuple[str, ...], category: str, locale: str = "en") -> list[tuple[str, str, str, int]]:
    return [(locale, template.format(kind), category, 1) for template in templates for kind in KINDS]


def test_a_text_is_what_most_say_and_nothing_where_nobody_has_most() -> None:
    labels, dropped = labels_of(
        [
            ("en", "Red  Vase", "description", 2),
            ("en", "red vase", "style", 1),
            ("en", "boho vase", "description", 1),
            ("en", "boho vase", "style", 1),
            ("en", "...", "style", 3),
            ("de", "red vase", "use_case", 1),
        ]
    )
    assert [(it.locale, it.text, it.category, it.votes) for it in labels] == [
        ("de", "red vase", "use_case", 1),
        ("en", "red vase", "description", 2),
    ]
    assert dropped == {"blank": 3, "outvoted": 1, "tied": 2}
    assert sum(it.votes for it in labels) + sum(dropped.values()) == 9


def test_a_phrasing_is_trained_on_or_held_out_and_never_both_and_every_category_has_some_held_out() -> None:
    labels, _ = labels_of(said(PURPOSES, "use_case") + said(LOOKS, "style"))
    trained, held_out = of_split(labels, "train"), of_split(labels, "held_out")
    assert not {it.phrasing for it in trained} & {it.phrasing for it in held_out}
    per_category = Counter(category for category, _ in {(it.category, it.phrasing) for it in held_out})
    assert per_category == {"use_case": 1, "style": 1}
    assert len(trained) + len(held_out) == len(labels) == 4 * 11


def test_nothing_is_held_out_of_a_category_that_is_said_in_two_ways() -> None:
    labels, _ = labels_of(said(PURPOSES[:2], "use_case") + said(LOOKS[2:], "style"))
    assert {it.category for it in of_split(labels, "held_out")} == {"style"}


def test_a_phrasing_of_most_of_a_categorys_texts_stays_in_training() -> None:
    rooms = [("en", f"plans for the {room}", "use_case", 1) for room in map(str, range(40))]
    labels, _ = labels_of(rooms + said(PURPOSES, "use_case"))
    assert {it.split for it in labels if it.text.startswith("plans")} == {"train"}
    assert of_split(labels, "held_out")


def test_every_language_has_its_own_held_out_phrasings_and_the_order_of_labels_changes_nothing() -> None:
    everything = said(PURPOSES, "use_case") + said(PURPOSES, "use_case", locale="de-AT")
    labels, _ = labels_of(everything)
    assert {it.locale for it in of_split(labels, "held_out")} == {"en", "de-AT"}
    assert labels_of(everything[::-1])[0] == labels
