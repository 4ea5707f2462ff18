"""Which code and which files an outcome came from."""

import hashlib
import subprocess
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from geo_lib.errors import InputError

_PACKAGES = ("geo_lib", "jobs", "schemas")
_ROOT = Path(__file__).resolve().parent.parent


@lru_cache(maxsize=1)
def source_digest() -> str:
    """Hash of every file the packages consist of: what runs, whether or not it is committed."""
    files = (
        path
        for package in _PACKAGES
        for path in sorted((_ROOT / package).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    )
    return _digest_of(files, root=_ROOT)


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


def digest(location: str) -> str:
    """Content hash of a file, or of a folder's files and names; of a remote one, of its listing."""
    if "://" in location and not location.startswith("file://"):
        return _remote_digest(location)
    path = Path(location.removeprefix("file://"))
    if path.is_file():
        return _digest_of([path], root=path.parent)
    if path.is_dir():
        return _digest_of((p for p in sorted(path.rglob("*")) if p.is_file()), root=path)
    raise InputError(f"there is no file or folder {path}; name one that exists in the configuration")


def combined(parts: Sequence[str]) -> str:
    """One hash for many: order counts."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _digest_of(files: Iterable[Path], *, root: Path) -> str:
    whole = hashlib.sha256()
    for path in files:
        with path.open("rb") as content:
            inner = hashlib.file_digest(content, "sha256").hexdigest()
        whole.update(f"{path.relative_to(root).as_posix()} {inner}\n".encode())
    return whole.hexdigest()


def _remote_digest(location: str) -> str:
    from pyarrow import fs

    filesystem, path = fs.FileSystem.from_uri(location)
    selector = fs.FileSelector(path, recursive=True, allow_not_found=True)
    infos = filesystem.get_file_info(selector) or [filesystem.get_file_info(path)]
    return combined(sorted(f"{i.path} {i.size} {i.mtime_ns}" for i in infos if i.is_file))


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.strip()
