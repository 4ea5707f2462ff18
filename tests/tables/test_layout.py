"""A clustered table lies in the order of its key, so that a range of the key opens few files."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest
from pyspark.sql import DataFrame, SparkSession

from geo_lib.serving.chunks import hash_ranges
from geo_lib.tables import Tables, writing
from schemas.image_bytes import IMAGE_BYTES
from tests.builders import build

CHUNKS = 8


def pictures(spark: SparkSession, numbers: Sequence[int]) -> DataFrame:
    """Rows of image_bytes of some 2 KB each, which no codec makes smaller."""
    rows = [
        {"signature": hashlib.sha256(str(n).encode()).hexdigest(), "bytes": bytearray(random.Random(n).randbytes(2048))}
        for n in numbers
    ]
    return build(IMAGE_BYTES, spark, *rows, width=1, height=1, format="PNG")


def files_read(tables: Tables) -> tuple[int, list[int]]:
    """Files of image_bytes, and how many of them each of ``CHUNKS`` chunks opens."""
    stored = tables.read(IMAGE_BYTES)
    return len(stored.inputFiles()), [len(chunk.of(stored, "signature").inputFiles()) for chunk in hash_ranges(CHUNKS)]


@contextmanager
def setting(spark: SparkSession, name: str, value: str) -> Iterator[None]:
    spark.conf.set(name, value)
    try:
        yield
    finally:
        spark.conf.unset(name)


def operations(spark: SparkSession, tables: Tables) -> list[str]:
    """What made the table's commits, the first one first."""
    history = spark.sql(f"describe history delta.`{tables.lakehouse}/tables/geo/image_bytes`").collect()
    return [row["operation"] for row in reversed(history)]


def test_the_first_write_lies_in_order_and_a_chunk_opens_its_own_files_alone(
    spark: SparkSession, tables: Tables
) -> None:
    with setting(spark, "spark.sql.files.maxRecordsPerFile", "10"):
        tables.write(IMAGE_BYTES, pictures(spark, range(200)))
    files, of_chunks = files_read(tables)
    assert files >= 20
    # two ways to cut a line into intervals: every cut of one falls into one interval of the other
    assert sum(of_chunks) <= files + CHUNKS - 1


def test_merges_lie_anywhere_until_there_are_many_and_then_the_table_is_sorted_anew(
    spark: SparkSession, tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_MOST_FILES", 5)  # a merge leaves two here
    with setting(spark, "spark.databricks.delta.optimize.maxFileSize", str(16 * 1024)):
        for batch in range(3):
            tables.write(IMAGE_BYTES, pictures(spark, range(batch * 40, batch * 40 + 40)))
        assert "OPTIMIZE" not in operations(spark, tables)
        scattered = files_read(tables)
        assert min(scattered[1]) >= 3, "a file of each merge at least"
        version = tables.version(IMAGE_BYTES)
        tables.write(IMAGE_BYTES, pictures(spark, range(120, 160)))
        assert operations(spark, tables)[-2:] == ["MERGE", "OPTIMIZE"]
        assert int(tables.version(IMAGE_BYTES).split("@")[1]) == int(version.split("@")[1]) + 1, (
            "the merge alone counts"
        )
        files, of_chunks = files_read(tables)
        assert files > CHUNKS
        assert sum(of_chunks) <= files + 2 * CHUNKS
        tables.write(IMAGE_BYTES, pictures(spark, range(120, 160)))
        assert operations(spark, tables)[-1] == "OPTIMIZE", "equal content changes nothing"
    assert tables.read(IMAGE_BYTES).count() == 160


def test_a_table_of_before_is_clustered_from_its_new_contract_on(spark: SparkSession, tables: Tables) -> None:
    tables.write(replace(IMAGE_BYTES, cluster_by=(), version=1), pictures(spark, range(3)))
    fresh = Tables(spark, lakehouse=tables.lakehouse, stamp=tables.stamp)
    assert fresh.read(IMAGE_BYTES).count() == 3
    detail = spark.sql(f"describe detail delta.`{tables.lakehouse}/tables/geo/image_bytes`").first()
    assert detail is not None
    assert detail["clusteringColumns"] == ["signature"]
