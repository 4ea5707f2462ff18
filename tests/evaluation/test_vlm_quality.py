"""The arms beside the model, and how any of them is scored."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geo_lib.evaluation.rows import Measured, measure
from geo_lib.evaluation.vlm_quality import (
    PAPER_TABLE_2,
    Queries,
    Subject,
    answered,
    deranged,
    most_frequent,
    nearest,
    paper_rows,
    scores,
    segments,
)

INTENTS: dict[str, list[Sequence[str]]] = {
    "description": [("red vase", "vase in red")],
    "style": [("boho vase",)],
    "use_case": [("gift for her",)],
}
PERFECT = {"description": ["vase in red"], "style": ["boho vase"], "use_case": ["gift for her"]}


def values(arm_rows: Sequence[Measured], segment: str) -> tuple[float, int]:
    (row,) = [r for r in arm_rows if r.segment == segment]
    return row.estimate.value, row.estimate.n


def measured(answers: dict[str, Queries], subjects: Sequence[Subject]) -> list[Measured]:
    return measure("tuned", scores(answers, subjects), segments(subjects), seed=0)


def test_every_segment_has_its_own_mean_over_its_own_signatures() -> None:
    subjects = [
        Subject("a", "en", INTENTS),
        Subject("b", "de", INTENTS, is_novel=True),
    ]
    rows = measured({"a": PERFECT, "b": {"description": ["vase in red"]}}, subjects)
    assert values(rows, "overall") == (0.6667, 2)
    assert values(rows, "description") == (1.0, 2)
    assert values(rows, "style") == (0.5, 2)
    assert values(rows, "novel_combinations") == (0.3333, 1)
    assert values(rows, "locale:en") == (1.0, 1)
    assert values(rows, "locale:de") == (0.3333, 1)


def test_a_subject_without_an_answer_scores_nothing_and_still_counts() -> None:
    rows = measured({"a": PERFECT}, [Subject("a", "en", INTENTS), Subject("b", "en", INTENTS)])
    assert values(rows, "overall") == (0.5, 2)


def test_without_novel_combinations_there_is_no_such_segment() -> None:
    rows = measured({"a": PERFECT}, [Subject("a", "en", INTENTS)])
    assert "novel_combinations" not in {row.segment for row in rows}


def test_an_answer_is_read_as_validation_reads_it() -> None:
    assert answered('```json\n{"style": ["boho vase",], "description": []}\n```') == {"style": ["boho vase"]}
    assert answered(None) == {}
    assert answered("no queries here") == {}


@given(st.sets(st.text(min_size=1, max_size=4), min_size=2, max_size=20), st.integers(0, 3))
def test_every_signature_gets_the_picture_of_another_one_and_every_picture_is_used(
    signatures: set[str], seed: int
) -> None:
    order = deranged(signatures, seed=seed)
    assert order.keys() == set(order.values()) == signatures
    assert all(signature != other for signature, other in order.items())
    assert deranged(sorted(signatures), seed=seed) == order


def test_the_most_frequent_queries_of_a_locale_come_first_and_ties_by_the_alphabet() -> None:
    training = [
        ("en", {"description": ["sofa", "chair"], "style": [], "use_case": ["b"]}),
        ("en", {"description": ["chair"], "style": [], "use_case": ["a"]}),
        ("de", {"description": ["stuhl"], "style": ["boho"], "use_case": []}),
    ]
    assert most_frequent(training, quotas={"description": 1, "style": 2, "use_case": 2}) == {
        "en": {"description": ["chair"], "style": [], "use_case": ["a", "b"]},
        "de": {"description": ["stuhl"], "style": ["boho"], "use_case": []},
    }


def test_nearest_goes_by_angle_and_not_by_length_and_takes_the_first_of_equals() -> None:
    among = np.array([[10.0, 0.0], [0.0, 0.1], [0.0, 5.0]], dtype=np.float32)
    asked = np.array([[0.2, 0.1], [0.0, 1.0]], dtype=np.float32)
    assert nearest(asked, among).tolist() == [0, 1]


def test_the_papers_figures_are_those_of_its_table_2() -> None:
    assert PAPER_TABLE_2 == {"description": 0.63, "style": 0.40, "use_case": 0.34, "overall": 0.46}
    assert {(r.segment, r.estimate.value, r.estimate.ci_low, r.estimate.n) for r in paper_rows()} == {
        (segment, value, None, 1800) for segment, value in PAPER_TABLE_2.items()
    }
