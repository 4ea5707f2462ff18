import hashlib

import pytest
from chispa import assert_column_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from geo_lib.spark import local_frame
from geo_lib.training.split import HeldOut, split_column, split_of


@pytest.mark.transform
@pytest.mark.parametrize("percent", [1, 15, 50, 99])
def test_spark_and_python_split_every_key_alike(spark: SparkSession, percent: int) -> None:
    keys = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(400)] + ["", "ß", "1f600"]
    df = local_frame(spark, [(k, split_of(k, HeldOut(percent))) for k in keys], "key string, expected string")
    actual = df.withColumn("actual", split_column(F.col("key"), HeldOut(percent)))
    assert_column_equality(actual, "actual", "expected")


@pytest.mark.transform
def test_a_missing_key_belongs_to_no_split(spark: SparkSession) -> None:
    df = local_frame(spark, [(None,)], "key string").select(split_column(F.col("key"), HeldOut()).alias("split"))
    assert [row.split for row in df.collect()] == [None]


def test_the_split_is_the_stated_function_of_the_key() -> None:
    remainder = int.from_bytes(hashlib.sha256(b"split:abc").digest()[:8], "big") % 100
    assert split_of("abc", HeldOut(remainder + 1)) == "held_out"
    assert split_of("abc", HeldOut(remainder)) == "train"


def test_about_the_asked_share_is_held_out() -> None:
    held_out = sum(split_of(str(i), HeldOut()) == "held_out" for i in range(20_000))
    assert held_out / 20_000 == pytest.approx(0.15, abs=0.01)
