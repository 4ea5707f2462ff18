"""What a job did to its units: in = kept + dropped + failed, always, with reasons."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from geo_lib.errors import CountingError, TooManyFailedError

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


@dataclass(frozen=True, slots=True)
class Counts:
    """The figures of one run, in the job's own unit.

    Raises ``CountingError`` unless ``rows_in == kept + sum(dropped) + sum(failed)`` and none of them is negative.
    """

    rows_in: int
    kept: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Reason to units left out on purpose."""
    failed: Mapping[str, int] = field(default_factory=dict)
    """Reason to units that should have come through and could not."""
    produced: Mapping[str, int] = field(default_factory=dict)
    """What the kept units fanned out into; no part of the balance."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """Seconds and units per second, where a job says more than the seconds that it took."""
    report: str = ""
    """A few lines to print after the run, if the job has something to show."""

    def __post_init__(self) -> None:
        accounted = self.kept + sum(self.dropped.values()) + sum(self.failed.values())
        if self.rows_in != accounted or min(self.rows_in, self.kept, *self.dropped.values(), *self.failed.values()) < 0:
            raise CountingError(
                f"{self.rows_in} came in, but {self.kept} kept + {sum(self.dropped.values())} dropped + "
                f"{sum(self.failed.values())} failed make {accounted}; dropped {dict(self.dropped)}, "
                f"failed {dict(self.failed)}"
            )

    @classmethod
    def tallied(
        cls,
        units: "DataFrame",
        *,
        by: str = "reason",
        failed: "Column | bool" = False,
        weight: str | None = None,
        rows_in: int | None = None,
        produced: Mapping[str, int] | None = None,
    ) -> "Counts":
        """The figures of ``units``, in one Spark job: kept where ``by`` is null, else dropped or ``failed`` for it.

        ``failed`` says of which rows the reason is a failure. A row counts once, or ``weight`` times. ``rows_in``,
        where it was counted elsewhere, is held against the sum.
        """
        from pyspark.sql import functions as F

        is_failed = F.lit(failed) if isinstance(failed, bool) else failed
        n = F.count("*") if weight is None else F.sum(weight)
        fates = units.groupBy(F.col(by).alias("reason"), is_failed.alias("is_failed")).agg(n.alias("n")).collect()
        dropped: Counter[str] = Counter()
        lost: Counter[str] = Counter()
        for fate in fates:
            if fate["reason"] is not None:
                (lost if fate["is_failed"] else dropped)[fate["reason"]] += fate["n"]
        return cls(
            rows_in=sum(fate["n"] for fate in fates) if rows_in is None else rows_in,
            kept=sum(fate["n"] for fate in fates if fate["reason"] is None),
            dropped=dict(dropped),
            failed=dict(lost),
            produced=produced or {},
        )

    def commonest_reasons(self, most: int = 3) -> str:
        """The reasons that cost most units, largest first: ``not_retained 512, ambiguous 8``."""
        reasons = sorted([*self.dropped.items(), *self.failed.items()], key=lambda item: (-item[1], item[0]))
        return ", ".join(f"{reason} {count:,}" for reason, count in reasons[:most] if count)

    def refuse_above(self, max_failed_share: float, *, unit: str) -> "Counts":
        """Return self, or raise ``TooManyFailedError`` when a larger share of the units failed."""
        failed = sum(self.failed.values())
        if failed > max_failed_share * self.rows_in:
            worst = sorted(self.failed.items(), key=lambda item: (-item[1], item[0]))[:3]
            raise TooManyFailedError(
                f"{failed:,} of {self.rows_in:,} {unit} failed ({failed / max(self.rows_in, 1):.2%}), more than "
                f"max_failed_share allows ({max_failed_share:.2%}); commonest: "
                + ", ".join(f"{reason} {count:,}" for reason, count in worst)
                + ". Mend the input, or raise max_failed_share for this job in the configuration."
            )
        return self
