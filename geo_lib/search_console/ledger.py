"""The ledger of console days: which of them stand in the lakehouse just as their files have them. Pure.

A day is known by the names, sizes and times of its files and by the code that read them; of those that did not
change, the ledger says what reading them again would count.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from geo_lib.provenance import version_of
from geo_lib.search_console.delivery import Delivery, Part


@dataclass(frozen=True, slots=True)
class DayRecord:
    """One day as it was last read: from which files, into which version of search_console, with which fates."""

    files: str | None
    changed_in: str
    """``<table id>@<version>`` of search_console that brought the day's rows."""
    parts: tuple[Part, ...]

    @property
    def keys(self) -> int:
        """Rows of the day in search_console."""
        return sum(part.keys for part in self.parts if part.reason is None)


def day_records(rows: Iterable[Any], *, console: str) -> dict[date, DayRecord]:
    """The ledger from the rows of ``console_days``; empty unless it tells of the version ``console``.

    Each change of search_console is noted after it is made. So if the newest that is noted is not the newest there
    is, a run died in between or somebody else wrote, and nothing in the ledger can be relied on.
    """
    ledger: dict[date, DayRecord] = {}
    for row in rows:
        parts = ledger[row["data_date"]].parts if row["data_date"] in ledger else ()
        part = Part(row["data_date"], row["reason"], row["rows"], row["keys"])
        ledger[row["data_date"]] = DayRecord(row["files"], row["changed_in"], (*parts, part))
    tables = {table_of(record.changed_in) for record in ledger.values()}
    newest = max((version_in(record.changed_in) for record in ledger.values()), default=-1)
    return ledger if tables == {table_of(console)} and newest == version_in(console) else {}


def day_rows(ledger: Mapping[date, DayRecord], days: Iterable[date]) -> list[tuple[Any, ...]]:
    """The rows of ``console_days`` that say what the ledger says of ``days``; a day without a row is one, too."""
    return [
        (day, part.reason, part.rows, part.keys, ledger[day].files, ledger[day].changed_in)
        for day in sorted(days)
        for part in ledger[day].parts or (Part(day, None, 0, 0),)
    ]


def file_marks(delivery: Delivery, days: Iterable[date], *, reader: str) -> dict[date, str]:
    """What to know each day's files by. ``reader``: what else decides the rows that they become.

    A file that no folder dates may hold any day, and so is one of every day's.
    """

    def listed(day: date | None) -> list[tuple[str, int, int | None]]:
        return sorted((f.relative, f.size, f.mtime_ns) for f in delivery.usable if f.day == day)

    undated = listed(None)
    return {day: version_of(files=listed(day), undated=undated, reader=reader) for day in days}


def unchanged_days(delivery: Delivery, ledger: Mapping[date, DayRecord], *, reader: str) -> frozenset[date]:
    """Days of the delivery that need not be read: their files are those that the ledger has.

    None of them beside files without a day: which days those hold is known only once they are read.
    """
    if any(file.day is None for file in delivery.usable):
        return frozenset()
    marks = file_marks(delivery, delivery.days, reader=reader)
    return frozenset(day for day, mark in marks.items() if day in ledger and ledger[day].files == mark)


def without_days(delivery: Delivery, days: Collection[date]) -> Delivery:
    """The delivery without the usable files of ``days``."""
    return replace(delivery, usable=tuple(file for file in delivery.usable if file.day not in days))


def table_of(version: str) -> str:
    """Of ``<table id>@<version>`` the table's id."""
    return version.rpartition("@")[0]


def version_in(version: str) -> int:
    """Of ``<table id>@<version>`` the number; -1 for a table that does not exist."""
    number = version.rpartition("@")[2]
    return int(number) if number.isdecimal() else -1
