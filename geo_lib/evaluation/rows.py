"""What was measured, as rows of ``evaluations`` and as a table to read: the same for every evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geo_lib.errors import QualityError
from geo_lib.evaluation.intervals import Estimate, macro_mean

Scores = Mapping[str, Mapping[str, float | None]]
"""Unit to its score in each column; null where it has nothing to be scored by."""
OVERALL = "overall"


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of what was measured: some of the units, in some of the columns."""

    name: str
    units: Sequence[str]
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class Measured:
    """One arm's mean over one segment."""

    arm: str
    segment: str
    estimate: Estimate


def measure(arm: str, scores: Scores, segments: Sequence[Segment], *, seed: int) -> list[Measured]:
    """An arm's macro mean over each segment that has anything in it, with its interval."""
    rows = []
    for segment in segments:
        table = [[scores[unit][column] for column in segment.columns] for unit in segment.units]
        if (estimate := macro_mean(table, seed=seed)) is not None:
            rows.append(Measured(arm, segment.name, estimate))
    return rows


def gains(scores: Scores, over: Scores) -> Scores:
    """What each unit scores above what it scores in ``over``; null where either has nothing to be scored by."""
    return {
        unit: {column: _gain(score, over[unit][column]) for column, score in scores[unit].items()} for unit in scores
    }


def _gain(score: float | None, over: float | None) -> float | None:
    return None if score is None or over is None else score - over


def evaluation_rows(
    evaluation: str, measured: Sequence[Measured], *, metric: str, unit: str, versions: Mapping[str, str | None]
) -> list[tuple[Any, ...]]:
    """The rows of ``evaluations``. ``unit`` is what n counts; ``versions``: arm to the weights that answered."""
    return [
        (evaluation, m.arm, m.segment, metric, e.value, e.ci_low, e.ci_high, e.n, unit, versions.get(m.arm))
        for m in measured
        for e in (m.estimate,)
    ]


def rows_by_metric(
    evaluation: str, measured: Mapping[str, Sequence[Measured]], *, unit: str, versions: Mapping[str, str | None]
) -> list[tuple[Any, ...]]:
    """``evaluation_rows`` of several metrics."""
    return [
        row
        for metric, of_metric in measured.items()
        for row in evaluation_rows(evaluation, of_metric, metric=metric, unit=unit, versions=versions)
    ]


def report_lines(
    title: str, measured: Sequence[Measured], unanswered: Mapping[str, int], *, columns: Sequence[str]
) -> str:
    """One line per arm: overall first, then ``columns``, with the interval, n and ``unanswered`` of those."""
    arms = list(dict.fromkeys(row.arm for row in measured))
    by_key = {(row.arm, row.segment): row.estimate for row in measured}
    lines = [title, f"{'':24}{OVERALL:>8}  {'95 % interval':17}" + "".join(f"{c:>13}" for c in columns)]
    for arm in arms:
        overall = by_key.get((arm, OVERALL))
        if overall is None:
            continue
        interval = "" if overall.ci_low is None else f"[{overall.ci_low:.3f}, {overall.ci_high:.3f}]"
        parts = [by_key.get((arm, column)) for column in columns]
        cells = "".join(f"{'–':>13}" if part is None else f"{part.value:>13.3f}" for part in parts)
        silent = f", {unanswered[arm]:,} without an answer" if arm in unanswered else ""
        lines.append(f"{arm:24}{overall.value:>8.3f}  {interval:17}{cells}   n {overall.n:,}{silent}")
    return "\n".join(lines)


def refuse_below(measured: Sequence[Measured], arm: str, *, least: float | None, knob: str) -> None:
    """Raise ``QualityError`` when ``arm`` scores below ``least`` overall; null asks for nothing."""
    estimate = overall_of(measured, arm)
    if least is not None and (estimate is None or estimate.value < least):
        found = "was not measured" if estimate is None else f"scores {_said(estimate)}"
        raise QualityError(f"the arm {arm} {found}, and {knob} asks for {least:.3f}; {_REMEDY}")


def refuse_gain_below(measured: Sequence[Measured], arm: str, over: str, *, least: float | None, knob: str) -> None:
    """Raise ``QualityError`` when ``arm`` scores less than ``least`` above the arm ``over``; null asks for nothing."""
    one, other = overall_of(measured, arm), overall_of(measured, over)
    if least is None or one is None or other is None:
        return
    if (gain := one.value - other.value) < least:
        raise QualityError(
            f"the arm {arm} scores {_said(one)}, {gain:.3f} above {over} with {_said(other)}, and {knob} asks for "
            f"{least:.3f}; {_REMEDY}"
        )


def overall_of(measured: Sequence[Measured], arm: str) -> Estimate | None:
    return next((m.estimate for m in measured if m.arm == arm and m.segment == OVERALL), None)


def _said(estimate: Estimate) -> str:
    interval = "" if estimate.ci_low is None else f" [{estimate.ci_low:.3f}, {estimate.ci_high:.3f}]"
    return f"{estimate.value:.3f}{interval} overall (n {estimate.n:,})"


_REMEDY = "its rows are in evaluations: look at what it wrote, train better, or ask for less in the configuration"
