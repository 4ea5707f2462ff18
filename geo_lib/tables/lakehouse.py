"""Where a table lies and which version it is at, and the tables of one lakehouse as jobs have them.

Locally the path is the truth (``<lakehouse>/tables/<schema>/<table>``) and names are registered for SQL;
with a ``catalog`` the name ``catalog.schema.table`` is. Equal content makes no commit, whatever the mode.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from geo_lib.tables import contract, writing
from geo_lib.tables.contract import Place
from geo_lib.tables.writing import Stamp
from schemas.table import Table, Write

ABSENT = "absent"
"""The version of a table that does not exist."""
_MAINTENANCE = ("OPTIMIZE", "VACUUM START", "VACUUM END")
"""Operations that make a version and change no row; a platform may run them by itself."""


@dataclass(frozen=True)
class Tables:
    """The tables of one lakehouse schema, read and written through one session."""

    spark: SparkSession
    lakehouse: str
    stamp: Stamp
    schema: str = "geo"
    catalog: str | None = None
    _ready: set[str] = field(default_factory=set, repr=False)
    _versions: dict[str, str] = field(default_factory=dict, repr=False)

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
        if self.catalog:
            return self.spark.catalog.tableExists(self._name(table))
        return bool(self._properties(table))

    def version(self, table: Table) -> str:
        """``<table id>@<version>`` of the last change of its rows; ``absent`` when the table does not exist.

        Asked once and kept until these tables write it: within one run nobody else does.
        """
        name = self._name(table)
        if name not in self._versions:
            if not (properties := self._properties(table)):
                return ABSENT
            history = self.spark.sql(f"describe history {name} limit 20").collect()
            changed = next((h for h in history if h["operation"] not in _MAINTENANCE), history[-1])
            self._versions[name] = f"{properties.get(contract.IDENTITY, 'foreign')}@{changed['version']}"
        return self._versions[name]

    def write(
        self, table: Table, df: DataFrame, *, slices: Sequence[object] | None = None, is_unique: bool = False
    ) -> None:
        """Bring ``df`` (content columns) into ``table`` by its write mode; equal content makes no commit.

        ``slices``: for REPLACE_WHERE, the slices this write answers for, default those that ``df`` holds; one
        that is answered for and absent in ``df`` is emptied. ``is_unique``: the caller has made ``df`` unique by
        the key, so that is not checked. Raises ``SchemaMismatchError``, and
        ``ContractError`` when a key occurs twice.
        """
        if table.write is Write.APPEND:
            raise ValueError(f"{table.name} is written by append(); write() would repeat rows after a crash")
        self._ensure(table)
        self._versions.pop(self._name(table), None)
        writing.write(self._place(table), table, df, self.stamp, slices=slices, is_unique=is_unique)

    def append(self, table: Table, df: DataFrame, *, sequence: int) -> None:
        """Add the rows whose key is not there yet, once per (run, table, ``sequence``).

        Another writer's commit in between is no failure: ``df`` is computed again and what is still missing added.
        """
        if table.write is not Write.APPEND:
            raise ValueError(f"{table.name} is written by write(): its mode is {table.write.value}")
        self._ensure(table)
        self._versions.pop(self._name(table), None)
        app_id = f"{self.stamp.run_id}/{self.schema}.{table.name}"
        writing.append(self._place(table), table, df, self.stamp, app_id=app_id, sequence=sequence)

    def register(self, tables: Sequence[Table]) -> list[str]:
        """Give every table that exists its name ``schema.table`` in this session, for SQL; return the names."""
        there = [table for table in tables if self.exists(table)]
        if not self.catalog and there:
            self.spark.sql(f"create database if not exists {self.schema} location '{self._database()}'")
            for table in there:
                self.spark.sql(
                    f"create table if not exists {self.schema}.{table.name} using delta location '{self._path(table)}'"
                )
        return [f"{self.schema}.{table.name}" for table in there]

    # -- where and what ------------------------------------------------------------------------------------

    def _database(self) -> str:
        return f"{self.lakehouse}/tables/{self.schema}"

    def _path(self, table: Table) -> str:
        return f"{self._database()}/{table.name}"

    def _name(self, table: Table) -> str:
        return f"`{self.catalog}`.`{self.schema}`.`{table.name}`" if self.catalog else f"delta.`{self._path(table)}`"

    def _place(self, table: Table) -> Place:
        return Place(self.spark, self._name(table), self._path(table), in_catalog=self.catalog is not None)

    def _properties(self, table: Table) -> Mapping[str, str]:
        if self.catalog and not self.exists(table):
            return {}
        if not self.catalog and not Path(self._path(table), "_delta_log").is_dir():
            return {}
        from pyspark.errors import AnalysisException

        try:
            rows = self.spark.sql(f"show tblproperties {self._name(table)}").collect()
        except AnalysisException:  # a log without a commit yet is no table
            return {}
        return {row["key"]: row["value"] for row in rows}

    def _ensure(self, table: Table) -> None:
        """Create the table from its contract, or bring an older one up to it."""
        if self._name(table) in self._ready:
            return
        if properties := self._properties(table):
            contract.bring_up_to_date(self._place(table), table, properties)
        else:
            if self.catalog:
                self.spark.sql(f"create schema if not exists `{self.catalog}`.`{self.schema}`")
            contract.create(self._place(table), table)
        self._ready.add(self._name(table))
