"""One HNSW shard over arrays: build, save, load, search, and measure. Knows nothing of Spark."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from geo_lib.embeddings.vectors import Positions, Scores, Vectors, exact_top_k
from geo_lib.errors import InputError, ModelError
from geo_lib.files import write_whole

METRIC = "cosine"


@dataclass(frozen=True, slots=True)
class Hnsw:
    """Parameters of the graph (Malkov and Yashunin); the defaults find more than 99 % at 384 dimensions."""

    m: int = 16
    ef_construction: int = 200
    ef: int = 64
    seed: int = 17

    def __post_init__(self) -> None:
        for name in ("m", "ef_construction", "ef"):
            if (value := getattr(self, name)) < 2:
                raise ValueError(f"{name} must be at least 2, not {value}")


@dataclass(frozen=True, slots=True)
class Shard:
    """A searchable shard. Can be pickled.

    The graph holds every vector once, whatever number of ids have it: among many equal ones a walk comes to no others.
    """

    ids: npt.NDArray[np.str_]
    """Global; those of one vector side by side, in their order."""
    starts: Positions
    """Where the ids of each label of the graph begin, and behind the last one's end: (labels + 1,)."""
    graph: Any

    def search(self, queries: Vectors, *, k: int, ef: int) -> tuple[Positions, Scores]:
        """Positions and cosines of the nearest of each query, both (queries, min(k, rows)), best first.

        hnswlib raises when it cannot fill k places, so k is clipped to the shard and ef raised to k. It also
        raises when the walk of one query ends in a corner with fewer than k rows, as among many nearly equal vectors:
        then that query searches the shard exactly, and no other, so that what is found does not depend on the batch.
        """
        k = min(k, len(self.ids))
        return self._spread(*self._labels(queries, k=min(k, len(self.starts) - 1), ef=max(ef, k)), k=k)

    def _labels(self, queries: Vectors, *, k: int, ef: int) -> tuple[Positions, Scores]:
        self.graph.set_ef(ef)
        try:
            return self._walk(queries, k=k)
        except RuntimeError:
            everything = self._distinct()
        found = [self._walk_or_exact(query, everything, k=k) for query in np.split(queries, len(queries))]
        labels, scores = zip(*found, strict=True)
        return np.concatenate(labels), np.concatenate(scores)

    def _spread(self, labels: Positions, scores: Scores, *, k: int) -> tuple[Positions, Scores]:
        """The ids of the labels found, best first: each label has one at least, so that k labels are enough."""
        if len(self.starts) == len(self.ids) + 1:
            return labels, scores
        positions, cosines = [], []
        for own, cosine in zip(labels, scores, strict=True):
            starts, ends = self.starts[own], self.starts[own + 1]
            positions.append(np.concatenate([np.arange(*ids) for ids in zip(starts, ends, strict=True)])[:k])
            cosines.append(np.repeat(cosine, ends - starts)[:k])
        return np.array(positions, dtype=np.int64).reshape(-1, k), np.array(cosines, np.float32).reshape(-1, k)

    def _walk(self, queries: Vectors, *, k: int) -> tuple[Positions, Scores]:
        labels, distances = self.graph.knn_query(queries, k=k, num_threads=1)
        return labels.astype(np.int64), (1.0 - distances).astype(np.float32)

    def _walk_or_exact(self, query: Vectors, everything: Vectors, *, k: int) -> tuple[Positions, Scores]:
        try:
            return self._walk(query, k=k)
        except RuntimeError:
            return exact_top_k(everything, query, k=k)

    def vectors(self) -> Vectors:
        """Every vector, in the order of ``ids``."""
        return np.repeat(self._distinct(), np.diff(self.starts), axis=0)

    def _distinct(self) -> Vectors:
        return np.asarray(self.graph.get_items(np.arange(len(self.starts) - 1)), dtype=np.float32)


def build_shard(ids: Sequence[str], vectors: Vectors, hnsw: Hnsw) -> Shard:
    """The shard of these rows; whatever their order, the same rows give the same graph.

    Rows go in by id from one thread: with several, the graph depends on their timing.
    """
    import hnswlib

    if len(ids) == 0 or len(set(ids)) != len(ids) or vectors.shape[:1] != (len(ids),):
        raise InputError(
            f"a shard needs one vector per id and every id once; it got {len(ids)} ids, {len(set(ids))} of them "
            f"distinct, and vectors of shape {vectors.shape}"
        )
    names = np.asarray(ids, dtype=np.str_)
    by_id = np.argsort(names)
    _, first, which = np.unique(vectors[by_id], axis=0, return_index=True, return_inverse=True)
    # labels in the order of their smallest ids, as if no vector came twice
    label = np.argsort(np.argsort(first))[which.ravel()]
    order = by_id[np.argsort(label, kind="stable")]
    starts = _starts(np.bincount(label))
    graph = hnswlib.Index(METRIC, vectors.shape[1])
    graph.init_index(max_elements=len(first), M=hnsw.m, ef_construction=hnsw.ef_construction, random_seed=hnsw.seed)
    graph.add_items(vectors[order[starts[:-1]]], np.arange(len(first)), num_threads=1)
    return Shard(ids=names[order], starts=starts, graph=graph)


def recall(shard: Shard, queries: Vectors, *, k: int, ef: int) -> float:
    """Share of the exact k nearest that the graph finds, over all queries, 6 decimals.

    Images with the same texts have the same vector: what is found counts by its cosine, not by its name.
    """
    _, exact = exact_top_k(shard.vectors(), queries, k=k)
    _, found = shard.search(queries, k=k, ef=ef)
    worst_allowed = exact[:, -1:] - 1e-5
    return round(float((found >= worst_allowed).mean()), 6)


def save(shard: Shard, path: Path) -> str:
    """Write ``path`` and its ids beside it (``.ids``), each by one rename; return the checksum of both.

    A line of the ids for every vector of the graph, with a tab between those that share it.
    """
    of_label = np.split(shard.ids, shard.starts[1:-1])
    write_whole(ids_path(path), "\n".join("\t".join(ids.tolist()) for ids in of_label).encode())
    write_whole(path, lambda half: shard.graph.save_index(str(half)))
    return checksum(path)


def load(path: Path, *, dimension: int, expected: str) -> Shard:
    """Read a shard back; ``ModelError`` when the files are not those of the manifest."""
    import hnswlib

    there = path.is_file() and ids_path(path).is_file()
    if not there or checksum(path) != expected:
        state = "does not have the checksum of its manifest" if there else "is missing"
        raise ModelError(f"the index shard {path} {state}; build the index again: geo build-index --force")
    graph = hnswlib.Index(METRIC, dimension)
    graph.load_index(str(path))
    of_label = [line.split("\t") for line in ids_path(path).read_text(encoding="utf-8").split("\n")]
    names = np.array([name for ids in of_label for name in ids], dtype=np.str_)
    return Shard(names, _starts([len(ids) for ids in of_label]), graph)


def _starts(sizes: npt.ArrayLike) -> Positions:
    """``Shard.starts`` of labels with so many ids each."""
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def ids_path(path: Path) -> Path:
    return path.with_suffix(".ids")


def checksum(path: Path) -> str:
    """SHA-256 of the graph's file followed by its ids."""
    whole = hashlib.sha256(path.read_bytes())
    whole.update(ids_path(path).read_bytes())
    return whole.hexdigest()
