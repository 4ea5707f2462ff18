"""How rows come into a table: by its write mode, and so that equal content makes no commit."""

import uuid
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from functools import reduce

from delta.exceptions import (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
    MetadataChangedException,
    ProtocolChangedException,
)
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, StringType

from geo_lib.spark import held
from geo_lib.tables.contract import Place, quoted
from geo_lib.tables.digests import EMPTY, Digest, Noted, digests, note, noted
from geo_lib.tables.log import Log
from schemas.table import NOT_CONTENT, Table, Write

_NOTE = "spark.databricks.delta.commitInfo.userMetadata"
CONFLICTS = (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
    MetadataChangedException,
    ProtocolChangedException,
)
"""Another writer's commit came in between. In Python none of them is a kind of another."""
_ATTEMPTS = 5
"""How often to write when other writers keep committing in between, before that is an error."""
_MOST_FILES = 16
"""Files that may hold rows of one place of a clustered table before they are sorted anew."""


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


def persistently(act: Callable[[], None]) -> None:
    """``act``, and again when another writer's commit comes in between: it must look at the table afresh each time."""
    for attempts_left in reversed(range(_ATTEMPTS)):
        try:
            act()
            break
        except CONFLICTS:
            if not attempts_left:
                raise


def write(
    place: Place,
    table: Table,
    df: DataFrame,
    stamp: Stamp,
    log: Log,
    *,
    slices: Sequence[object] | None,
    is_unique: bool,
    gone: DataFrame | None,
) -> None:
    """See ``Tables.write``; the table exists and its log stands as ``log`` has it."""
    rows = stamp.on(table.conform(df))
    answered = None if slices is None else {str(s) for s in slices}
    if is_unique and answered and _holds_none(place, table, answered, noted(log)):
        rows.writeTo(place.name).append()  # nothing to compare with and nothing to check: computed once
        return
    with held(rows) as new:
        wanted = digests(table, new, check_keys=not is_unique)
        if table.write is Write.REPLACE_WHERE:
            _replace_slices(place, table, new, wanted, set(wanted) if answered is None else answered, log)
        elif table.write is Write.REPLACE:
            _replace(place, table, new, wanted, log)
        elif _merge(place, table, new, wanted, log, gone) and table.cluster_by:
            _gather(place, table, new)


def _holds_none(place: Place, table: Table, slices: Set[str], holding: Noted) -> bool:
    """Whether the table has no row of these slices: by its log, else by a look at them alone."""
    if not holding.missing(slices):
        return all(holding.of_slices.get(s, EMPTY) == EMPTY for s in slices)
    return place.spark.read.table(place.name).where(_is_of(table, slices)).isEmpty()


def append(place: Place, table: Table, df: DataFrame, stamp: Stamp, *, app_id: str, sequence: int) -> None:
    """See ``Tables.append``; the table exists. ``app_id`` and ``sequence`` name the commit."""
    persistently(lambda: _append(place, table, table.conform(df), stamp, app_id, sequence))


def _append(place: Place, table: Table, new: DataFrame, stamp: Stamp, app_id: str, sequence: int) -> None:
    there = place.spark.read.table(place.name).select(*table.key)
    same = [F.col(f"new.{k}").eqNullSafe(F.col(f"there.{k}")) for k in table.key]
    missing = new.alias("new").join(there.alias("there"), on=same, how="left_anti")
    writer = stamp.on(missing).write.format("delta").mode("append").option("txnVersion", sequence)
    writer = writer.option("txnAppId", app_id)
    writer.saveAsTable(place.name) if place.in_catalog else writer.save(place.path)


def _merge(
    place: Place, table: Table, new: DataFrame, wanted: Mapping[str, Digest], log: Log, gone: DataFrame | None
) -> bool:
    """Insert, update and delete what the mode says; nothing when the table holds just these rows.

    Return whether rows may have come in that lie beside others.
    """
    holding = noted(log)
    is_whole = table.write is Write.MERGE_AND_DELETE_MISSING
    if gone is None and holding.is_all and holding.of_slices == wanted:
        return False
    if is_whole and not holding.is_all and digests(table, place.spark.read.table(place.name)) == wanted:
        return False  # a MERGE would write every file anew, unless the table has deletion vectors
    if not is_whole and not wanted and (gone is None or gone.isEmpty()):
        return False
    if holding.is_all and not holding.of_slices:  # an empty table: the same result at a third of the cost
        said = note(Noted(wanted, is_all=True), log)
        _in_order(table, new).writeTo(place.name).option("userMetadata", said).append()
        return False
    said = note(Noted(wanted, is_all=True) if is_whole else Noted(), log)  # of the rows that stay nothing is known
    view = f"new_{table.name}_{uuid.uuid4().hex}"
    _with_gone(table, new, gone).createOrReplaceTempView(view)
    content = [f.name for f in table.stored if f.name not in NOT_CONTENT and f.name not in table.key]
    differs = " or ".join(f"not (t.`{c}` <=> s.`{c}`)" for c in content) or "false"
    everything = [f"`{name}`" for name in table.stored.names]
    merge = (
        f"merge into {place.name} t using {view} s "
        f"on {' and '.join(f't.`{k}` <=> s.`{k}`' for k in table.key)} "
        f"when matched and s._is_gone then delete "
        f"when matched and ({differs}) then update set {', '.join(f't.{c} = s.{c}' for c in everything)} "
        f"when not matched and not s._is_gone then insert ({', '.join(everything)}) values "
        f"({', '.join(f's.{c}' for c in everything)})"
    )
    if is_whole:
        merge += " when not matched by source then delete"
    place.spark.conf.set(_NOTE, said)  # a statement takes no options
    try:
        place.spark.sql(merge).collect()
    finally:
        place.spark.conf.unset(_NOTE)
        place.spark.catalog.dropTempView(view)
    return True


def _in_order(table: Table, rows: DataFrame) -> DataFrame:
    """The rows in the order of what the table is clustered by: Delta lays rows out in OPTIMIZE alone."""
    if not table.cluster_by:
        return rows
    return rows.repartitionByRange(*table.cluster_by).sortWithinPartitions(*table.cluster_by)


def _gather(place: Place, table: Table, merged: DataFrame) -> None:
    """Sort a clustered table once too many of its files may hold one of the ``merged`` rows: each merge adds some.

    Delta sorts what lies in no cube yet, a cube being 100 GB that were sorted together; so a smaller table as a whole.
    """
    by = table.cluster_by
    some = merged.select(*by).orderBy(F.xxhash64(*by)).first()  # by hash, or it may lie where only few others do
    if some is None:
        return
    beside_it = place.spark.read.table(place.name).where(
        reduce(Column.__and__, [F.col(name) == some[name] for name in by])
    )
    if len(beside_it.inputFiles()) > _MOST_FILES:
        place.spark.sql(f"optimize {place.name}").collect()


def _with_gone(table: Table, new: DataFrame, gone: DataFrame | None) -> DataFrame:
    """The rows to bring in and, with ``_is_gone`` and nothing but their key, those to delete."""
    rows = new.withColumn("_is_gone", F.lit(False))
    if gone is None:
        return rows
    keys = gone.select(*table.key, F.lit(True).alias("_is_gone"))
    return rows.unionByName(keys, allowMissingColumns=True)


def _replace_slices(
    place: Place, table: Table, new: DataFrame, wanted: Mapping[str, Digest], answered: Set[str], log: Log
) -> None:
    """Replace those of the ``answered`` slices whose content differs, without a look at any other slice."""
    if outside := sorted(wanted.keys() - answered):
        raise ValueError(f"{table.name}: rows of {table.slice_by} {', '.join(outside)} were not answered for")
    holding = noted(log)
    if unknown := holding.missing(answered):
        stored = place.spark.read.table(place.name).where(_is_of(table, unknown))
        holding = holding.after(dict.fromkeys(unknown, EMPTY) | digests(table, stored), unknown)
    differing = {s for s in answered if wanted.get(s, EMPTY) != holding.of_slices.get(s, EMPTY)}
    if not differing:
        return
    said = note(holding.after(wanted, answered), log)
    if holding.is_all and not holding.of_slices:
        new.writeTo(place.name).option("userMetadata", said).append()
        return
    condition = _is_of(table, differing)
    _overwrite(place, new.where(condition), condition, said)


def _replace(place: Place, table: Table, new: DataFrame, wanted: Mapping[str, Digest], log: Log) -> None:
    """Replace everything, if anything differs."""
    holding = noted(log)
    if wanted == (holding.of_slices if holding.is_all else digests(table, place.spark.read.table(place.name))):
        return
    _overwrite(place, new, "true", note(Noted(wanted, is_all=True), log))


def _overwrite(place: Place, rows: DataFrame, condition: str, said: str) -> None:
    """Put ``rows`` in place of those that meet ``condition``, in a commit that notes what is ``said``.

    Without a condition a catalogue would make the table anew, without its identity and checks.
    """
    writer = rows.write.format("delta").mode("overwrite").option("replaceWhere", condition)
    writer = writer.option("userMetadata", said)
    writer.saveAsTable(place.name) if place.in_catalog else writer.save(place.path)


def _is_of(table: Table, slices: Set[str]) -> str:
    """The condition that a row belongs to one of these slices, which are named by their text."""
    assert table.slice_by is not None, f"{table.name} is written by slices"
    match table.schema[table.slice_by].dataType:
        case DateType():
            literals = [f"date'{text}'" for text in sorted(slices)]
        case StringType():
            literals = [quoted(text) for text in sorted(slices)]
        case _:
            literals = sorted(slices)
    return f"`{table.slice_by}` in ({', '.join(literals)})"
