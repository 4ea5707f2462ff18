"""One report and one refusal for whatever was measured."""

import pytest

from geo_lib.errors import QualityError
from geo_lib.evaluation.intervals import Estimate
from geo_lib.evaluation.rows import (
    Measured,
    Scores,
    Segment,
    evaluation_rows,
    gains,
    measure,
    refuse_below,
    refuse_gain_below,
    report_lines,
)

SEGMENTS = [
    Segment("overall", "abc", ["style", "use"]),
    Segment("style", "abc", ["style"]),
    Segment("none", "", ["use"]),
]


def arm(name: str, score: float) -> list[Measured]:
    return measure(name, {unit: {"style": score, "use": None} for unit in "abc"}, SEGMENTS, seed=0)


def test_a_segment_with_nothing_in_it_is_no_row_and_a_column_without_a_value_counts_nothing() -> None:
    assert [(m.segment, m.estimate.value, m.estimate.n) for m in arm("tuned", 0.5)] == [
        ("overall", 0.5, 3),
        ("style", 0.5, 3),
    ]


def test_the_report_has_a_line_per_arm_with_its_interval() -> None:
    rows = arm("tuned", 1.0) + arm("none", 0.0)
    lines = report_lines("title", rows, {"tuned": 3}, columns=["style", "use"]).splitlines()
    assert lines[0] == "title"
    assert lines[2].split()[:4] == ["tuned", "1.000", "[1.000,", "1.000]"]
    assert "–" in lines[2], "what has no measurement is not 0"
    assert lines[2].endswith(", 3 without an answer")
    assert lines[3].startswith("none")
    assert len(lines) == 4


def test_a_row_says_who_answered_with_which_weights_and_what_n_counts() -> None:
    rows = evaluation_rows(
        "quality", arm("tuned", 0.5)[:1] + arm("copied", 0.25)[:1], metric="f1", unit="pins", versions={"tuned": "v1"}
    )
    assert rows == [
        ("quality", "tuned", "overall", "f1", 0.5, 0.5, 0.5, 3, "pins", "v1"),
        ("quality", "copied", "overall", "f1", 0.25, 0.25, 0.25, 3, "pins", None),
    ]


def test_a_gain_is_taken_unit_by_unit_and_null_where_either_has_nothing() -> None:
    scores: Scores = {"a": {"style": 0.75, "use_case": None}, "b": {"style": 0.5, "use_case": 0.5}}
    over: Scores = {"a": {"style": 0.5, "use_case": 1.0}, "b": {"style": 1.0, "use_case": None}}
    assert gains(scores, over) == {"a": {"style": 0.25, "use_case": None}, "b": {"style": -0.5, "use_case": None}}


def test_a_score_below_what_is_asked_for_is_refused_with_its_figures_and_one_at_it_is_not() -> None:
    rows = [Measured("tuned", "overall", Estimate(0.662, 0.64, 0.68, 239))]
    with pytest.raises(
        QualityError, match=r"tuned scores 0.662 \[0.640, 0.680\] overall \(n 239\), and min_score asks for 0.700"
    ):
        refuse_below(rows, "tuned", least=0.7, knob="min_score")
    refuse_below(rows, "tuned", least=0.662, knob="min_score")
    refuse_below(rows, "tuned", least=None, knob="min_score")
    with pytest.raises(QualityError, match="untuned was not measured"):
        refuse_below(rows, "untuned", least=0.0, knob="min_score")


def test_a_gain_below_what_is_asked_for_is_refused_with_both_figures() -> None:
    rows = arm("tuned", 0.5) + arm("shuffled", 0.3)
    with pytest.raises(QualityError, match=r"scores 0.500 .* 0.200 above shuffled with 0.300 .*gain asks for 0.250"):
        refuse_gain_below(rows, "tuned", "shuffled", least=0.25, knob="gain")
    refuse_gain_below(rows, "tuned", "shuffled", least=0.2, knob="gain")
    refuse_gain_below(rows, "tuned", "shuffled", least=None, knob="gain")
