import errno
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


@pytest.mark.parametrize("spelling", ["{}", "file:{}", "file://{}"])
@pytest.mark.parametrize("name", ["a#1.png", "why?.png", "a b;c=d.png"])
def test_every_character_of_a_name_is_part_of_it(tmp_path: Path, spelling: str, name: str) -> None:
    (tmp_path / name).write_bytes(b"here")
    assert files.read_bytes(spelling.format(tmp_path / name)) == b"here"


@pytest.mark.parametrize("address", ["https://pins.test/a.png", f"/{'a' * 300}.png", "/a\0b.png"])
def test_an_address_that_no_file_can_have_is_unreadable(address: str) -> None:
    with pytest.raises(files.UnreadableFileError, match="cannot read"):
        files.read_bytes(address)


class Failing:
    """A store that answers with an error number: root may read everything, and no disk fails on demand."""

    def __init__(self, number: int) -> None:
        self._number = number

    def get_file_info(self, _: str) -> None:
        raise OSError(self._number, "no")


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.EACCES, files.UnreadableFileError), (errno.EIO, OSError), (errno.ENOSPC, OSError)]
)
def test_a_file_that_may_not_be_read_is_unreadable_and_an_outage_stays_an_outage(
    monkeypatch: pytest.MonkeyPatch, number: int, expected: type[Exception]
) -> None:
    monkeypatch.setattr(files, "locate", lambda address: (Failing(number), address))
    with pytest.raises(expected):
        files.read_bytes("a.txt")


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


def test_a_folder_appears_whole_or_not_at_all_and_one_that_came_first_stays(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "folder"

    def break_off() -> None:
        with files.appearing(folder) as half:
            half.mkdir()
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        break_off()
    assert not list(folder.parent.iterdir())
    for content in ("first", "second"):
        with files.appearing(folder) as half:
            half.mkdir()
            (half / "content").write_text(content)
    assert [(p.name, (p / "content").read_text()) for p in folder.parent.iterdir()] == [("folder", "first")]


def test_a_file_appears_whole_or_not_at_all_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "page.html"
    files.write_whole(target, b"first")
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"first", 0o644)

    def torn(half: Path) -> None:
        half.write_bytes(b"sec")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        files.write_whole(target, torn)
    assert [path.name for path in target.parent.iterdir()] == ["page.html"]
    assert target.read_bytes() == b"first"
