"""Build an index from a table of vectors: Spark cuts it into shards, a pure function builds each."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import Row

from geo_lib.ann.shard import METRIC, Hnsw, build_shard, recall, save
from geo_lib.embeddings.vectors import Vectors, stacked
from geo_lib.errors import QualityError

RECALL_AT = 10
_LAYOUT = 2
"""Of a shard's files."""
_SHARD = (
    "index_version string, shard string, locale string, rows bigint, dimension int, metric string, m int, "
    "ef_construction int, ef int, path string, checksum string, recall_at_10 double"
)


@dataclass(frozen=True, slots=True)
class Source:
    """What one pass over the vectors tells of them."""

    rows_by_locale: Mapping[str, int]
    digest: str
    """``rows,hash,hash`` over every (id, locale, vector), in no order; ``0`` when there is none."""
    model_versions: tuple[str, ...]

    @property
    def rows(self) -> int:
        return sum(self.rows_by_locale.values())

    def index_version(self, *, hnsw: Hnsw, rows_per_shard: int) -> str:
        """16 hex digits of a hash over the vectors and over the parameters."""
        parameters = (_LAYOUT, hnsw.m, hnsw.ef_construction, hnsw.ef, hnsw.seed, rows_per_shard)
        whole = ",".join([self.digest, *map(str, parameters)])
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    def shards_by_locale(self, rows_per_shard: int) -> dict[str, int]:
        """As few per locale as fit: every query asks every shard of its locale, so more than needed only cost."""
        return {locale: -(-rows // rows_per_shard) for locale, rows in self.rows_by_locale.items()}


def source_of(vectors: DataFrame) -> Source:
    """``vectors``: id, locale, model_version, embedding, none of them null, as xxhash64 would leave a null out."""
    row_hashes = [F.xxhash64(F.lit(seed), "id", "locale", "embedding") for seed in (0, 1)]
    by_locale = vectors.groupBy("locale").agg(
        F.count("*").alias("n"),
        *(F.bit_xor(row_hash).alias(f"x{seed}") for seed, row_hash in enumerate(row_hashes)),
        F.collect_set("model_version").alias("models"),
    )
    locales = by_locale.collect()
    x0, x1 = 0, 0
    for locale in locales:  # exclusive or knows no order, of rows or of locales
        x0, x1 = x0 ^ locale["x0"], x1 ^ locale["x1"]
    rows = sum(locale["n"] for locale in locales)
    return Source(
        rows_by_locale={locale["locale"]: locale["n"] for locale in locales},
        digest=f"{rows},{x0},{x1}" if rows else "0",
        model_versions=tuple(sorted({model for locale in locales for model in locale["models"]})),
    )


def with_shard(vectors: DataFrame, shards_by_locale: Mapping[str, int]) -> DataFrame:
    """``vectors`` with ``shard``: ``en-000`` and so on, three digits or more, by a hash of the id.

    A shard holds one locale, because a collection shows images of one.
    """
    shards = F.create_map(*(F.lit(part) for pair in sorted(shards_by_locale.items()) for part in pair))
    number = F.pmod(F.xxhash64("id"), shards[F.col("locale")])
    return vectors.withColumn("shard", F.format_string("%s-%03d", "locale", number))


@dataclass(frozen=True, slots=True)
class Sample:
    """Vectors to measure recall with, by locale, and the models of all that they were drawn from."""

    vectors: Mapping[str, Vectors]
    model_versions: tuple[str, ...]


def sample_of(queries: DataFrame, *, per_locale: int) -> Sample:
    """Up to ``per_locale`` vectors of each locale, the same ones whenever the queries are the same.

    ``queries``: id, locale, model_version, embedding.
    """
    by_hash = Window.partitionBy("locale").orderBy(F.xxhash64("id"), "id")
    all_models = F.collect_set("model_version").over(Window.partitionBy("locale"))
    rows = (
        queries.withColumns({"place": F.row_number().over(by_hash), "models": all_models})
        .where(F.col("place") <= per_locale)
        .select("locale", "place", "embedding", F.when(F.col("place") == 1, F.col("models")).alias("models"))
        .toPandas()
        .sort_values(["locale", "place"])
    )
    models = {model for several in rows["models"].dropna() for model in several}
    by_locale = {str(locale): stacked(group["embedding"]) for locale, group in rows.groupby("locale")}
    return Sample(by_locale, tuple(sorted(models)))


def built(sharded: DataFrame, *, version: str, lakehouse: str, hnsw: Hnsw, sample: Mapping[str, Vectors]) -> DataFrame:
    """One manifest row per shard; evaluating it writes the shard's files under ``<lakehouse>/index/<version>``.

    ``sharded``: id, locale, embedding, shard. Building twice writes the same bytes, so a retried task does no harm.
    """

    def build_one(rows: pd.DataFrame) -> pd.DataFrame:
        name, locale = str(rows["shard"].iloc[0]), str(rows["locale"].iloc[0])
        vectors = stacked(rows["embedding"])
        shard = build_shard(rows["id"].tolist(), vectors, hnsw)
        path = Path("index", version, f"{name}.hnsw")
        measured = recall(shard, sample[locale], k=RECALL_AT, ef=hnsw.ef) if locale in sample else None
        manifest = (
            *(version, name, locale, len(rows), vectors.shape[1], METRIC, hnsw.m, hnsw.ef_construction, hnsw.ef),
            *(path.as_posix(), save(shard, Path(lakehouse) / path), measured),
        )
        return pd.DataFrame([manifest], columns=[field.split()[0] for field in _SHARD.split(", ")])

    return sharded.select("shard", "locale", "id", "embedding").groupBy("shard").applyInPandas(build_one, _SHARD)


def refuse_poor_recall(manifest: Sequence[Row], *, least: float) -> None:
    """Raise ``QualityError`` with the worst shards when the measured recall of one is below ``least``."""
    measured = [(row["recall_at_10"], f"{row['index']} {row['shard']}") for row in manifest]
    poor = sorted((found, name) for found, name in measured if found is not None and found < least)
    if poor:
        worst = ", ".join(f"{name} {found:.3f}" for found, name in poor[:3])
        raise QualityError(
            f"{len(poor)} of {len(manifest)} shards find less of the nearest ten than min_recall asks, {least:.3f}: "
            f"{worst}; raise hnsw's ef or m, or look for many vectors that are nearly the same"
        )


def prune(lakehouse: str, *, keep: set[str]) -> list[str]:
    """Remove the folders of index versions that no manifest row names any more; return their names."""
    folder = Path(lakehouse, "index")
    stale = sorted(p for p in (folder.iterdir() if folder.is_dir() else ()) if p.name not in keep)
    for version in stale:
        shutil.rmtree(version)
    return [version.name for version in stale]
