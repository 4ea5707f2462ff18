"""Shards built, distributed and searched by Spark."""

from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import Row

from geo_lib.ann.build import built, prune, refuse_poor_recall, sample_of, source_of, with_shard
from geo_lib.ann.search import Index, nearest
from geo_lib.ann.shard import Hnsw
from geo_lib.embeddings.vectors import Vectors, exact_top_k
from geo_lib.errors import QualityError
from geo_lib.spark import local_frame

pytestmark = pytest.mark.transform


def vectors_of(rows: int, seed: int = 0) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(rows, 8)).astype(np.float32)
    unit_vectors: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit_vectors


@pytest.fixture
def images(spark: SparkSession) -> DataFrame:
    rows = [(f"s{i:03d}", "en" if i < 40 else "de", "v1", v.tolist()) for i, v in enumerate(vectors_of(50))]
    return local_frame(spark, rows, "id string, locale string, model_version string, embedding array<float>")


@pytest.fixture
def queries(spark: SparkSession) -> DataFrame:
    rows = [(f"q{i}", "en" if i < 6 else "fr", "v1", v.tolist()) for i, v in enumerate(vectors_of(8, seed=1))]
    return local_frame(spark, rows, "id string, locale string, model_version string, embedding array<float>")


def test_shards_partition_the_ids_of_each_locale(images: DataFrame) -> None:
    shards = source_of(images).shards_by_locale(15)
    rows = with_shard(images, shards).select("id", "locale", "shard").collect()
    assert sorted(row.id for row in rows) == [f"s{i:03d}" for i in range(50)]
    assert {row.shard for row in rows} == {"de-000", "en-000", "en-001", "en-002"}
    assert all(row.shard.startswith(f"{row.locale}-") for row in rows)


def test_every_shard_of_the_locale_is_asked_and_the_answers_are_those_of_brute_force(
    images: DataFrame, queries: DataFrame, tmp_path: Path
) -> None:
    sample = sample_of(queries, per_locale=4)
    assert ({name: len(v) for name, v in sample.vectors.items()}, sample.model_versions) == (
        {"en": 4, "fr": 2},
        ("v1",),
    )
    sharded = with_shard(images, source_of(images).shards_by_locale(15))
    manifest = (
        built(sharded, version="v1", lakehouse=str(tmp_path), hnsw=Hnsw(), sample=sample.vectors)
        .withColumns({"index": F.lit("f/images"), "model_version": F.lit("v1")})
        .collect()
    )
    by_shard = {row.shard: row for row in manifest}
    assert sum(row.rows for row in manifest) == 50
    assert by_shard["en-001"].recall_at_10 == 1.0
    assert by_shard["de-000"].recall_at_10 is None

    index = Index.of("f/images", manifest, lakehouse=str(tmp_path))
    assert (len(index.files), index.ef, index.model_versions) == (4, 64, ("v1",))
    assert Index.of("g/images", manifest, lakehouse=str(tmp_path)).files == ()
    # any entity may ask and be found: the names of the id columns are the caller's
    asked = queries.withColumnRenamed("id", "board_id")
    found = nearest(asked, index.files, by="board_id", found="product_id", k=5, ef=64)
    found_rows = found.orderBy("board_id", "rank").collect()
    positions, _ = exact_top_k(vectors_of(50)[:40], vectors_of(8, seed=1)[:6], k=5)
    assert [(r.board_id, r.product_id) for r in found_rows] == [
        (f"q{q}", f"s{p:03d}") for q, row in enumerate(positions.tolist()) for p in row
    ]


def test_the_version_follows_the_vectors_and_the_parameters_but_not_the_order_of_rows(images: DataFrame) -> None:
    def version(df: DataFrame, hnsw: Hnsw | None = None, rows_per_shard: int = 15) -> str:
        return source_of(df).index_version(hnsw=hnsw or Hnsw(), rows_per_shard=rows_per_shard)

    assert version(images) == version(images.orderBy(F.desc("id")).repartition(3))
    others = [
        version(images.where("id <> 's003'")),
        version(images, Hnsw(m=8)),
        version(images, rows_per_shard=20),
        version(images.where("false")),
    ]
    assert len({version(images), *others}) == 5


def test_a_shard_that_finds_too_few_of_the_nearest_is_refused_by_name() -> None:
    def row(shard: str, recall: float | None) -> Row:
        return Row(index="f/images", shard=shard, recall_at_10=recall)

    refuse_poor_recall([row("de-000", None), row("en-000", 0.9)], least=0.9)
    with pytest.raises(QualityError, match=r"1 of 2 shards .* min_recall asks, 0.900: f/images en-001 0.875; raise"):
        refuse_poor_recall([row("en-000", 0.97), row("en-001", 0.875)], least=0.9)


def test_versions_that_no_manifest_names_are_removed(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / "index" / name).mkdir(parents=True)
    assert prune(str(tmp_path), keep={"new"}) == ["old"]
    assert [p.name for p in (tmp_path / "index").iterdir()] == ["new"]
