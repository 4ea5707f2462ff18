"""The session: what it needs of the machine that it starts on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
