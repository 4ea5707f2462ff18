"""What a job is, and what it is given: the arguments of every ``run`` in this folder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Protocol, TypeVar

from geo_lib.counts import Counts
from geo_lib.files import can_append
from geo_lib.models import Models
from geo_lib.tables import Tables
from schemas.table import Table

K = TypeVar("K")


class Progress(Protocol):
    """Tells the live table how far a long task is."""

    def __call__(self, done: int, total: int, what: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a job works in. Time is an argument: nothing in a job asks the clock."""

    tables: Tables
    models: Models
    as_of: date
    simulated: bool
    run_id: str
    lakehouse: str
    progress: Progress

    def path(self, *parts: str) -> str:
        """A place inside the lakehouse, for files that are no table: ``context.path("site", "index.html")``."""
        return "/".join((self.lakehouse.rstrip("/"), *parts))

    def log_file(self, name: str) -> str | None:
        """Where a job may append what it says; null where files cannot grow: the platform keeps its logs there."""
        return self.path("logs", name) if can_append(self.lakehouse) else None


@dataclass(frozen=True, slots=True)
class Job(Generic[K]):
    """A job's contract with the runner: what it may be told, what it reads, what it leaves.

    The runner skips a job when nothing it reads, knows or left behind has changed since its last success.
    """

    name: str
    knobs: type[K]
    run: Callable[[Context, K], Counts]
    unit: str
    """What the job counts, in the plural: in = kept + dropped + failed holds over it."""
    reads: tuple[Table, ...] = ()
    writes: tuple[Table, ...] = ()
    shares: tuple[Table, ...] = ()
    """Tables that other jobs write to as well, each its own slice."""
    reads_truth: tuple[Table, ...] = ()
    writes_truth: tuple[Table, ...] = ()
    reads_models: tuple[str, ...] = ()
    """Model aliases, as in ``vlm@champion``."""
    writes_models: tuple[str, ...] = ()
    files: Callable[[K], Sequence[str]] = lambda _: ()
    """Files and folders outside the lakehouse's tables that the job reads; one written again makes it run again."""
    folders: Callable[[K], Sequence[str]] = lambda _: ()
    """Folders that the job writes, inside the lakehouse or absolute; a missing one makes it run again."""
    arguments: Mapping[str, Mapping[str, Any]] | None = None
    """Knobs that may also be given on the command line: name to the keywords of ``add_argument``."""
