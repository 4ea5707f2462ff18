"""The one place that knows Delta: where a table lies, how it is made from its contract, how it is written.

Locally the path is the truth (``<lakehouse>/tables/<schema>/<table>``) and names are registered for SQL;
with a ``catalog`` the name ``catalog.schema.table`` is. Equal content makes no commit, whatever the mode.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from delta.exceptions import ConcurrentAppendException
from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import MapType, StructField

from geo_lib.errors import ContractError
from schemas.table import NOT_CONTENT, Table, Write

_CONTRACT = "geo.contract_version"
_IDENTITY = "geo.table_id"
_CONSTRAINT = "delta.constraints."
_MAINTENANCE = ("OPTIMIZE", "VACUUM START", "VACUUM END")
"""Operations that make a version and change no row; a platform may run them by itself."""
_ATTEMPTS = 5
"""How often to append when other writers keep committing in between, before that is an error."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """The provenance that a run leaves on what it writes."""

    run_id: str
    as_of: date
    code_commit: str
    simulated: bool


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
                return "absent"
            history = self.spark.sql(f"describe history {name} limit 20").collect()
            changed = next((h for h in history if h["operation"] not in _MAINTENANCE), history[-1])
            self._versions[name] = f"{properties.get(_IDENTITY, 'foreign')}@{changed['version']}"
        return self._versions[name]

    def write(self, table: Table, df: DataFrame, *, slices: Sequence[object] | None = None) -> None:
        """Bring ``df`` (content columns) into ``table`` by its write mode; equal content makes no commit.

        ``slices``: for REPLACE_WHERE, the slices this write answers for, default those that ``df`` holds; one
        that is answered for and absent in ``df`` is emptied. Raises ``SchemaMismatchError``, and
        ``ContractError`` when a key occurs twice.
        """
        if table.write is Write.APPEND:
            raise ValueError(f"{table.name} is written by append(); write() would repeat rows after a crash")
        self._ensure(table)
        self._versions.pop(self._name(table), None)
        new = table.conform(df).persist(StorageLevel.MEMORY_AND_DISK)
        try:
            if table.write is Write.REPLACE_WHERE:
                self._replace_slices(table, new, slices)
            else:
                self._refuse_repeated_keys(table, new)
                self._merge(table, new)
        finally:
            new.unpersist()

    def append(self, table: Table, df: DataFrame, *, sequence: int) -> None:
        """Add the rows whose key is not there yet, once per (run, table, ``sequence``).

        Another writer's commit in between is no failure: ``df`` is computed again and what is still missing added.
        """
        if table.write is not Write.APPEND:
            raise ValueError(f"{table.name} is written by write(): its mode is {table.write.value}")
        self._ensure(table)
        self._versions.pop(self._name(table), None)
        for attempts_left in reversed(range(_ATTEMPTS)):
            try:
                self._append(table, table.conform(df), sequence)
                break
            except ConcurrentAppendException:
                if not attempts_left:
                    raise

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
            self._bring_up_to_date(table, properties)
        else:
            self._create(table)
        self._ready.add(self._name(table))

    def _create(self, table: Table) -> None:
        properties = {
            _CONTRACT: str(table.version),
            _IDENTITY: str(uuid.uuid4()),
            "delta.enableDeletionVectors": "true",  # without them a MERGE that changes nothing commits all the same
        } | {f"{_CONSTRAINT}{name}": condition for name, condition in table.checks.items()}
        clustered = f" cluster by ({', '.join(table.cluster_by)})" if table.cluster_by else ""
        if self.catalog:
            self.spark.sql(f"create schema if not exists `{self.catalog}`.`{self.schema}`")
        self.spark.sql(
            f"create table if not exists {self._name(table)} ({', '.join(map(_ddl, table.stored))}) using delta "
            f"comment {_quoted(table.comment)}{clustered} "
            f"tblproperties ({', '.join(f'{_quoted(k)} = {_quoted(v)}' for k, v in properties.items())})"
        )

    def _bring_up_to_date(self, table: Table, properties: Mapping[str, str]) -> None:
        stored_version = int(properties.get(_CONTRACT, 0))
        if stored_version == table.version:
            return
        checks = {k.removeprefix(_CONSTRAINT): v for k, v in properties.items() if k.startswith(_CONSTRAINT)}
        found = {f.name: f for f in self.spark.read.table(self._name(table)).schema}
        wanted = {f.name: f for f in table.stored}
        added = [f for name, f in wanted.items() if name not in found]
        differing = [
            f"{name}: {found[name].dataType.simpleString()} is stored, {f.dataType.simpleString()} wanted"
            for name, f in wanted.items()
            if name in found and found[name].dataType != f.dataType
        ] + [f"{name}: stored, no longer in the contract" for name in found if name not in wanted]
        differing += [f"{f.name}: new, and not nullable" for f in added if not f.nullable]
        differing += [
            f"{name}: {'null allowed' if found[name].nullable else 'not null'} as stored, the other way wanted"
            for name, f in wanted.items()
            if name in found and found[name].nullable != f.nullable
        ]
        differing += [
            f"check {name}: {checks.get(name, 'none')} is stored, {table.checks.get(name, 'none')} wanted"
            for name in sorted(checks.keys() | table.checks.keys())
            if checks.get(name) != table.checks.get(name)
        ]
        if differing:
            raise ContractError(
                f"{table.name} is stored at contract version {stored_version}, the code has {table.version}, and "
                f"only added nullable columns apply by themselves:\n  " + "\n  ".join(differing) + "\n"
                f"Migrate {self._path(table)} by hand, or delete it and run again."
            )
        if added:
            self.spark.sql(f"alter table {self._name(table)} add columns ({', '.join(map(_ddl, added))})")
        self.spark.sql(
            f"alter table {self._name(table)} set tblproperties ({_quoted(_CONTRACT)} = {_quoted(str(table.version))})"
        )

    # -- write modes ---------------------------------------------------------------------------------------

    def _stamped(self, df: DataFrame) -> DataFrame:
        return df.withColumns(
            {
                "simulated": F.lit(self.stamp.simulated),
                "run_id": F.lit(self.stamp.run_id),
                "as_of": F.lit(self.stamp.as_of),
                "code_commit": F.lit(self.stamp.code_commit),
            }
        )

    def _append(self, table: Table, new: DataFrame, sequence: int) -> None:
        there = self.read(table).select(*table.key)
        same = [F.col(f"new.{k}").eqNullSafe(F.col(f"there.{k}")) for k in table.key]
        missing = new.alias("new").join(there.alias("there"), on=same, how="left_anti")
        writer = self._stamped(missing).write.format("delta").mode("append").option("txnVersion", sequence)
        writer = writer.option("txnAppId", f"{self.stamp.run_id}/{self.schema}.{table.name}")
        writer.saveAsTable(self._name(table)) if self.catalog else writer.save(self._path(table))

    def _append_first(self, table: Table, new: DataFrame) -> bool:
        """Append to a table that holds nothing yet: the same result as its write mode, at a third of the cost."""
        if not self.spark.read.table(self._name(table)).isEmpty():
            return False
        if not new.isEmpty():
            self._stamped(new).writeTo(self._name(table)).append()
        return True

    def _merge(self, table: Table, new: DataFrame) -> None:
        if self._append_first(table, new):
            return
        view = f"new_{table.name}_{uuid.uuid4().hex}"
        self._stamped(new).createOrReplaceTempView(view)
        content = [f.name for f in table.stored if f.name not in NOT_CONTENT and f.name not in table.key]
        differs = " or ".join(f"not (t.`{c}` <=> s.`{c}`)" for c in content) or "false"
        everything = [f"`{name}`" for name in table.stored.names]
        merge = (
            f"merge into {self._name(table)} t using {view} s "
            f"on {' and '.join(f't.`{k}` <=> s.`{k}`' for k in table.key)} "
            f"when matched and ({differs}) then update set {', '.join(f't.{c} = s.{c}' for c in everything)} "
            f"when not matched then insert ({', '.join(everything)}) values "
            f"({', '.join(f's.{c}' for c in everything)})"
        )
        if table.write is Write.MERGE_AND_DELETE_MISSING:
            merge += " when not matched by source then delete"
        try:
            self.spark.sql(merge).collect()
        finally:
            self.spark.catalog.dropTempView(view)

    def _replace_slices(self, table: Table, new: DataFrame, slices: Sequence[object] | None) -> None:
        assert table.slice_by is not None
        wanted = self._digests(table, self._stamped(new), check_keys=True)
        answered = set(wanted) if slices is None else set(slices)
        if outside := sorted(str(s) for s in wanted.keys() - answered):
            raise ValueError(f"{table.name}: rows of {table.slice_by} {', '.join(outside)} were not answered for")
        there = self._digests(table, self.spark.read.table(self._name(table)))
        differing = sorted((s for s in answered if wanted.get(s) != there.get(s)), key=str)
        if not differing:
            return
        if not there:
            self._stamped(new).writeTo(self._name(table)).append()
            return
        condition = f"`{table.slice_by}` in ({', '.join(_literal(s) for s in differing)})"
        replaced = self._stamped(new).where(F.expr(condition)).write.format("delta").mode("overwrite")
        replaced = replaced.option("replaceWhere", condition)
        replaced.saveAsTable(self._name(table)) if self.catalog else replaced.save(self._path(table))

    def _digests(self, table: Table, df: DataFrame, *, check_keys: bool = False) -> dict[object, tuple[int, str]]:
        """Slice to (rows, order-free hash of their content)."""
        content = [_hashable(f) for f in table.stored if f.name not in NOT_CONTENT]
        key = F.xxhash64(*[_hashable(f) for f in table.schema if f.name in table.key])
        row = F.xxhash64(*content).cast("decimal(38,0)")
        rows = (
            df.withColumns({"_row": row, "_key": key})
            .groupBy(F.col(table.slice_by or ""))
            .agg(
                F.count("*").alias("n"),
                F.sum("_row").cast("string").alias("digest"),
                (F.count_distinct("_key") if check_keys else F.lit(-1)).alias("keys"),
            )
            .collect()
        )
        if repeated := [f"{r[0]} ({r['n'] - r['keys']})" for r in rows if check_keys and r["keys"] != r["n"]]:
            raise ContractError(
                f"{table.name}: the key ({', '.join(table.key)}) repeats in {table.slice_by} {', '.join(repeated)}"
            )
        return {r[0]: (r["n"], r["digest"]) for r in rows}

    def _refuse_repeated_keys(self, table: Table, new: DataFrame) -> None:
        repeated = new.groupBy(*table.key).count().where("count > 1").limit(3).collect()
        if repeated:
            examples = "; ".join(", ".join(f"{k}={r[k]!r}" for k in table.key) + f" x{r['count']}" for r in repeated)
            raise ContractError(f"{table.name}: the key ({', '.join(table.key)}) must be unique, but found {examples}")


def _hashable(column: StructField) -> Column:
    """Maps cannot be hashed, and their order means nothing: take their sorted entries."""
    if isinstance(column.dataType, MapType):
        return F.array_sort(F.map_entries(F.col(column.name)))
    return F.col(column.name)


def _ddl(column: StructField) -> str:
    comment = column.metadata.get("comment", "")
    null = "" if column.nullable else " not null"
    return f"`{column.name}` {column.dataType.simpleString()}{null} comment {_quoted(comment)}"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _literal(value: object) -> str:
    if isinstance(value, date):
        return f"date'{value.isoformat()}'"
    return _quoted(value) if isinstance(value, str) else str(value)
