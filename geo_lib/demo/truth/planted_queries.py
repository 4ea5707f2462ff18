"""Queries that a platform's validation must stop, each beside a near miss that it must let pass: folder ``planted``.

A duplicate is not stopped but joined to the query that it rewords; its near miss must stand beside that one.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "planted"


@dataclass(frozen=True, slots=True)
class Planted:
    """One query; ``unfit`` says whether it must be stopped, or, where it has an ``of``, be joined to that query."""

    kind: str
    locale: str
    query: str
    unfit: bool
    of: str | None = None


def planted_queries() -> Iterator[Planted]:
    """All of them, kind by kind and locale by locale."""
    for path in sorted(FOLDER.glob("*.csv")):
        kind, locale = path.stem.split(".")
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                yield Planted(kind, locale, row["query"], unfit=True, of=row.get("of"))
                yield Planted(kind, locale, row["near_miss"], unfit=False, of=row.get("of"))
