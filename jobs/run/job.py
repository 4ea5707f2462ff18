"""What a job is, and what it is given: the arguments of every ``run`` of the jobs' folder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Generic, Protocol, TypeVar

from pyspark.sql import DataFrame, SparkSession

from geo_lib.counts import Counts
from geo_lib.errors import UndeclaredError
from geo_lib.files import can_append
from geo_lib.models import ModelFiles, Models
from geo_lib.tables import Tables
from schemas.table import Table

K = TypeVar("K")


class Progress(Protocol):
    """Tells the live table how far a long task is."""

    def __call__(self, done: int, total: int, what: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Job(Generic[K]):
    """A job's contract with the runner: what it may be told, what it reads, what it leaves.

    The runner skips a job when nothing it reads, knows or left behind has changed since its last success. So what is
    not declared here cannot be had from the context: a table that is read and not declared would never wake the job.
    """

    name: str
    knobs: type[K]
    run: "Callable[[Context, K], Counts]"
    unit: str
    """What the job counts, in the plural: in = kept + dropped + failed holds over it."""
    reads: tuple[Table, ...] = ()
    writes: tuple[Table, ...] = ()
    shares: tuple[Table, ...] = ()
    """Tables that other jobs write to as well, each its own slice."""
    reads_truth: tuple[Table, ...] = ()
    writes_truth: tuple[Table, ...] = ()
    reads_models: Callable[[K], Sequence[str]] = lambda _: ()
    """Model aliases, as in ``vlm@champion``."""
    writes_models: tuple[str, ...] = ()
    files: Callable[[K], Sequence[str]] = lambda _: ()
    """Files and folders outside the lakehouse's tables that the job reads; one written again makes it run again."""
    folders: Callable[[K], Sequence[str]] = lambda _: ()
    """Folders that the job writes, inside the lakehouse or absolute; a missing one makes it run again."""
    arguments: Mapping[str, Mapping[str, Any]] | None = None
    """Knobs that may also be given on the command line: name to the keywords of ``add_argument``."""
    ask: tuple[str, ...] = ()
    """Statements worth trying after it ran; ``{schema}`` is the schema's name."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a job works in. Time is an argument: nothing in a job asks the clock.

    Within ``run`` it is the context of one job, and refuses whatever that job does not declare.
    """

    tables: Tables
    """For the runner and for tests: a job reads and writes by the methods below, and a test holds it to that."""
    models: Models
    as_of: date
    simulated: bool
    run_id: str
    lakehouse: str
    progress: Progress
    forced: bool = False
    """Whether it was told to run even if nothing has changed: then it trusts no record of what it did before."""
    job: Job[Any] | None = None
    knobs: Any = None

    def run(self, job: Job[K], knobs: K) -> Counts:
        """Run a job here, held to what it declares."""
        return job.run(replace(self, job=job, knobs=knobs), knobs)

    @property
    def spark(self) -> SparkSession:
        return self.tables.spark

    def read(self, table: Table) -> DataFrame:
        """Every row of a table that the job declares; one that it writes may be read, too."""
        self._refuse_undeclared(table, "reads", "writes", "shares")
        return self.tables.read(table)

    def version(self, table: Table) -> str:
        """``<table id>@<version>`` of a table that the job declares."""
        self._refuse_undeclared(table, "reads", "writes", "shares")
        return self.tables.version(table)

    def write(
        self,
        table: Table,
        df: DataFrame,
        *,
        slices: Sequence[object] | None = None,
        is_unique: bool = False,
        gone: DataFrame | None = None,
    ) -> None:
        """Bring ``df`` into a table that the job declares to write; see ``Tables.write``."""
        self._refuse_undeclared(table, "writes", "shares")
        self.tables.write(table, df, slices=slices, is_unique=is_unique, gone=gone)

    def append(self, table: Table, df: DataFrame, *, sequence: int) -> None:
        """Add rows to a table that the job declares to write; see ``Tables.append``."""
        self._refuse_undeclared(table, "writes", "shares")
        assert self.job is not None, "a context of no job declares no table"
        self.tables.append(table, df, sequence=sequence, writer=self.job.name)

    def truth(self, table: Table) -> DataFrame | None:
        """The truth of a simulated platform; null where the platform is not simulated, or has left none."""
        self._refuse_undeclared(table, "reads_truth", "writes_truth")
        return self.tables.truth.read(table) if self.tables.truth.exists(table) else None

    def write_truth(self, table: Table, df: DataFrame) -> None:
        self._refuse_undeclared(table, "writes_truth")
        self.tables.truth.write(table, df)

    def model(self, alias: str) -> ModelFiles:
        """The files of a model that the job declares to read. Raises ``ModelError`` when there is none."""
        self._refuse_undeclared_model(alias)
        return self.models.resolve(alias)

    def model_if_any(self, alias: str) -> ModelFiles | None:
        """The same for a model that the job can do without: null when there is none."""
        self._refuse_undeclared_model(alias)
        return self.models.find(alias)

    def path(self, *parts: str) -> str:
        """A place inside the lakehouse, for files that are no table: ``ctx.path("site", "index.html")``."""
        return "/".join((self.lakehouse.rstrip("/"), *parts))

    def log_file(self, name: str) -> str | None:
        """Where a job may append what it says; null where files cannot grow: the platform keeps its logs there."""
        return self.path("logs", name) if can_append(self.lakehouse) else None

    def _refuse_undeclared_model(self, alias: str) -> None:
        declared = () if self.job is None else self.job.reads_models(self.knobs)
        if alias not in declared:
            raise UndeclaredError(_refusal(self.job, f"the model {alias}", declared, "reads_models"))

    def _refuse_undeclared(self, table: Table, *roles: str) -> None:
        declared = [] if self.job is None else [t for role in roles for t in getattr(self.job, role)]
        if table not in declared:
            raise UndeclaredError(_refusal(self.job, f"the table {table.name}", [t.name for t in declared], roles[0]))


def _refusal(job: Job[Any] | None, asked: str, declared: Sequence[str], role: str) -> str:
    name = "a context of no job" if job is None else job.name
    return (
        f"{name} asks for {asked}, and its JOB declares {', '.join(declared) or 'none'}; add it to {role}, or the job "
        "would not run again when it changes"
    )
