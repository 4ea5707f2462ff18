"""rejected_rows: what could not be ingested, and why; the last reading of each source."""

from pyspark.sql.types import StringType, StructType

from schemas.table import Table, Write, column

CATALOGUE = "catalogue"
SEARCH_CONSOLE = "search_console"

REJECTED_ROWS = Table(
    name="rejected_rows",
    comment="Rows and files of the last reading of each source that could not be ingested, with a reason",
    key=("source", "row"),
    write=Write.REPLACE_WHERE,
    slice_by="source",
    schema=StructType(
        [
            column("source", StringType(), f"{CATALOGUE} or {SEARCH_CONSOLE}"),
            column("row", StringType(), "the row's natural key, its file, or file#number where it has no key"),
            column("reason", StringType(), "reason code, as the job counts it"),
            column("detail", StringType(), "what was found, for a person; null: the reason says it", nullable=True),
        ]
    ),
    checks={"source_known": f"source in ('{CATALOGUE}', '{SEARCH_CONSOLE}')"},
)
