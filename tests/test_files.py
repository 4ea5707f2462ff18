from pathlib import Path
from typing import Any

import pytest

from geo_lib import files
from geo_lib.errors import InputError


@pytest.mark.parametrize("spelling", ["{}", "file:{}", "file://{}"])
def test_a_local_file_is_read_however_its_address_is_spelled(tmp_path: Path, spelling: Any) -> None:
    (tmp_path / "a b.txt").write_bytes(b"here")
    assert files.read_bytes(spelling.format(tmp_path / "a b.txt")) == b"here"


def test_a_file_that_is_not_there_and_a_folder_are_both_missing(tmp_path: Path) -> None:
    for address in (tmp_path / "absent", tmp_path):
        with pytest.raises(FileNotFoundError):
            files.read_bytes(str(address))


def test_walking_leaves_out_what_spark_hides_and_keeps_the_order(tmp_path: Path) -> None:
    for name in ("b/2.csv", "a.csv", "_SUCCESS", ".a.crc", "_delta_log/0.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [f.relative for f in files.walk(str(tmp_path))] == ["a.csv", "b/2.csv"]
    with pytest.raises(InputError, match="is no folder"):
        list(files.walk(str(tmp_path / "a.csv")))


def test_an_address_knows_its_folder() -> None:
    assert files.folder_of("s3://bucket/drop/manifest.csv") == "s3://bucket/drop"
    assert files.folder_of("/drop/manifest.csv") == "/drop"
