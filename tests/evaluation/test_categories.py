"""Figures of categories told, from answers that a person can count."""

from collections import Counter

from geo_lib.evaluation.categories import (
    BY_HAND,
    HEAD,
    HELD_OUT,
    RULES,
    SERVED,
    Known,
    category_lines,
    category_rows,
    labelled_by_hand,
    measured_categories,
)
from geo_lib.queries.kinds import CATEGORIES

KNOWN = [
    *[Known("en", f"how to style a {kind}", "use_case", "en how to style a _") for kind in ("vase", "sofa", "lamp")],
    Known("en", "movie night seating", "use_case", "en movie night seating"),
    Known("de", "rote vase", "description", "de _"),
    Known("de", "boho stil", "style", "de _ stil"),
]
SAID = ["use_case", "use_case", "style", "description", "description", "use_case"]
"""Two of three fillings right, the other use case wrong, the description right, the style wrong."""


def test_a_phrasing_counts_once_in_macro_accuracy_and_each_query_in_accuracy() -> None:
    measured = measured_categories(KNOWN, {SERVED: SAID}, seed=0)
    by_segment = {m.segment: (m.estimate.value, m.estimate.n) for m in measured["macro_accuracy"]}
    assert by_segment == {
        "overall": (round((1 + 0 + 1 / 3) / 3, 4), 4),
        "description": (1.0, 1),
        "style": (0.0, 1),
        "use_case": (round(1 / 3, 4), 2),
        "locale:de": (0.5, 2),
        "locale:en": (round(1 / 3, 4), 2),
    }
    (single,) = measured["accuracy"]
    assert (single.estimate.value, single.estimate.n) == (0.5, 4)


def test_rows_name_the_weights_of_the_arms_that_have_any() -> None:
    said = {SERVED: SAID, HEAD: SAID, RULES: SAID}
    rows = category_rows(HELD_OUT, measured_categories(KNOWN, said, seed=0), versions={SERVED: "v1", HEAD: "v1"})
    assert {(row[0], row[1], row[8], row[9]) for row in rows} == {
        (HELD_OUT, SERVED, "phrasings", "v1"),
        (HELD_OUT, HEAD, "phrasings", "v1"),
        (HELD_OUT, RULES, "phrasings", None),
    }
    assert {row[3] for row in rows} == {"macro_accuracy", "accuracy"}
    assert {row[8] for row in category_rows(BY_HAND, measured_categories(KNOWN, said, seed=0), versions={})} == {
        "queries"
    }


def test_the_report_has_a_line_per_arm_with_locales_and_the_confusion_of_the_arm_that_serves() -> None:
    said = {SERVED: SAID, RULES: ["style"] * len(KNOWN)}
    lines = category_lines("title", KNOWN, said, measured_categories(KNOWN, said, seed=0)).splitlines()
    assert lines[1].split()[-5:] == [*CATEGORIES, "locale:de", "locale:en"]
    assert lines[2].startswith(SERVED)
    assert lines[3].startswith(RULES)
    assert lines[4] == "of 6 single queries right: model_then_rules 0.500, rules_alone 0.167"
    assert [line.split() for line in lines[-3:]] == [
        ["description", "1", "0", "0"],
        ["style", "0", "0", "1"],
        ["use_case", "1", "1", "2"],
    ]


def test_nothing_known_is_nothing_measured() -> None:
    assert measured_categories([], {SERVED: []}, seed=0) == {"macro_accuracy": [], "accuracy": []}


def test_two_hundred_english_queries_are_labelled_by_hand_each_once_and_none_twice() -> None:
    by_hand = labelled_by_hand()
    assert len({known.query for known in by_hand}) == len(by_hand) == 200
    counted = Counter(known.category for known in by_hand)
    assert set(counted) == set(CATEGORIES)
    assert min(counted.values()) >= 10
