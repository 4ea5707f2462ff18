"""Files outside the lakehouse, local or in an object store, by one kind of address; on the driver and in tasks."""

import codecs
import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from geo_lib.errors import InputError

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

_URI = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*):(?=/)(?://(?P<host>[^/]*))?(?P<path>.*)", re.DOTALL)
"""Not urlsplit: ``#`` and ``?`` are plain characters of a file's name."""
_REFUSED = (errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP)
"""What says that an address is at fault and not the store: trying again would not help."""
_PATTERN = re.compile(r"[\\{}\[\]*?]")
"""What Hadoop takes for a pattern in a path unless it is escaped."""
_CHUNK = 1 << 22
_SAME_STORE = {"s3a": "s3", "s3n": "s3", "abfss": "abfs"}
"""Hadoop's names for stores that Arrow knows by another."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of a folder: its address, its path relative to the folder, its bytes and when it last changed."""

    uri: str
    relative: str
    size: int
    mtime_ns: int | None = None
    """Null where a store does not say."""

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.relative).suffix.lower()


class UnreadableFileError(ValueError):
    """The address names nothing that can be read: no store has its scheme, its name is too long, or it is barred."""


def is_uri(address: str) -> bool:
    return _URI.fullmatch(address) is not None


def can_append(folder: str) -> bool:
    """Whether files in the folder can grow or change in place: not in a store, nor on a Databricks volume."""
    return not is_uri(folder) and not folder.startswith("/Volumes/")


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """Where to make the folder that becomes ``folder`` by one rename when the block ends.

    So a process killed half-way leaves nothing that is taken for whole, and two that make the same do no harm.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    half = Path(tempfile.mkdtemp(dir=folder.parent, prefix="half-"))
    try:
        yield half / folder.name
        (half / folder.name).rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(half, ignore_errors=True)


def write_whole(path: Path, content: bytes | Callable[[Path], None]) -> None:
    """Let ``path`` hold ``content``, or what a function writes to the path it is given, by one rename.

    So a file that is there is complete, whoever is killed meanwhile and however many write the same one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix="half-", suffix=path.suffix)
    os.close(handle)
    half = Path(name)
    try:
        half.write_bytes(content) if isinstance(content, bytes) else content(half)
        half.chmod(0o644)  # a temporary file is its owner's alone
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def locate(address: str) -> tuple["FileSystem", str]:
    """The file system that holds ``address`` and the path within it.

    Takes plain paths, ``file:`` in either spelling, ``dbfs:/Volumes/…`` and what Arrow knows: s3 (s3a), gs,
    abfs(s), hdfs.
    """
    if (parts := _URI.fullmatch(address)) is None:
        return _local(), str(Path(address).absolute())
    scheme, host, path = parts["scheme"].lower(), parts["host"] or "", parts["path"]
    if scheme in ("file", "dbfs"):
        return _local(), unquote(path)
    scheme = _SAME_STORE.get(scheme, scheme)
    return _store(scheme, host), _path_in(scheme, host, path)


def look_at(address: str) -> FoundFile:
    """A file as its store lists it, without opening it. Raises as ``read_bytes`` does."""
    from pyarrow.fs import FileType

    with _refusals(address):
        files, path = locate(address)
        info = files.get_file_info(path)
        if info.type != FileType.File:
            raise FileNotFoundError(address)
        return FoundFile(address, PurePosixPath(path).name, info.size, info.mtime_ns)


def read_bytes(address: str) -> bytes:
    """All of a file as it lies there, zipped or not.

    Raises ``FileNotFoundError`` when there is none and ``UnreadableFileError`` when none can be.

    Other trouble is the store's and is raised as it is.
    """
    return read_found(look_at(address))


def read_found(file: FoundFile) -> bytes:
    """All of a file that was listed: as ``read_bytes``, without asking the store for it again."""
    with _refusals(file.uri):
        files, path = locate(file.uri)
        with files.open_input_stream(path, compression=None) as stream:
            return bytes(stream.read())


@contextmanager
def _refusals(address: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as wrong:
        if isinstance(wrong, OSError) and wrong.errno not in _REFUSED:
            raise
        raise UnreadableFileError(f"cannot read {address}: {wrong}") from wrong


def literal(address: str) -> str:
    """The address as Spark's readers take it when every character of a name is part of it."""
    return _PATTERN.sub(r"\\\g<0>", address)


def line_not_utf8(address: str, *, refuse_null: bool = False) -> int | None:
    """The first line of a text, zipped or not, that is no UTF-8; null when there is none.

    Whoever decodes such bytes all the same makes other words of the words. ``refuse_null``: nor may a line have the
    null character, which UTF-16 is full of. What the store cannot give or unzip is an ``OSError``.
    """
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    files, path = locate(address)
    with files.open_input_stream(path) as opened:  # unpacks .gz by itself
        while chunk := bytes(opened.read(_CHUNK)):
            if refuse_null and b"\0" in chunk:
                return line + chunk[: chunk.index(b"\0")].count(b"\n")
            try:
                line += decoder.decode(chunk).count("\n")
            except UnicodeDecodeError as wrong:
                return line + wrong.object[: wrong.start].count(b"\n")
    return line if decoder.getstate()[0] else None


def walk(folder: str) -> Iterator[FoundFile]:
    """Every file below ``folder`` by relative path; hidden ones and Spark's ``_SUCCESS`` kin are left out."""
    from pyarrow.fs import FileSelector, FileType

    if not is_folder(folder):
        raise InputError(f"{folder} is no folder; give the folder that holds the files.")
    files, path = locate(folder)
    root = folder.rstrip("/")
    found = []
    for info in files.get_file_info(FileSelector(path, recursive=True)):
        relative = info.path[len(path.rstrip("/")) + 1 :]
        hidden = any(part.startswith((".", "_")) for part in PurePosixPath(relative).parts)
        if info.type == FileType.File and not hidden:
            found.append(FoundFile(f"{root}/{relative}", relative, info.size, info.mtime_ns))
    yield from sorted(found, key=lambda file: file.relative)


def exists(address: str) -> bool:
    from pyarrow.fs import FileType

    files, path = locate(address)
    return bool(files.get_file_info(path).type != FileType.NotFound)


def is_folder(address: str) -> bool:
    from pyarrow.fs import FileType

    files, path = locate(address)
    return bool(files.get_file_info(path).type == FileType.Directory)


def folder_of(address: str) -> str:
    """The folder that holds the file, as an address of the same kind."""
    return address.rsplit("/", 1)[0] if is_uri(address) else str(Path(address).absolute().parent)


@cache
def _local() -> "FileSystem":
    from pyarrow.fs import LocalFileSystem

    return LocalFileSystem()


@cache
def _store(scheme: str, host: str) -> "FileSystem":
    """One client per bucket and process: making one costs a round trip."""
    from pyarrow.fs import FileSystem

    return FileSystem.from_uri(f"{scheme}://{host}/")[0]


def _path_in(scheme: str, host: str, path: str) -> str:
    """The path as the store counts it: Azure names container and account in the host, HDFS has no bucket."""
    container = host.split("@", 1)[0] if scheme == "abfs" else host
    return path if scheme == "hdfs" else f"{container}{path}"
