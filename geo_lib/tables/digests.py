"""What rows hold, as numbers that can be compared: equal rows in any order give equal digests.

What a commit leaves is noted in it, so that the next write of the same content reads nothing of the table.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from geo_lib.errors import ContractError
from geo_lib.tables.contract import IDENTITY
from geo_lib.tables.log import CREATED, Log
from schemas.table import NOT_CONTENT, Table

Digest = tuple[int, str]
"""Rows, and the sum of their hashes."""
EMPTY: Digest = (0, "0")
WHOLE = ""
"""The one slice of a table that is not written by slices."""
_BY = 1
"""Version of the hash."""
_MOST_NOTED = 2_000
"""Slices that a commit says the digests of; of more, some 100 KB, it says none."""


def digests(table: Table, df: DataFrame, *, check_keys: bool = False) -> dict[str, Digest]:
    """Slice of ``df`` (stored columns) to its digest, in one pass; a table without slices is one, ``WHOLE``.

    Slices are named by their text. Raises ``ContractError`` with examples when a key is asked for and occurs twice.
    """
    content = [f for f in table.stored if f.name not in NOT_CONTENT]
    row = row_hash({f.name: f.dataType for f in content})
    key = row_hash({name: table.schema[name].dataType for name in table.key})
    of_slice = F.lit(WHOLE) if table.slice_by is None else F.col(table.slice_by).cast("string")
    figures = [F.count("*").alias("n"), F.sum(F.col("_row").cast("decimal(38,0)")).cast("string").alias("hashes")]
    if check_keys:
        figures.append(F.count_distinct("_key").alias("keys"))
    hashed = df.select(of_slice.alias("_slice"), row.alias("_row"), key.alias("_key"))
    rows = hashed.groupBy("_slice").agg(*figures).collect()
    if check_keys and any(r["keys"] != r["n"] for r in rows):
        refuse_repeated_keys(table, df)
    return {r["_slice"]: (r["n"], r["hashes"]) for r in rows}


def refuse_repeated_keys(table: Table, df: DataFrame) -> None:
    """Raise ``ContractError`` with examples if a key occurs twice; equal hashes of different keys are no fault."""
    repeated = df.groupBy(*table.key).count().where("count > 1").orderBy(*table.key).limit(3).collect()
    if repeated:
        examples = "; ".join(", ".join(f"{k}={r[k]!r}" for k in table.key) + f" x{r['count']}" for r in repeated)
        raise ContractError(f"{table.name}: the key ({', '.join(table.key)}) must be unique, but found {examples}")


def row_hash(columns: Mapping[str, DataType]) -> Column:
    """A hash of these columns in which nulls count: Spark's own skips them, so that (null, 'a') is ('a', null)."""
    return F.xxhash64(*[part for name, dtype in columns.items() for part in _parts(F.col(name), dtype)])


def _parts(value: Column, dtype: DataType) -> list[Column]:
    """What to hash of a value so that no other value of its type gives the same columns, one after the other."""
    is_null = value.isNull()
    match dtype:
        case ArrayType(elementType=ArrayType() | MapType() | StructType()):
            hashes = F.transform(value, lambda e: F.xxhash64(*_parts(e, dtype.elementType)))
            return [is_null, F.size(value), hashes]
        case ArrayType(containsNull=True):
            return [is_null, F.size(value), F.transform(value, F.isnull), value]
        case ArrayType():
            return [is_null, F.size(value), value]
        case MapType():  # maps cannot be hashed, and their order means nothing: their sorted entries can
            entry = StructType().add("key", dtype.keyType, False).add("value", dtype.valueType)
            return _parts(F.array_sort(F.map_entries(value)), ArrayType(entry))
        case StructType():
            return [is_null, *(part for f in dtype for part in _parts(value.getField(f.name), f.dataType))]
        case _:
            return [is_null, value]


@dataclass(frozen=True, slots=True)
class Noted:
    """What the log says that a table holds."""

    of_slices: Mapping[str, Digest] = field(default_factory=dict)
    is_all: bool = False
    """Slices that are not named hold nothing; else nothing is known of them."""

    def missing(self, slices: Collection[str]) -> set[str]:
        """Those of ``slices`` that the log does not tell of."""
        return set() if self.is_all else set(slices) - self.of_slices.keys()

    def after(self, written: Mapping[str, Digest], answered: Collection[str]) -> "Noted":
        """What is known once the ``answered`` slices hold what was ``written``, and nothing else has changed."""
        held = {**self.of_slices, **{name: written.get(name, EMPTY) for name in answered}}
        return Noted({n: d for n, d in held.items() if d != EMPTY} if self.is_all else held, self.is_all)


def noted(log: Log) -> Noted:
    """What the last change of a table says that it holds.

    Only if it was made right after the version that its writer had looked at: with another's commit in between it
    would speak of a table that never was. Other writers' commits say nothing, and then nothing is known.
    """
    if log.last.operation == CREATED and log.before is None:
        return Noted(is_all=True)
    try:
        said = json.loads(log.last.said or "")["geo"]
        if (said["table"], said["after"], said["by"]) != (log.properties[IDENTITY], log.before, _BY):
            return Noted()
        return Noted({name: (n, hashes) for name, (n, hashes) in said["holds"].items()}, bool(said["is_all"]))
    except (ValueError, KeyError, TypeError):
        return Noted()


def note(holding: Noted, log: Log) -> str:
    """What the commit after ``log`` is to say about what the table then holds."""
    known = holding if len(holding.of_slices) <= _MOST_NOTED else Noted()
    said = {"table": log.properties.get(IDENTITY), "after": log.last.version, "by": _BY, "is_all": known.is_all}
    return json.dumps({"geo": said | {"holds": known.of_slices}})
