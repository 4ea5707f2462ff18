"""The session: what it needs of the machine that it starts on."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.errors import PySparkTypeError, PySparkValueError
from pyspark.sql import SparkSession
from pyspark.sql.types import LongType, StructField, StructType

from geo_lib import config
from geo_lib.spark import JAVA_OPTIONS, ONE_MACHINE, local_frame, sized
from jobs.run.workflow import ROOT
from schemas.images import IMAGES

_WRITE = """
import sys
from geo_lib.spark import session
session().range(1).write.parquet(sys.argv[1] + "/Katalog ü")
"""


@pytest.mark.slow
def test_a_machine_without_a_language_keeps_the_letters_of_names(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "LANG" and not name.startswith("LC_")}
    subprocess.run([sys.executable, "-c", _WRITE, str(tmp_path)], env={**environment, "LC_ALL": "C"}, check=True)
    assert [found.name for found in tmp_path.iterdir()] == ["Katalog ü"]


@pytest.mark.parametrize(
    ("cores", "gigabytes", "memory", "partitions"), [(1, 3.9, "2g", "4"), (2, 23.4, "3g", "4"), (64, 512, "31g", "128")]
)
def test_what_spark_gets_grows_with_the_machine(cores: int, gigabytes: float, memory: str, partitions: str) -> None:
    assert sized(cores, gigabytes) == {"spark.driver.memory": memory, "spark.sql.shuffle.partitions": partitions}


def test_an_empty_frame_has_every_column_of_a_contract(spark: SparkSession) -> None:
    assert local_frame(spark, [], IMAGES.schema).schema == IMAGES.schema
    assert local_frame(spark, iter(()), IMAGES.schema).collect() == []


def test_rows_come_back_as_they_were_whether_tuples_or_dicts(spark: SparkSession) -> None:
    columns = (
        "day date, at timestamp, n bigint, share double, `map of` map<string,bigint>, ways array<string>, b binary"
    )
    at = datetime(2026, 10, 30, 12, 30, tzinfo=UTC)
    row = (date(2026, 10, 30), at, 1, 0.5, {"a": 1}, ["x", "ü"], bytearray(b"\x00\xff"))
    names = ("day", "at", "n", "share", "map of", "ways", "b")
    found = local_frame(spark, [row, dict(zip(names, row, strict=True)), {}], columns)
    expected = [tuple(r) for r in spark.createDataFrame([row, row, (None,) * 7], columns).collect()]
    assert [tuple(r) for r in found.collect()] == expected


@pytest.mark.parametrize("value", [1.9, "1", True, None])
def test_a_value_of_another_type_than_its_column_is_refused_by_name(spark: SparkSession, value: object) -> None:
    schema = StructType([StructField("n", LongType(), nullable=False)])
    with pytest.raises((PySparkTypeError, PySparkValueError), match=r"\bn\b"):
        local_frame(spark, [(value,)], schema)


def test_java_starts_with_the_options_that_it_gets_where_nobody_chose_any() -> None:
    subprocess.run(["java", *ONE_MACHINE[JAVA_OPTIONS].split(), "-version"], check=True, capture_output=True)


def test_the_demo_compiles_once_and_keeps_what_it_compiled() -> None:
    options = config.load(ROOT / "conf" / "demo.yml").spark[JAVA_OPTIONS].split()
    assert "-XX:TieredStopAtLevel=1" in options
    assert any(option.startswith("-XX:ReservedCodeCacheSize=") for option in options), "or Java keeps 48 MB for it"
