"""Does the model write what people would search for? Arms that answer for the same held-out images, scored alike."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from geo_lib.embeddings.vectors import Positions, Vectors, exact_top_k
from geo_lib.evaluation.intervals import Estimate
from geo_lib.evaluation.matching import Intent, category_scores
from geo_lib.evaluation.rows import OVERALL, Measured, Scores, Segment
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


def scores(answers: Mapping[str, Queries], subjects: Sequence[Subject]) -> Scores:
    """Matched ROUGE-1 F1 of each subject in each category; a subject without an answer scores 0."""
    return {s.signature: category_scores(answers.get(s.signature, {}), s.intents, CATEGORIES) for s in subjects}


def segments(subjects: Sequence[Subject]) -> list[Segment]:
    """Over all, by category, over combinations that training did not show, and by locale."""
    everyone = [s.signature for s in subjects]
    novel = [s.signature for s in subjects if s.is_novel]
    by_locale: dict[str, list[str]] = {}
    for subject in subjects:
        by_locale.setdefault(subject.locale, []).append(subject.signature)
    return [
        Segment(OVERALL, everyone, CATEGORIES),
        *[Segment(category, everyone, [category]) for category in CATEGORIES],
        Segment("novel_combinations", novel, CATEGORIES),
        *[Segment(f"locale:{locale}", by_locale[locale], CATEGORIES) for locale in sorted(by_locale)],
    ]


def paper_rows() -> list[Measured]:
    """The paper's own figures, as an arm of their own. It gives no intervals."""
    return [Measured(PAPER_ARM, s, Estimate(value, None, None, PAPER_N)) for s, value in PAPER_TABLE_2.items()]


def answered(text: str | None) -> Queries:
    """Category to queries of a raw answer, parsed as validation parses it; what has no category is in none."""
    queries: dict[str, list[str]] = {}
    for category, query in parse_response(text or ""):
        queries.setdefault(category, []).append(query)
    return queries


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


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)
