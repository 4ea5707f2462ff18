"""Rows that are valid as they stand; a test names only the columns that it is about."""

from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructField

from geo_lib.spark import local_frame
from schemas.table import Table

_NEUTRAL = {
    "string": "",
    "bigint": 0,
    "int": 0,
    "double": 0.0,
    "float": 0.0,
    "boolean": False,
    "date": date(2026, 10, 1),
    "timestamp": datetime(2026, 10, 1, tzinfo=UTC),
    "binary": bytearray(),
}


def build(table: Table, spark: SparkSession, *rows: dict[str, Any], **defaults: Any) -> DataFrame:
    """A DataFrame of ``table``'s content columns; what a row and ``defaults`` leave out is neutral or null."""
    if unknown := {name for row in (*rows, defaults) for name in row} - set(table.schema.names):
        raise ValueError(f"{table.name} has no column {', '.join(sorted(unknown))}")
    filled = [{f.name: row.get(f.name, defaults.get(f.name, _neutral(f))) for f in table.schema} for row in rows]
    return local_frame(spark, [tuple(row[f.name] for f in table.schema) for row in filled], table.schema)


def _neutral(column: StructField) -> Any:
    if column.nullable:
        return None
    kind = column.dataType.simpleString()
    return _NEUTRAL[kind] if kind in _NEUTRAL else ({} if kind.startswith("map") else [])
