"""One platform for the whole test session: simulated, killed while it annotates, and run to its end.

The demo of ``make run SIZE=small``, with all its gates: real Spark, Delta, LoRA and vLLM on four hundred images. It is
made once; who changes anything in it makes a copy first.
"""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from geo_lib.tables import Stamp, Tables
from jobs import cli, registry
from jobs.run.workflow import ROOT
from schemas.generations import GENERATIONS
from schemas.job_runs import JOB_RUNS
from tests.kit import await_in, kill, python

SCHEMA = "geo_tests"
TESTS = f"""
extends: small.yml
schema: {SCHEMA}
settings:
  vlm: {{base: {ROOT}/geo_lib/demo/tiny_vlm}}
jobs:
  annotate_images: {{chunk_signatures: 64}}  # several, to be killed in between
"""
_CHUNKS_BEFORE_THE_KILL = 2
_PATIENCE = 2700
"""Seconds after which a run that commits no chunk is given up; it trains the model first."""


@dataclass(frozen=True)
class Platform:
    """The lakehouse after its run, and what stood in it when the first run was killed."""

    conf: Path
    tables: Tables
    survivors: frozenset[str]
    """Signatures whose generation was committed when the first process was killed."""
    versions: Mapping[str, str]
    """Table to version after the run."""

    @property
    def lakehouse(self) -> Path:
        return Path(self.tables.lakehouse)

    def rows(self, name: str) -> DataFrame:
        return self.tables.read(next(table for table in registry.all_tables() if table.name == name))

    def versions_now(self) -> dict[str, str]:
        return _versions(_tables(self.tables.spark, self.lakehouse))

    def geo(self, *argv: str) -> int:
        """Run ``geo`` on this platform, in this process; return its status."""
        return cli.main([*argv, "--conf", str(self.conf)])


@pytest.fixture(scope="session")
def platform(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    home = tmp_path_factory.mktemp("platform")
    (home / "conf").mkdir()
    for name in ("base.yml", "demo.yml", "small.yml"):
        (home / "conf" / name).write_text((ROOT / "conf" / name).read_text())
    conf, lakehouse = home / "conf" / "tests.yml", home / "lakehouse"
    conf.write_text(TESTS)
    assert cli.main(["simulate-platform", "--conf", str(conf)]) == 0
    with _running(["run", "pipeline", "--conf", str(conf)]) as first:
        await_in(
            first,
            lambda: _chunks(lakehouse) >= _CHUNKS_BEFORE_THE_KILL,
            patience=_PATIENCE,
            every=0.1,
            told=partial(_last_words, lakehouse),
        )
        kill(first)
    committed = _tables(spark, lakehouse).read(GENERATIONS).where("task = 'queries'").select("subject").collect()
    assert cli.main(["run", "pipeline", "--conf", str(conf)]) == 0
    tables = _tables(spark, lakehouse)
    return Platform(conf, tables, frozenset(row["subject"] for row in committed), _versions(tables))


@contextmanager
def _running(argv: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """``geo`` as a process group of its own, with Spark and vLLM in it; it is gone when the block ends."""
    process = python("-m", "jobs.cli", *argv)
    try:
        yield process
    finally:
        if process.poll() is None:
            kill(process)


def _chunks(lakehouse: Path) -> int:
    """How many chunks of annotate_images are committed: a commit says who made it."""
    log = (lakehouse / "tables" / SCHEMA / GENERATIONS.name / "_delta_log").glob("*.json")
    return sum("/annotate_images/" in commit.read_text() for commit in log)


def _last_words(lakehouse: Path) -> str:
    return max((lakehouse / "logs").glob("geo-*.log")).read_text()[-2000:]


def _tables(spark: SparkSession, lakehouse: Path) -> Tables:
    from tests.conftest import AS_OF

    return Tables(spark, str(lakehouse), Stamp("looking", AS_OF, "test", simulated=True), schema=SCHEMA)


def _versions(tables: Tables) -> dict[str, str]:
    return {t.name: tables.version(t) for t in registry.all_tables() if t != JOB_RUNS}
