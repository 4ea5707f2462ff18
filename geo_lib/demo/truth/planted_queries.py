"""Queries that a platform's validation must stop, each beside a near miss that it must let pass: folder ``planted``."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "planted"


@dataclass(frozen=True, slots=True)
class Planted:
    """One query; ``unfit`` says whether it must be stopped."""

    kind: str
    locale: str
    query: str
    unfit: bool


def planted_queries() -> Iterator[Planted]:
    """All of them, kind by kind and locale by locale."""
    for path in sorted(FOLDER.glob("*.csv")):
        kind, locale = path.stem.split(".")
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                yield Planted(kind, locale, row["query"], unfit=True)
                yield Planted(kind, locale, row["near_miss"], unfit=False)
