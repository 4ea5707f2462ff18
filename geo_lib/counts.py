"""What a job did to its units: in = kept + dropped + failed, always, with reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from geo_lib.errors import CountingError, TooManyFailedError


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
