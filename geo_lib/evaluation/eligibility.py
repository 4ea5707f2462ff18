"""How well the learned heads tell what no page may stand for, by phrasings that taught none of them. Pure: no Spark."""

from collections.abc import Sequence
from typing import Any

from geo_lib.evaluation.rows import Measured, rows_by_metric
from geo_lib.evaluation.validation import Tried, measured_validation
from geo_lib.queries.eligibility.heads import HEADS
from geo_lib.queries.eligibility.labels import Label, places_of

EVALUATION = "eligibility"


def measured_eligibility(
    labels: Sequence[Label], stopped_by: Sequence[str | None], *, seed: int
) -> dict[str, list[Measured]]:
    """Recall and precision by head, as those of the checks are taken: of texts of its kind those that any head stops,
    beside the fit texts that this head stops. ``stopped_by``: the head that objects to each label, or null."""
    tried = [
        Tried(
            name,
            labels[place].locale,
            unfit=name in labels[place].kinds,
            stopped=stopped_by[place] is not None if name in labels[place].kinds else stopped_by[place] == name,
        )
        for name in HEADS
        for place in places_of(labels, name)
    ]
    return measured_validation(tried, seed=seed)


def eligibility_rows(measured: dict[str, list[Measured]], *, version: str) -> list[tuple[Any, ...]]:
    """The rows of ``evaluations``."""
    return rows_by_metric(EVALUATION, measured, unit="texts", versions=dict.fromkeys(HEADS, version))
