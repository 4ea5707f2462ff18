"""Is a query's category told right? By phrasings that no training label used, and by queries labelled by hand."""

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geo_lib.evaluation.intervals import Estimate, pooled_share
from geo_lib.evaluation.rows import OVERALL, Measured, Scores, Segment, measure, report_lines, rows_by_metric
from geo_lib.queries.kinds import CATEGORIES

HELD_OUT, BY_HAND = "categories", "categories_by_hand"
SERVED, HEAD, RULES = "model_then_rules", "model_alone", "rules_alone"
_BY_HAND_FILE = Path(__file__).with_name("sticker_queries.csv")


@dataclass(frozen=True, slots=True)
class Known:
    """A query whose category is known."""

    locale: str
    query: str
    category: str
    phrasing: str
    """What it has in common with others that should count as one; the query itself where nothing is known of that."""


def labelled_by_hand() -> list[Known]:
    """English queries of a sticker platform; how they were drawn and labelled stands at the head of the file."""
    lines = [line for line in _BY_HAND_FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [Known("en", row["query"], row["category"], row["query"]) for row in csv.DictReader(lines)]


def measured_categories(
    known: Sequence[Known], said: Mapping[str, Sequence[str]], *, seed: int
) -> dict[str, list[Measured]]:
    """Metric to what each arm of ``said`` (arm to a category per query) reaches, overall, by category and by locale.

    ``macro_accuracy``: the mean over categories of the mean over phrasings of the share told right, so that a phrasing
    that is filled a hundred times counts once. ``accuracy``: the share of all queries. Intervals draw phrasings.
    """
    parts = _segments(known)
    macro = [m for arm, told in said.items() for m in measure(arm, _scores(known, told), parts, seed=seed)]
    single = [Measured(arm, OVERALL, e) for arm, told in said.items() if (e := _accuracy(known, told, seed=seed))]
    return {"macro_accuracy": macro, "accuracy": single}


def category_rows(
    evaluation: str, measured: Mapping[str, Sequence[Measured]], *, versions: Mapping[str, str | None]
) -> list[tuple[Any, ...]]:
    """The rows of ``evaluations``."""
    unit = "phrasings" if evaluation == HELD_OUT else "queries"
    return rows_by_metric(evaluation, measured, unit=unit, versions=versions)


def category_lines(
    title: str, known: Sequence[Known], said: Mapping[str, Sequence[str]], measured: Mapping[str, Sequence[Measured]]
) -> str:
    """A line per arm, the share of single queries that is right, and the confusion of the arm that serves."""
    locales = [f"locale:{locale}" for locale in sorted({k.locale for k in known})]
    single = ", ".join(f"{m.arm} {m.estimate.value:.3f}" for m in measured["accuracy"])
    return "\n".join(
        [
            report_lines(title, measured["macro_accuracy"], {}, columns=[*CATEGORIES, *locales]),
            f"of {len(known):,} single queries right: {single}",
            *_confusion([k.category for k in known], said[SERVED]),
        ]
    )


def _scores(known: Sequence[Known], said: Sequence[str]) -> Scores:
    """Phrasing to the share of its queries told right, in the column of what they are."""
    right: defaultdict[str, defaultdict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for query, category in zip(known, said, strict=True):
        right[query.phrasing][query.category].append(category == query.category)
    return {
        phrasing: {c: sum(of_it[c]) / len(of_it[c]) if c in of_it else None for c in CATEGORIES}
        for phrasing, of_it in right.items()
    }


def _segments(known: Sequence[Known]) -> list[Segment]:
    phrasings_of: defaultdict[str, set[str]] = defaultdict(set)
    for query in known:
        for segment in (OVERALL, f"locale:{query.locale}"):
            phrasings_of[segment].add(query.phrasing)
    everything = sorted(phrasings_of.pop(OVERALL, ()))
    return [
        Segment(OVERALL, everything, CATEGORIES),
        *[Segment(category, everything, [category]) for category in CATEGORIES],
        *[Segment(name, sorted(mine), CATEGORIES) for name, mine in sorted(phrasings_of.items())],
    ]


def _accuracy(known: Sequence[Known], said: Sequence[str], *, seed: int) -> Estimate | None:
    right: Counter[str] = Counter()
    for query, category in zip(known, said, strict=True):
        right[query.phrasing] += category == query.category
    asked = Counter(query.phrasing for query in known)
    return pooled_share([(right[p], asked[p]) for p in sorted(asked)], seed=seed)


def _confusion(known: Sequence[str], said: Sequence[str]) -> list[str]:
    """How often each category was told as which; what it is stands at the left."""
    cells = Counter(zip(known, said, strict=True))
    lines = [f"{SERVED + ', told as':24}" + "".join(f"{category:>13}" for category in CATEGORIES)]
    return lines + [
        f"{is_one:24}" + "".join(f"{cells[is_one, as_one]:>13,}" for as_one in CATEGORIES) for is_one in CATEGORIES
    ]
