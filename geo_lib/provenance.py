"""Which code and which files an outcome came from."""

import hashlib
import json
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from geo_lib import files
from geo_lib.errors import InputError

_PACKAGES = ("geo_lib", "jobs", "schemas")
_ROOT = Path(__file__).resolve().parent.parent


@lru_cache(maxsize=1)
def source_digest() -> str:
    """Hash of every file the packages consist of, documentation aside: what runs, whether or not it is committed."""
    sources = (
        path
        for package in _PACKAGES
        for path in sorted((_ROOT / package).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    )
    return _digest_of(sources, root=_ROOT)


@lru_cache(maxsize=1)
def requirements_digest() -> str:
    """Hash of the installed versions of what the package requires: word lists and encoders come in packages."""
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    found: dict[str, str] = {}
    for name in sorted(Requirement(text).name for text in requires("visual-geo") or ()):
        with suppress(PackageNotFoundError):  # an extra that this machine does without
            found[name] = version(name)
    return version_of(packages=found)


@lru_cache(maxsize=1)
def code_commit() -> str:
    """The git commit of the checkout, ``+changes`` when it differs; an installed wheel gives its source digest."""
    if (_ROOT / ".git").exists():
        try:
            commit = _git("rev-parse", "--short=12", "HEAD")
            return commit + ("+changes" if _git("status", "--porcelain", "--", *_PACKAGES) else "")
        except (OSError, subprocess.CalledProcessError):
            pass  # no git, or no commit yet: the sources speak for themselves
    return f"sources-{source_digest()[:12]}"


def digest(folder: str | Path) -> str:
    """Content hash of a local folder: the relative names of its files and what they hold, documentation (.md) aside."""
    root = Path(folder)
    return _digest_of((p for p in sorted(root.rglob("*")) if p.is_file()), root=root)


def listing(location: str) -> str:
    """Hash of the names, sizes and times of change of a file or of a folder's files, local or in a store.

    Cheap where ``digest`` would read every picture of a catalogue; a file written again counts as changed.
    """
    from pyarrow.fs import FileSelector, FileType

    store, path = files.locate(location)
    there = store.get_file_info(path)
    if there.type == FileType.NotFound:
        raise InputError(f"there is no file or folder {location}; name one that exists in the configuration")
    found = [there] if there.type == FileType.File else store.get_file_info(FileSelector(path, recursive=True))
    return version_of(files=sorted(f"{i.path} {i.size} {i.mtime_ns}" for i in found if i.type == FileType.File))


def version_of(**parts: object) -> str:
    """A short name for exactly these parts: the first 16 hex digits of the SHA-256 of their JSON."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _digest_of(paths: Iterable[Path], *, root: Path) -> str:
    whole = hashlib.sha256()
    for path in paths:
        if path.suffix == ".md":
            continue
        with path.open("rb") as content:
            inner = hashlib.file_digest(content, "sha256").hexdigest()
        whole.update(f"{path.relative_to(root).as_posix()} {inner}\n".encode())
    return whole.hexdigest()


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.strip()
