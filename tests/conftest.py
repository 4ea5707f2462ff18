"""One Spark session per test process, and a lakehouse of its own for every test."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from geo_lib import config
from geo_lib.models import Models
from geo_lib.spark import JAVA_OPTIONS, session
from geo_lib.tables import Stamp, Tables
from jobs.run.job import Context
from jobs.run.workflow import ROOT
from tests.kit import empty_registry, job_context, models, tuned_vlm
from tests.platform import platform

__all__ = ["empty_registry", "models", "platform", "tuned_vlm"]

AS_OF = date(2026, 10, 30)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--connect", action="store_true", help="run on Spark Connect instead of a classic session")


def spark_settings(*, encodes: bool = True) -> dict[str, str]:
    """Those of the demo, for a handful of rows a table; a process that a test starts takes them, too.

    ``encodes``: workers have the text encoder's libraries, which takes half a minute once a session.
    """
    of_the_demo = config.load(ROOT / "conf" / "demo.yml").spark
    light = {} if encodes else {"spark.python.daemon.module": "geo_lib.daemon"}
    return {
        **of_the_demo,
        # what Delta and Spark keep of hundreds of lakehouses fills half of 2 GB, and was marked for ever
        JAVA_OPTIONS: f"{of_the_demo[JAVA_OPTIONS]} -XX:InitiatingHeapOccupancyPercent=70 -XX:-G1UseAdaptiveIHOP",
        "spark.master": "local[2,3]",
        "spark.driver.memory": "3g",
        "spark.sql.shuffle.partitions": "2",
        # compiling what handles a handful of rows costs more than it ever gives back
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        **light,
    }


@pytest.fixture(scope="session")
def spark(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    os.environ["SPARK_LOCAL_DIRS"] = str(tmp_path_factory.mktemp("spark"))
    warehouse = {"spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse"))}
    connect = bool(request.config.getoption("--connect"))
    spark = session(spark_settings(encodes=not connect) | warehouse, remote="local[2]" if connect else None)
    yield spark
    spark.stop()


@pytest.fixture
def stamp() -> Stamp:
    return Stamp(run_id="test-run", as_of=AS_OF, code_commit="test", simulated=True)


@pytest.fixture
def tables(spark: SparkSession, tmp_path: Path, stamp: Stamp) -> Tables:
    return Tables(spark, lakehouse=str(tmp_path / "lakehouse"), stamp=stamp)


@pytest.fixture
def context(tables: Tables, models: Models) -> Context:
    """A fresh lakehouse for one job: tables, models and files of its own."""
    return job_context(tables, models)
