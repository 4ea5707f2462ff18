"""How well the checks of the chain tell unfit queries from near misses. Pure: no Spark.

Recall: the share of unfit queries that some check stops, or of duplicates that are joined to what they reword.
Precision: the share of those stopped or joined that are unfit. A near miss counts as stopped whichever check it is: it
is lost all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from geo_lib.evaluation.intervals import Estimate, macro_mean
from geo_lib.evaluation.rows import OVERALL, Measured

RECALL, PRECISION = "recall", "precision"


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one planted query."""

    kind: str
    locale: str
    unfit: bool
    stopped: bool
    """Or joined, if it is a duplicate."""


def measured_validation(tried: Sequence[Tried], *, seed: int) -> dict[str, list[Measured]]:
    """Metric to its estimates, each kind an arm: overall, then by locale. Intervals draw queries."""
    found: dict[str, list[Measured]] = {RECALL: [], PRECISION: []}
    for kind in dict.fromkeys(it.kind for it in tried):
        of_kind = [it for it in tried if it.kind == kind]
        locales = dict.fromkeys(it.locale for it in of_kind)
        segments = {OVERALL: of_kind} | {f"locale:{at}": [it for it in of_kind if it.locale == at] for at in locales}
        for segment, some in segments.items():
            shares = {
                RECALL: _share([it.stopped for it in some if it.unfit], seed),
                PRECISION: _share([it.unfit for it in some if it.stopped], seed),
            }
            for metric, estimate in shares.items():
                if estimate is not None:
                    found[metric].append(Measured(kind, segment, estimate))
    return found


def _share(hits: Sequence[bool], seed: int) -> Estimate | None:
    return macro_mean([[float(hit)] for hit in hits], seed=seed)
