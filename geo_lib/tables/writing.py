"""How rows come into a table: by its write mode, and so that equal content makes no commit."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from delta.exceptions import ConcurrentAppendException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import MapType, StructField

from geo_lib.errors import ContractError
from geo_lib.spark import held
from geo_lib.tables.contract import Place, quoted
from schemas.table import NOT_CONTENT, Table, Write

_ATTEMPTS = 5
"""How often to append when other writers keep committing in between, before that is an error."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """The provenance that a run leaves on what it writes."""

    run_id: str
    as_of: date
    code_commit: str
    simulated: bool

    def on(self, df: DataFrame) -> DataFrame:
        """``df`` with the columns of ``PROVENANCE``."""
        return df.withColumns(
            {
                "simulated": F.lit(self.simulated),
                "run_id": F.lit(self.run_id),
                "as_of": F.lit(self.as_of),
                "code_commit": F.lit(self.code_commit),
            }
        )


def write(
    place: Place, table: Table, df: DataFrame, stamp: Stamp, *, slices: Sequence[object] | None, is_unique: bool = False
) -> None:
    """See ``Tables.write``; the table exists."""
    new = table.conform(df)
    if is_unique and slices is not None and _slices_of(place, table, slices).isEmpty():
        stamp.on(new).writeTo(place.name).append()  # nothing to compare with, nothing to check: computed once
        return
    with held(new) as new:
        if table.write is Write.REPLACE_WHERE:
            _replace_slices(place, table, new, stamp, slices, check_keys=not is_unique)
        else:
            _refuse_repeated_keys(table, new)
            _merge(place, table, new, stamp)


def append(place: Place, table: Table, df: DataFrame, stamp: Stamp, *, app_id: str, sequence: int) -> None:
    """See ``Tables.append``; the table exists. ``app_id`` and ``sequence`` name the commit."""
    for attempts_left in reversed(range(_ATTEMPTS)):
        try:
            _append(place, table, table.conform(df), stamp, app_id, sequence)
            break
        except ConcurrentAppendException:
            if not attempts_left:
                raise


def _append(place: Place, table: Table, new: DataFrame, stamp: Stamp, app_id: str, sequence: int) -> None:
    there = place.spark.read.table(place.name).select(*table.key)
    same = [F.col(f"new.{k}").eqNullSafe(F.col(f"there.{k}")) for k in table.key]
    missing = new.alias("new").join(there.alias("there"), on=same, how="left_anti")
    writer = stamp.on(missing).write.format("delta").mode("append").option("txnVersion", sequence)
    writer = writer.option("txnAppId", app_id)
    writer.saveAsTable(place.name) if place.in_catalog else writer.save(place.path)


def _append_first(place: Place, new: DataFrame, stamp: Stamp) -> bool:
    """Append to a table that holds nothing yet: the same result as its write mode, at a third of the cost."""
    if not place.spark.read.table(place.name).isEmpty():
        return False
    if not new.isEmpty():
        stamp.on(new).writeTo(place.name).append()
    return True


def _merge(place: Place, table: Table, new: DataFrame, stamp: Stamp) -> None:
    if _append_first(place, new, stamp):
        return
    view = f"new_{table.name}_{uuid.uuid4().hex}"
    stamp.on(new).createOrReplaceTempView(view)
    content = [f.name for f in table.stored if f.name not in NOT_CONTENT and f.name not in table.key]
    differs = " or ".join(f"not (t.`{c}` <=> s.`{c}`)" for c in content) or "false"
    everything = [f"`{name}`" for name in table.stored.names]
    merge = (
        f"merge into {place.name} t using {view} s "
        f"on {' and '.join(f't.`{k}` <=> s.`{k}`' for k in table.key)} "
        f"when matched and ({differs}) then update set {', '.join(f't.{c} = s.{c}' for c in everything)} "
        f"when not matched then insert ({', '.join(everything)}) values "
        f"({', '.join(f's.{c}' for c in everything)})"
    )
    if table.write is Write.MERGE_AND_DELETE_MISSING:
        merge += " when not matched by source then delete"
    try:
        place.spark.sql(merge).collect()
    finally:
        place.spark.catalog.dropTempView(view)


def _replace_slices(
    place: Place, table: Table, new: DataFrame, stamp: Stamp, slices: Sequence[object] | None, *, check_keys: bool
) -> None:
    assert table.slice_by is not None
    wanted = _digests(table, stamp.on(new), check_keys=check_keys)
    answered = set(wanted) if slices is None else set(slices)
    if outside := sorted(str(s) for s in wanted.keys() - answered):
        raise ValueError(f"{table.name}: rows of {table.slice_by} {', '.join(outside)} were not answered for")
    there = _digests(table, _slices_of(place, table, sorted(answered, key=str)))
    differing = sorted((s for s in answered if wanted.get(s) != there.get(s)), key=str)
    if not differing:
        return
    if not there.keys() & set(differing):
        condition = F.col(table.slice_by).isin(differing)
        stamp.on(new).where(condition).writeTo(place.name).append()
        return
    condition_sql = f"`{table.slice_by}` in ({', '.join(_literal(s) for s in differing)})"
    replaced = stamp.on(new).where(F.expr(condition_sql)).write.format("delta").mode("overwrite")
    replaced = replaced.option("replaceWhere", condition_sql)
    replaced.saveAsTable(place.name) if place.in_catalog else replaced.save(place.path)


def _slices_of(place: Place, table: Table, slices: Sequence[object]) -> DataFrame:
    """What stands of these slices; the others are neither read nor hashed."""
    return place.spark.read.table(place.name).where(F.col(table.slice_by or "").isin(list(slices)))


def _digests(table: Table, df: DataFrame, *, check_keys: bool = False) -> dict[object, tuple[int, str]]:
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


def _refuse_repeated_keys(table: Table, new: DataFrame) -> None:
    repeated = new.groupBy(*table.key).count().where("count > 1").limit(3).collect()
    if repeated:
        examples = "; ".join(", ".join(f"{k}={r[k]!r}" for k in table.key) + f" x{r['count']}" for r in repeated)
        raise ContractError(f"{table.name}: the key ({', '.join(table.key)}) must be unique, but found {examples}")


def _hashable(column: StructField) -> Column:
    """Maps cannot be hashed, and their order means nothing: take their sorted entries."""
    if isinstance(column.dataType, MapType):
        return F.array_sort(F.map_entries(F.col(column.name)))
    return F.col(column.name)


def _literal(value: object) -> str:
    if isinstance(value, date):
        return f"date'{value.isoformat()}'"
    return quoted(value) if isinstance(value, str) else str(value)
