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
    """A searchable shard. Labels of the graph are positions in ``ids``; ids are global. Can be pickled."""

    ids: npt.NDArray[np.str_]
    graph: Any

    def search(self, queries: Vectors, *, k: int, ef: int) -> tuple[Positions, Scores]:
        """Positions and cosines of the nearest of each query, both (queries, min(k, rows)), best first.

        hnswlib raises when it cannot fill k places, so k is clipped to the shard and ef raised to k. It also
        raises when the walk of one query ends in a corner with fewer than k rows, as among many equal vectors: then
        that query searches the shard exactly, and no other, so that what is found does not depend on the batch.
        """
        k = min(k, len(self.ids))
        self.graph.set_ef(max(ef, k))
        try:
            return self._walk(queries, k=k)
        except RuntimeError:
            everything = self.vectors()
        found = [self._walk_or_exact(query, everything, k=k) for query in np.split(queries, len(queries))]
        positions, scores = zip(*found, strict=True)
        return np.concatenate(positions), np.concatenate(scores)

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
        return np.asarray(self.graph.get_items(np.arange(len(self.ids))), dtype=np.float32)


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
    order = np.argsort(np.asarray(ids, dtype=np.str_))
    graph = hnswlib.Index(METRIC, vectors.shape[1])
    graph.init_index(max_elements=len(ids), M=hnsw.m, ef_construction=hnsw.ef_construction, random_seed=hnsw.seed)
    graph.add_items(vectors[order], np.arange(len(ids)), num_threads=1)
    return Shard(ids=np.asarray(ids, dtype=np.str_)[order], graph=graph)


def recall(shard: Shard, queries: Vectors, *, k: int, ef: int) -> float:
    """Share of the exact k nearest that the graph finds, over all queries, 6 decimals.

    Images with the same texts have the same vector: what is found counts by its cosine, not by its name.
    """
    _, exact = exact_top_k(shard.vectors(), queries, k=k)
    _, found = shard.search(queries, k=k, ef=ef)
    worst_allowed = exact[:, -1:] - 1e-5
    return round(float((found >= worst_allowed).mean()), 6)


def save(shard: Shard, path: Path) -> str:
    """Write ``path`` and its ids beside it (``.ids``), each by one rename; return the checksum of both."""
    write_whole(ids_path(path), "\n".join(shard.ids.tolist()).encode())
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
    return Shard(ids=np.array(ids_path(path).read_text(encoding="utf-8").split("\n"), dtype=np.str_), graph=graph)


def ids_path(path: Path) -> Path:
    return path.with_suffix(".ids")


def checksum(path: Path) -> str:
    """SHA-256 of the graph's file followed by its ids."""
    whole = hashlib.sha256(path.read_bytes())
    whole.update(ids_path(path).read_bytes())
    return whole.hexdigest()
