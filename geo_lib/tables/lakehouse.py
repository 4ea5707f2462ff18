"""Where a table lies and which version it is at, and the tables of one lakehouse as jobs have them.

Locally the path is the truth (``<lakehouse>/tables/<schema>/<table>``) and names are registered for SQL;
with a ``catalog`` the name ``catalog.schema.table`` is. Equal content makes no commit, whatever the mode.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from geo_lib.spark import Later
from geo_lib.tables import contract, writing
from geo_lib.tables.contract import Place
from geo_lib.tables.log import Log, of_folder, of_table
from geo_lib.tables.writing import Stamp
from schemas.table import Table, Write
from schemas.views import View

ABSENT = "absent"
"""The version of a table that does not exist."""


@dataclass(frozen=True)
class Tables:
    """The tables of one lakehouse schema, read and written through one session."""

    session: SparkSession | Later
    """It, or how to start it: a local table's version is read without."""
    lakehouse: str
    stamp: Stamp
    schema: str = "geo"
    catalog: str | None = None
    _ready: set[str] = field(default_factory=set, repr=False)
    _logs: dict[str, Log] = field(default_factory=dict, repr=False)
    """Heads of logs as last read: within one run nobody else writes what these tables do not write."""

    @property
    def spark(self) -> SparkSession:
        """The session, started now if nothing has needed it yet."""
        return self.session() if isinstance(self.session, Later) else self.session

    @property
    def started(self) -> SparkSession | None:
        """The session, if it is running."""
        return self.session.started if isinstance(self.session, Later) else self.session

    @property
    def truth(self) -> "Tables":
        """The truth of a simulated platform: ``<schema>_truth`` of the same lakehouse."""
        return replace(self, schema=f"{self.schema}_truth")

    def stamped(self, stamp: Stamp) -> "Tables":
        """The same tables for another run."""
        return replace(self, stamp=stamp)

    def read(self, table: Table) -> DataFrame:
        """Every row, content and provenance; an empty frame when nothing was written yet."""
        self._ensure(table)
        return self.spark.read.table(self._name(table))

    def exists(self, table: Table) -> bool:
        return self._log(table) is not None

    def version(self, table: Table) -> str:
        """``<table id>@<version>`` of the last change of its rows; ``absent`` when the table does not exist.

        Read once and kept until these tables write it.
        """
        log = self._log(table)
        return ABSENT if log is None else f"{log.properties.get(contract.IDENTITY, 'foreign')}@{log.last.version}"

    def said(self, table: Table) -> str | None:
        """What the writer of the last change noted in it, as it stands now; null for nothing."""
        self._logs.pop(self._name(table), None)
        log = self._log(table)
        return None if log is None else log.last.said

    def write(
        self,
        table: Table,
        df: DataFrame,
        *,
        slices: Sequence[object] | None = None,
        is_unique: bool = False,
        gone: DataFrame | None = None,
    ) -> None:
        """Bring ``df`` (content columns) into ``table`` by its write mode; equal content makes no commit.

        ``slices``: for REPLACE_WHERE, the slices this write answers for, default those that ``df`` holds; one
        that is answered for and absent in ``df`` is emptied. ``is_unique``: the caller has made ``df`` unique by
        the key, so that is not checked. ``gone``: for MERGE, keys to delete, none of which ``df`` has. Another writer's
        commit in between is no failure: what the table holds is compared again, and what still differs written. Raises
        ``SchemaMismatchError``, and ``ContractError`` when a key occurs twice.
        """
        if table.write is Write.APPEND:
            raise ValueError(f"{table.name} is written by append(); write() would repeat rows after a crash")
        if gone is not None and table.write is not Write.MERGE:
            raise ValueError(f"{table.name} is written by {table.write.value}, which takes no keys to delete")

        def once() -> None:
            with self._changing(table) as log:
                writing.write(
                    self._place(table), table, df, self.stamp, log, slices=slices, is_unique=is_unique, gone=gone
                )

        self._ensure(table)
        writing.persistently(once)

    def append(self, table: Table, df: DataFrame, *, sequence: int, writer: str = "") -> None:
        """Add the rows whose key is not there yet, once per (run, ``writer``, table, ``sequence``).

        ``writer``: who of a run it is that adds; each counts its own ``sequence``.
        Another writer's commit in between is no failure: ``df`` is computed again and what is still missing added.
        """
        self._refuse_to_append(table)
        self._ensure(table)
        app_id = f"{self.stamp.run_id}/{writer}/{self.schema}.{table.name}"
        try:
            writing.append(self._place(table), table, df, self.stamp, app_id=app_id, sequence=sequence)
        finally:
            self._logs.pop(self._name(table), None)

    def append_new(self, table: Table, df: DataFrame, *, note: str | None = None) -> None:
        """Add rows whose keys nobody else can have, such as those of this run, at a quarter of ``append``'s cost;
        ``note``: what ``said`` then says."""
        self._refuse_to_append(table)
        self._ensure(table)
        writer = self.stamp.on(table.conform(df)).writeTo(self._name(table))
        if note is not None:
            writer = writer.option("userMetadata", note)
        try:
            writing.persistently(writer.append)
        finally:
            self._logs.pop(self._name(table), None)

    def register(self, tables: Sequence[Table]) -> list[str]:
        """Give every table that exists its name ``schema.table`` in this session, for SQL; return the names."""
        there = [table for table in tables if self.exists(table)]
        if not self.catalog and there:
            lies_at = contract.quoted(self._database())
            self.spark.sql(f"create database if not exists {self.schema} location {lies_at}")
            for table in there:
                lies_at = contract.quoted(self._path(table))
                self.spark.sql(f"create table if not exists {self.schema}.{table.name} using delta location {lies_at}")
        return [f"{self.schema}.{table.name}" for table in there]

    def use(self) -> None:
        """Let SQL of this session name the tables of a schema that exists without it."""
        self.spark.sql(f"use `{self.catalog}`.`{self.schema}`" if self.catalog else f"use {self.schema}")

    def view(self, view: View) -> None:
        """Give a view its name in this session, on top of the tables as they are; one of a table that is not there
        fails as a statement about that table does."""
        self.register(view.reads)
        schema = f"`{self.catalog}`.`{self.schema}`" if self.catalog else self.schema
        self.spark.sql(f"create or replace temporary view {view.name} as {view.select.format(schema=schema)}")

    # -- where and what ------------------------------------------------------------------------------------

    def _database(self) -> str:
        return f"{self.lakehouse}/tables/{self.schema}"

    def _path(self, table: Table) -> str:
        return f"{self._database()}/{table.name}"

    def _name(self, table: Table) -> str:
        if self.catalog:
            return f"`{self.catalog}`.`{self.schema}`.`{table.name}`"
        return f"delta.`{self._path(table).replace('`', '``')}`"

    @staticmethod
    def _refuse_to_append(table: Table) -> None:
        if table.write is not Write.APPEND:
            raise ValueError(f"{table.name} is written by write(): its mode is {table.write.value}")

    def _place(self, table: Table) -> Place:
        return Place(self.spark, self._name(table), self._path(table), in_catalog=self.catalog is not None)

    def _log(self, table: Table) -> Log | None:
        """What the table's log says, null when there is no table."""
        name, folder = self._name(table), Path(self._path(table))
        if name not in self._logs:
            if not self.catalog and not (folder / "_delta_log").is_dir():
                return None
            log = (None if self.catalog else of_folder(folder)) or of_table(self.spark, name)
            if log is None:
                return None
            self._logs[name] = log
        return self._logs[name]

    @contextmanager
    def _changing(self, table: Table) -> Iterator[Log]:
        """The log as it stands before a write, which makes another of it."""
        self._logs.pop(self._name(table), None)
        log = self._log(table)
        assert log is not None, f"{table.name} was created"
        try:
            yield log
        finally:
            self._logs.pop(self._name(table), None)

    def _ensure(self, table: Table) -> None:
        """Create the table from its contract, or bring an older one up to it, as may another writer at once."""
        if self._name(table) not in self._ready:
            writing.persistently(lambda: self._prepare(table))
            self._ready.add(self._name(table))

    def _prepare(self, table: Table) -> None:
        if (log := self._log(table)) is None:
            if self.catalog:
                self.spark.sql(f"create schema if not exists `{self.catalog}`.`{self.schema}`")
            contract.create(self._place(table), table)
        else:
            try:
                is_changed = contract.bring_up_to_date(self._place(table), table, log.properties)
            except writing.CONFLICTS:
                self._logs.pop(self._name(table))
                raise
            if is_changed:
                self._logs.pop(self._name(table))
