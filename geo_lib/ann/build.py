"""Build an index from a table of vectors: Spark cuts it into shards, a pure function builds each."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.ann.shard import METRIC, Hnsw, build_shard, recall, save
from geo_lib.embeddings.vectors import Vectors, stacked

RECALL_AT = 10
_SHARD = (
    "index_version string, shard string, locale string, rows bigint, dimension int, metric string, m int, "
    "ef_construction int, ef int, path string, checksum string, recall_at_10 double"
)


def with_shard(vectors: DataFrame, *, id_column: str, rows_per_shard: int) -> DataFrame:
    """``vectors`` with ``shard``: ``en-000`` and so on, by a hash of the id, as few per locale as fit.

    A shard holds one locale, because a collection shows images of one; and every query must ask every shard
    of its locale, so more shards than needed only cost.
    """
    sizes = vectors.groupBy("locale").agg(F.ceil(F.count("*") / F.lit(rows_per_shard)).alias("shards"))
    number = F.pmod(F.xxhash64(id_column), F.col("shards"))
    return (
        vectors.join(F.broadcast(sizes), on="locale", how="inner")
        .withColumn("shard", F.concat_ws("-", "locale", F.lpad(number.cast("string"), 3, "0")))
        .drop("shards")
    )


def index_version(vectors: DataFrame, *, id_column: str, hnsw: Hnsw, rows_per_shard: int) -> str:
    """16 hex digits of a hash over every (id, locale, vector), in no order, and over the parameters."""
    rows = [F.xxhash64(F.lit(seed), id_column, "locale", "embedding") for seed in (0, 1)]
    digest = vectors.agg(F.count("*").alias("n"), *(F.bit_xor(row).alias(f"x{i}") for i, row in enumerate(rows)))
    of_parameters = [hnsw.m, hnsw.ef_construction, hnsw.ef, hnsw.seed, rows_per_shard]
    whole = F.concat_ws(",", "n", "x0", "x1", *(F.lit(value) for value in of_parameters))
    found = digest.select(F.substring(F.sha2(whole, 256), 1, 16).alias("version")).collect()
    return str(found[0]["version"])


def sample_queries(queries: DataFrame, *, per_locale: int) -> dict[str, Vectors]:
    """Up to ``per_locale`` query vectors of each locale, the same ones whenever the queries are the same."""
    by_hash = Window.partitionBy("locale").orderBy(F.xxhash64("query_id"), "query_id")
    rows = (
        queries.withColumn("place", F.row_number().over(by_hash))
        .where(F.col("place") <= per_locale)
        .orderBy("locale", "place")
        .select("locale", "embedding")
        .toPandas()
    )
    return {str(locale): stacked(group["embedding"]) for locale, group in rows.groupby("locale")}


def built(
    sharded: DataFrame,
    *,
    id_column: str,
    version: str,
    lakehouse: str,
    hnsw: Hnsw,
    sample: Mapping[str, Vectors],
) -> DataFrame:
    """One manifest row per shard; evaluating it writes the shard's files under ``<lakehouse>/index/<version>``.

    Building twice writes the same bytes, so a retried task does no harm.
    """

    def build_one(rows: pd.DataFrame) -> pd.DataFrame:
        name, locale = str(rows["shard"].iloc[0]), str(rows["locale"].iloc[0])
        vectors = stacked(rows["embedding"])
        shard = build_shard(rows[id_column].tolist(), vectors, hnsw)
        path = Path("index", version, f"{name}.hnsw")
        found = recall(shard, sample[locale], k=RECALL_AT, ef=hnsw.ef) if locale in sample else None
        manifest = (
            *(version, name, locale, len(rows), vectors.shape[1], METRIC, hnsw.m, hnsw.ef_construction, hnsw.ef),
            *(path.as_posix(), save(shard, Path(lakehouse) / path), found),
        )
        return pd.DataFrame([manifest], columns=[field.split()[0] for field in _SHARD.split(", ")])

    return sharded.select("shard", "locale", id_column, "embedding").groupBy("shard").applyInPandas(build_one, _SHARD)


def prune(lakehouse: str, *, keep: set[str]) -> list[str]:
    """Remove the folders of index versions that no manifest row names any more; return their names."""
    folder = Path(lakehouse, "index")
    stale = sorted(p for p in (folder.iterdir() if folder.is_dir() else ()) if p.name not in keep)
    for version in stale:
        shutil.rmtree(version)
    return [version.name for version in stale]
