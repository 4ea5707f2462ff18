"""Search every shard of a query's locale on the workers, and merge what they find."""

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


def nearest(queries: DataFrame, files: Sequence[ShardFile], *, id_column: str, k: int, ef: int) -> DataFrame:
    """``query_id, <id_column>, score, rank``: the k nearest of each query among the shards of its locale.

    ``queries``: query_id, locale, embedding. ``score`` is the cosine at 6 decimals; order is by score
    descending, then id. A query whose locale has no shard finds nothing.
    """
    shards = distributed(queries.sparkSession, files)
    schema = f"query_id string, {id_column} string, score double, rank int"

    def search(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            for locale, asked in batch.groupby("locale"):
                if found := shards().get(str(locale)):
                    best = merged_top_k(asked["query_id"].tolist(), stacked(asked["embedding"]), found, k=k, ef=ef)
                    yield best.rename(columns={"id": id_column})

    return queries.select("query_id", "locale", "embedding").mapInPandas(search, schema)


def merged_top_k(
    query_ids: Sequence[str], queries: Vectors, shards: Sequence[Shard], *, k: int, ef: int
) -> pd.DataFrame:
    """``query_id, id, score, rank`` from every shard's own top k; the order is total, so shards may come in any."""
    parts = []
    for shard in shards:
        positions, scores = shard.search(queries, k=k, ef=ef)
        parts.append(
            pd.DataFrame(
                {
                    "query_id": np.repeat(np.asarray(query_ids, dtype=object), positions.shape[1]),
                    "id": shard.ids[positions.ravel()].astype(object),
                    "score": np.round(scores.ravel().astype(np.float64), 6),
                }
            )
        )
    best_first = pd.concat(parts, ignore_index=True).sort_values(
        ["query_id", "score", "id"], ascending=[True, False, True], ignore_index=True
    )
    rank = best_first.groupby("query_id").cumcount().astype(np.int32) + 1
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
