"""The nearest of a set of vectors to each of them: exactly while it is small, by an index when it is large."""

from collections.abc import Sequence

import numpy as np

from geo_lib.ann.shard import Hnsw, build_shard
from geo_lib.embeddings.vectors import Positions, Vectors, exact_top_k

_BLOCK = 1_024
"""Rows that are compared with all at once."""


def neighbours(ids: Sequence[str], vectors: Vectors, *, k: int, exact_up_to: int, hnsw: Hnsw) -> Positions:
    """Rows of the ``k`` nearest to each row besides itself, which is found, too: (rows, min(k + 1, rows)).

    ``vectors``: unit vectors (rows, d) of the distinct ``ids``. Up to ``exact_up_to`` rows by brute force, ties in
    their order; above by HNSW. Of rows with one vector in common a row itself may be missing.
    """
    k = min(k + 1, len(ids))
    if len(ids) <= exact_up_to:
        blocks = [exact_top_k(vectors, vectors[at : at + _BLOCK], k=k)[0] for at in range(0, len(ids), _BLOCK)]
        return np.concatenate(blocks)
    shard = build_shard(ids, vectors, hnsw)
    row_of = {name: row for row, name in enumerate(ids)}
    rows = np.array([row_of[name] for name in shard.ids.tolist()])
    found, _ = shard.search(vectors, k=k, ef=max(hnsw.ef, k))
    return rows[found]
