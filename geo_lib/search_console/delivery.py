"""What becomes of the files of a drop folder: taken, malformed, or not complete yet; and how the rows add up. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType

from geo_lib.counts import Counts
from geo_lib.search_console.folder import ConsoleFile
from geo_lib.search_console.layouts import LEFT_OUT, MALFORMED_DAY

NOT_COMPLETE = "not_in_export_log"
PASSED_OVER = "passed_over"


@dataclass(frozen=True, slots=True)
class Part:
    """Delivered rows of one day that met one fate: ``reason``, or null for kept, in ``keys`` distinct keys."""

    day: date | None
    reason: str | None
    rows: int
    keys: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """The files of a folder by what becomes of them."""

    usable: tuple[ConsoleFile, ...]
    malformed: tuple[ConsoleFile, ...]
    """Broken files, and sound ones of a day with a broken file: a day is taken whole or not at all."""
    incomplete: tuple[ConsoleFile, ...]
    """Files of days that the export log does not call complete yet."""
    passed_over: tuple[ConsoleFile, ...] = ()
    """Files of a kind that is not read."""

    @property
    def days(self) -> frozenset[date]:
        """Days whose folders can be taken."""
        return frozenset(file.day for file in self.usable if file.day is not None)

    def without(self, days: Mapping[date, str]) -> "Delivery":
        """The same delivery when ``days`` (day to problem) proved malformed while they were read."""
        late = tuple(replace(f, problem=days[f.day]) for f in self.usable if f.day is not None and f.day in days)
        return replace(self, usable=tuple(f for f in self.usable if f.day not in days), malformed=self.malformed + late)


def sort_out(found: Sequence[ConsoleFile], *, complete: frozenset[date] | None) -> Delivery:
    """Which files to take. ``complete``: the export log's days, which gate dated folders; null: no log, no gate."""
    broken = {file.day: file for file in found if file.problem is not None and file.day is not None}
    usable, malformed, incomplete, passed_over = [], [], [], []
    for file in found:
        if file.kind is None:
            passed_over.append(file)
        elif file.problem is not None:
            malformed.append(file)
        elif file.day in broken:
            malformed.append(replace(file, problem=f"left out with {broken[file.day].relative} of the same day"))
        elif complete is not None and file.day is not None and file.day not in complete:
            incomplete.append(file)
        else:
            usable.append(file)
    return Delivery(tuple(usable), tuple(malformed), tuple(incomplete), tuple(passed_over))


def short_days(delivery: Delivery, came: Mapping[date, int]) -> dict[date, str]:
    """Days of which fewer rows came than their files' footers promise: a page inside is corrupt.

    Only days whose files all have footers can be checked. Rows count for the day of their folder, whatever they say.
    """
    promised: dict[date, int] = {}
    unknown = {file.day for file in delivery.usable if file.rows is None}
    for file in delivery.usable:
        if file.day is not None and file.day not in unknown:
            promised[file.day] = promised.get(file.day, 0) + (file.rows or 0)
    return {
        day: f"only {came.get(day, 0):,} of {rows:,} rows can be read"
        for day, rows in promised.items()
        if came.get(day, 0) != rows
    }


def rows_of(found: Iterable[ConsoleFile]) -> int:
    """Rows by the footers; a file that cannot tell counts as one."""
    return sum(1 if file.rows is None else file.rows for file in found)


@dataclass(frozen=True, slots=True)
class Settlement:
    """A delivery whose rows were read: what stands, and what this reading answers for."""

    delivery: Delivery
    rows: Counts
    days: Counts
    """Days, and files without one, so that a lost day weighs as a day however few rows it could tell of."""
    left_out: frozenset[date]
    """Days with a malformed file, which may have proved so while it was read; none of their rows is taken."""
    answered: tuple[date, ...]
    """Days that are replaced in the lakehouse, sorted."""


def settle(
    delivery: Delivery, parts: Sequence[Part], *, undated: Mapping[date, int] = MappingProxyType({})
) -> Settlement:
    """Add the rows up: every delivered row is kept, dropped (not complete yet, told elsewhere) or failed, once.

    What was delivered is what the footers say; where a file has none (CSV, JSON), what came. ``undated``: of each day
    the rows that files without a day brought; they share its fate when another file of it is malformed. Raises
    ``CountingError`` when fewer rows came than that of files that belong to no day.
    """
    came = Counter({day: -rows for day, rows in undated.items()})
    for part in parts:
        if part.day is not None:
            came[part.day] += part.rows
    delivery = delivery.without(short_days(delivery, came))
    left_out = frozenset(file.day for file in delivery.malformed if file.day is not None)
    standing = [part for part in parts if part.day not in left_out]
    of_files = sum(rows for day, rows in undated.items() if day in left_out)
    failed = Counter({MALFORMED_DAY: rows_of(delivery.malformed) + of_files})
    dropped = Counter({NOT_COMPLETE: rows_of(delivery.incomplete), PASSED_OVER: len(delivery.passed_over)})
    for part in standing:
        if part.reason is not None:
            (dropped if part.reason in LEFT_OUT else failed)[part.reason] += part.rows
    kept = [part for part in standing if part.reason is None]
    has_footers = all(file.rows is not None for file in delivery.usable)
    usable = rows_of(delivery.usable) if has_footers else sum(part.rows for part in standing) + of_files
    malformed_days = {file.day or file.relative for file in delivery.malformed}
    usable_days = {file.day or file.relative for file in delivery.usable}
    return Settlement(
        delivery=delivery,
        rows=Counts(
            rows_in=usable
            + sum(rows_of(files) for files in (delivery.malformed, delivery.incomplete))
            + len(delivery.passed_over),
            kept=sum(part.rows for part in kept),
            dropped={reason: rows for reason, rows in dropped.items() if rows},
            failed={reason: rows for reason, rows in failed.items() if rows},
            produced={"keys": sum(part.keys for part in kept)},
        ),
        days=Counts(
            rows_in=len(malformed_days) + len(usable_days),
            kept=len(usable_days),
            failed={MALFORMED_DAY: len(malformed_days)},
        ),
        left_out=left_out,
        answered=tuple(sorted((came.keys() | delivery.days) - left_out)),
    )
