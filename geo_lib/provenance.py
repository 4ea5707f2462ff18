"""Which code and which files an outcome came from."""

import ast
import hashlib
import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path

from geo_lib import files
from geo_lib.errors import InputError

_PACKAGES = ("geo_lib", "jobs", "schemas")
_ROOT = Path(__file__).resolve().parent.parent


@lru_cache(maxsize=1)
def source_digest() -> str:
    """Hash of every file the packages consist of, documentation aside: what runs, whether or not it is committed."""
    everything = (
        path
        for package in _PACKAGES
        for path in sorted((_ROOT / package).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    )
    return _digest_of(everything, root=_ROOT)


@cache
def code_digest(module: str) -> str:
    """Hash of the sources that ``module`` rests on, so that an edit elsewhere leaves it as it was."""
    return _digest_of(sources(module), root=_ROOT)


def sources(module: str) -> list[Path]:
    """The files that ``module`` rests on, sorted.

    These are itself, what it imports of these packages (in functions, too), what those import, and the data files
    beside each. It reads import statements: nothing may be imported by string.
    """
    rests_on: set[Path] = set()
    asked, known = [module], {module}
    while asked:
        name = asked.pop()
        source = _source(name)
        if source is None:
            continue
        rests_on |= {source, *_beside(source), *_parents(source)}
        new = {n for n in _imported(source) if n.partition(".")[0] in _PACKAGES} - known
        known |= new
        asked += sorted(new)
    return sorted(rests_on)


def _source(module: str) -> Path | None:
    """The file of a module or package; null for what is neither, such as a name within a module."""
    path = _ROOT.joinpath(*module.split("."))
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


@cache
def _imported(source: Path) -> frozenset[str]:
    """Modules that a file names in its imports; of ``from a import b`` both, since b may be one."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def _beside(source: Path) -> Iterator[Path]:
    """The data files of a module: what lies in its folder, and below it where no package begins."""
    for path in source.parent.iterdir():
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            yield path
        elif path.is_dir() and not (path / "__init__.py").is_file() and path.name != "__pycache__":
            yield from (p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def _parents(source: Path) -> Iterator[Path]:
    """The packages that are run on the way to a module."""
    for folder in source.parents:
        if folder == _ROOT:
            return
        if (folder / "__init__.py").is_file():
            yield folder / "__init__.py"


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

    Names within the folder: one that was moved is the same.

    Cheap where ``digest`` would read every picture of a catalogue; a file written again counts as changed.
    """
    from pyarrow.fs import FileSelector, FileType

    store, path = files.locate(location)
    there = store.get_file_info(path)
    if there.type == FileType.NotFound:
        raise InputError(f"there is no file or folder {location}; name one that exists in the configuration")
    found = [there] if there.type == FileType.File else store.get_file_info(FileSelector(path, recursive=True))
    within = len(path.rstrip("/"))
    names = [f"{i.path[within:]} {i.size} {i.mtime_ns}" for i in found if i.type == FileType.File]
    return version_of(files=sorted(names))


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
