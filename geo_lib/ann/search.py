"""Search every shard of an entity's locale on the workers, and merge what they find."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import Row

from geo_lib.ann.shard import Shard, load
from geo_lib.embeddings.vectors import Vectors, stacked
from geo_lib.spark import is_connect

Shards = Mapping[str, Sequence[Shard]]
"""Locale to its shards."""


@dataclass(frozen=True, slots=True)
class ShardFile:
    """Where a shard lies and what it must hold: its row of the manifest."""

    locale: str
    path: str
    dimension: int
    checksum: str

    @staticmethod
    def of(row: Row, *, lakehouse: str) -> "ShardFile":
        path = str(Path(lakehouse) / row["path"])
        return ShardFile(row["locale"], path, row["dimension"], row["checksum"])


@dataclass(frozen=True, slots=True)
class Index:
    """What can be searched under one name: the entities of a kind as a family sees them."""

    name: str
    """``minilm_text/images``."""
    files: tuple[ShardFile, ...] = ()
    ef: int = 0
    """Candidates looked at per search."""
    model_versions: tuple[str | None, ...] = ()
    """Models that its vectors come from; more than one cannot be searched."""

    @staticmethod
    def of(name: str, manifest: Sequence[Row], *, lakehouse: str) -> "Index":
        """The index of that name among the rows of ``index_shards``; one without a row finds nothing."""
        shards = sorted((row for row in manifest if row["index"] == name), key=lambda row: str(row["shard"]))
        files = tuple(ShardFile.of(row, lakehouse=lakehouse) for row in shards)
        models = tuple(dict.fromkeys(row["model_version"] for row in shards))
        return Index(name, files, max((row["ef"] for row in shards), default=0), models)


def index_name(family: str, entity: str) -> str:
    return f"{family}/{entity}"


def nearest(asked: DataFrame, files: Sequence[ShardFile], *, by: str, found: str, k: int, ef: int) -> DataFrame:
    """``<by>, <found>, score, rank``: the k nearest of each entity among the shards of its locale.

    ``asked``: <by>, locale, embedding. ``by`` and ``found`` name the id columns of what asks and of what is indexed.
    ``score`` is the cosine at 6 decimals; order is by score descending, then id. What asks in a locale without a shard
    finds nothing.
    """
    shards = distributed(asked.sparkSession, files)
    schema = f"{by} string, {found} string, score double, rank int"

    def search(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            for locale, rows in batch.groupby("locale"):
                if of_locale := shards().get(str(locale)):
                    best = merged_top_k(rows[by].tolist(), stacked(rows["embedding"]), of_locale, k=k, ef=ef)
                    yield best.rename(columns={"asked": by, "id": found})

    return asked.select(by, "locale", "embedding").mapInPandas(search, schema)


def merged_top_k(asked: Sequence[str], vectors: Vectors, shards: Sequence[Shard], *, k: int, ef: int) -> pd.DataFrame:
    """``asked, id, score, rank`` from every shard's own top k; the order is total, so shards may come in any."""
    parts = []
    for shard in shards:
        positions, scores = shard.search(vectors, k=k, ef=ef)
        parts.append(
            pd.DataFrame(
                {
                    "asked": np.repeat(np.asarray(asked, dtype=object), positions.shape[1]),
                    "id": shard.ids[positions.ravel()].astype(object),
                    "score": np.round(scores.ravel().astype(np.float64), 6),
                }
            )
        )
    best_first = pd.concat(parts, ignore_index=True).sort_values(
        ["asked", "score", "id"], ascending=[True, False, True], ignore_index=True
    )
    rank = best_first.groupby("asked").cumcount().astype(np.int32) + 1
    return best_first.assign(rank=rank)[rank <= k]


def distributed(spark: SparkSession, files: Sequence[ShardFile]) -> Callable[[], Shards]:
    """A function that gives a worker the shards.

    On a classic session they are read and checked once, on the driver, and broadcast: Spark keeps one copy per
    Python worker. Connect has no broadcast; there each worker reads the files from the shared path and keeps
    them for as long as it lives, by their checksums.
    """
    if is_connect(spark):
        return partial(_loaded, tuple(files))
    broadcast = spark.sparkContext.broadcast(_read(files))
    return lambda: broadcast.value


@cache
def _loaded(files: tuple[ShardFile, ...]) -> Shards:
    return _read(files)


def _read(files: Sequence[ShardFile]) -> dict[str, list[Shard]]:
    shards: dict[str, list[Shard]] = {}
    for file in files:
        shards.setdefault(file.locale, []).append(
            load(Path(file.path), dimension=file.dimension, expected=file.checksum)
        )
    return shards
