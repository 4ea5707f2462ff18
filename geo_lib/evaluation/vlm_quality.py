"""Does the model write what people would search for? Arms that answer for the same held-out images, scored alike."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from geo_lib.embeddings.vectors import Positions, Vectors, exact_top_k
from geo_lib.evaluation.intervals import Estimate, macro_mean
from geo_lib.evaluation.matching import Intent, category_scores
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.queries.parse import parse_response

METRIC = "rouge1_f1"
PAPER_ARM = "paper_table_2"
PAPER_TABLE_2: Mapping[str, float] = {"description": 0.63, "style": 0.40, "use_case": 0.34, "overall": 0.46}
"""ROUGE-1 F1 of the paper, on 1,800 of its own signatures; overall is the macro mean of the three."""
PAPER_N = 1800

Queries = Mapping[str, Sequence[str]]
"""Category to queries, best first."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A held-out signature and what people want when it should be found."""

    signature: str
    locale: str
    intents: Mapping[str, Sequence[Intent]]
    is_novel: bool = False
    """Shows a combination of attributes that no training image shows."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of ``evaluations``, its evaluation and model apart."""

    arm: str
    segment: str
    estimate: Estimate


def measure(arm: str, answers: Mapping[str, Queries], subjects: Sequence[Subject], *, seed: int) -> list[Measured]:
    """Score one arm over all subjects and over each segment; a subject without an answer scores 0."""
    scores = {s.signature: category_scores(answers.get(s.signature, {}), s.intents, CATEGORIES) for s in subjects}
    segments: dict[str, tuple[Sequence[Subject], Sequence[str]]] = {"overall": (subjects, CATEGORIES)}
    segments |= {category: (subjects, [category]) for category in CATEGORIES}
    segments["novel_combinations"] = ([s for s in subjects if s.is_novel], CATEGORIES)
    for locale in sorted({s.locale for s in subjects}):
        segments[f"locale:{locale}"] = ([s for s in subjects if s.locale == locale], CATEGORIES)
    rows = []
    for segment, (members, categories) in segments.items():
        table = [[scores[s.signature][c] for c in categories] for s in members]
        if (estimate := macro_mean(table, seed=seed)) is not None:
            rows.append(Measured(arm, segment, estimate))
    return rows


def paper_rows() -> list[Measured]:
    """The paper's own figures, as an arm of their own. It gives no intervals."""
    return [Measured(PAPER_ARM, s, Estimate(value, None, None, PAPER_N)) for s, value in PAPER_TABLE_2.items()]


def answered(text: str | None) -> Queries:
    """Category to queries of a raw answer, parsed as validation parses it; what has no category is in none."""
    found: dict[str, list[str]] = {}
    for category, query in parse_response(text or ""):
        found.setdefault(category, []).append(query)
    return found


def deranged(signatures: Iterable[str], *, seed: int) -> dict[str, str]:
    """Each signature to another one, no one to itself: the next in an order that the seed decides."""
    order = sorted(signatures, key=lambda s: sha256(f"{seed}\n{s}".encode()).hexdigest())
    if len(order) < 2:
        return {}
    return dict(zip(order, order[1:] + order[:1], strict=True))


def most_frequent(
    training: Iterable[tuple[str, Queries]], *, quotas: Mapping[str, int]
) -> dict[str, dict[str, list[str]]]:
    """Locale to the queries that most training images have, per category; ties by the alphabet."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for locale, queries in training:
        for category in CATEGORIES:
            counts.setdefault((locale, category), Counter()).update(queries[category])
    best: dict[str, dict[str, list[str]]] = {}
    for (locale, category), counted in counts.items():
        ranked = sorted(counted, key=lambda query: (-counted[query], query))
        best.setdefault(locale, {})[category] = ranked[: quotas[category]]
    return best


def nearest(vectors: Vectors, among: Vectors) -> Positions:
    """Row of ``among`` that is closest by cosine to each row of ``vectors``; the first of equals."""
    closest, _ = exact_top_k(_unit(among), _unit(vectors), k=1)
    return closest[:, 0]


def report_lines(title: str, measured: Sequence[Measured], unanswered: Mapping[str, int]) -> str:
    """One line per arm: overall first, then the categories, with the interval, n and ``unanswered`` of those."""
    arms = list(dict.fromkeys(row.arm for row in measured))
    by_key = {(row.arm, row.segment): row.estimate for row in measured}
    lines = [title, f"{'':24}{'overall':>8}  {'95 % interval':17}" + "".join(f"{c:>13}" for c in CATEGORIES)]
    for arm in arms:
        overall = by_key.get((arm, "overall"))
        if overall is None:
            continue
        interval = "" if overall.ci_low is None else f"[{overall.ci_low:.3f}, {overall.ci_high:.3f}]"
        parts = [by_key.get((arm, category)) for category in CATEGORIES]
        cells = "".join(f"{'–':>13}" if part is None else f"{part.value:>13.3f}" for part in parts)
        silent = f", {unanswered[arm]:,} without an answer" if arm in unanswered else ""
        lines.append(f"{arm:24}{overall.value:>8.3f}  {interval:17}{cells}   n {overall.n:,}{silent}")
    return "\n".join(lines)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)
