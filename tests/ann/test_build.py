"""Which shard a vector lies in."""

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from geo_lib.ann.build import with_shard


@pytest.mark.transform
def test_a_locale_may_have_more_than_a_thousand_shards(spark: SparkSession) -> None:
    vectors = spark.range(20_000).select(F.col("id").cast("string").alias("id"), F.lit("en").alias("locale"))
    names = {row["shard"] for row in with_shard(vectors, {"en": 1_500}).select("shard").distinct().collect()}
    assert len(names) == 1_500
    assert {"en-000", "en-042", "en-1499"} <= names
