"""Shards built, distributed and searched by Spark."""

from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from geo_lib.ann.build import built, index_version, prune, sample_queries, with_shard
from geo_lib.ann.search import ShardFile, nearest
from geo_lib.ann.shard import Hnsw
from geo_lib.embeddings.vectors import Vectors, exact_top_k

pytestmark = pytest.mark.transform


def vectors_of(rows: int, seed: int = 0) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(rows, 8)).astype(np.float32)
    unit_vectors: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit_vectors


@pytest.fixture
def images(spark: SparkSession) -> DataFrame:
    rows = [(f"s{i:03d}", "en" if i < 40 else "de", v.tolist()) for i, v in enumerate(vectors_of(50))]
    return spark.createDataFrame(rows, "signature string, locale string, embedding array<float>")


@pytest.fixture
def queries(spark: SparkSession) -> DataFrame:
    rows = [(f"q{i}", "en" if i < 6 else "fr", v.tolist()) for i, v in enumerate(vectors_of(8, seed=1))]
    return spark.createDataFrame(rows, "query_id string, locale string, embedding array<float>")


def test_shards_partition_the_ids_of_each_locale(images: DataFrame) -> None:
    sharded = with_shard(images, id_column="signature", rows_per_shard=15).select("signature", "locale", "shard")
    rows = sharded.collect()
    assert sorted(row.signature for row in rows) == [f"s{i:03d}" for i in range(50)]
    assert {row.shard for row in rows} == {"de-000", "en-000", "en-001", "en-002"}
    assert all(row.shard.startswith(f"{row.locale}-") for row in rows)


def test_every_shard_of_the_locale_is_asked_and_the_answers_are_those_of_brute_force(
    images: DataFrame, queries: DataFrame, tmp_path: Path
) -> None:
    sharded = with_shard(images, id_column="signature", rows_per_shard=15)
    manifest = built(
        sharded,
        id_column="signature",
        version="v1",
        lakehouse=str(tmp_path),
        hnsw=Hnsw(),
        sample=sample_queries(queries, per_locale=4),
    ).collect()
    by_shard = {row.shard: row for row in manifest}
    assert sum(row.rows for row in manifest) == 50
    assert by_shard["en-001"].recall_at_10 == 1.0
    assert by_shard["de-000"].recall_at_10 is None

    files = [ShardFile.of(row, lakehouse=str(tmp_path)) for row in manifest]
    found = nearest(queries, files, id_column="signature", k=5, ef=64).orderBy("query_id", "rank").collect()
    positions, _ = exact_top_k(vectors_of(50)[:40], vectors_of(8, seed=1)[:6], k=5)
    assert [(r.query_id, r.signature) for r in found] == [
        (f"q{q}", f"s{p:03d}") for q, row in enumerate(positions.tolist()) for p in row
    ]


def test_the_version_follows_the_vectors_and_the_parameters_but_not_the_order_of_rows(images: DataFrame) -> None:
    def version(df: DataFrame, hnsw: Hnsw | None = None, rows_per_shard: int = 15) -> str:
        return index_version(df, id_column="signature", hnsw=hnsw or Hnsw(), rows_per_shard=rows_per_shard)

    assert version(images) == version(images.orderBy(F.desc("signature")).repartition(3))
    others = [
        version(images.where("signature <> 's003'")),
        version(images, Hnsw(m=8)),
        version(images, rows_per_shard=20),
    ]
    assert len({version(images), *others}) == 4


def test_versions_that_no_manifest_names_are_removed(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / "index" / name).mkdir(parents=True)
    assert prune(str(tmp_path), keep={"new"}) == ["old"]
    assert [p.name for p in (tmp_path / "index").iterdir()] == ["new"]
