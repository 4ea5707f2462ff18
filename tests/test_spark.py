"""The session: what it needs of the machine that it starts on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from geo_lib import config
from geo_lib.spark import JAVA_OPTIONS, sized
from jobs.run.workflow import ROOT

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


def test_the_demo_compiles_once_and_keeps_what_it_compiled() -> None:
    options = config.load(ROOT / "conf" / "demo.yml").spark[JAVA_OPTIONS].split()
    assert "-XX:TieredStopAtLevel=1" in options
    assert any(option.startswith("-XX:ReservedCodeCacheSize=") for option in options), "or Java keeps 48 MB for it"
