"""A contract small enough to see whole, and what a table of it holds."""

from pyspark.sql.types import LongType, StringType, StructType

from geo_lib.tables import Tables
from schemas.table import Table, Write, column


def contract(write: Write, **kwargs: object) -> Table:
    return Table(
        name="shelf",
        comment="what's on a shelf",
        key=("day", "item"),
        write=write,
        slice_by="day" if write is Write.REPLACE_WHERE else None,
        checks={"n_not_negative": "n >= 0"},
        schema=StructType(
            [
                column("day", StringType(), "day of the count"),
                column("item", StringType(), "what it is; null when unlabelled", nullable=True),
                column("n", LongType(), "how many"),
            ]
        ),
        **kwargs,  # type: ignore[arg-type]
    )


def versions(tables: Tables, table: Table) -> int:
    return int(tables.version(table).split("@")[1])


def rows(tables: Tables, table: Table) -> list[tuple[object, ...]]:
    return sorted(
        (tuple(row) for row in tables.read(table).select("day", "item", "n").collect()),
        key=lambda row: tuple(map(str, row)),
    )
