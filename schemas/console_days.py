"""console_days: what the last reading of each console day came to, so that a day that did not change is not read."""

from pyspark.sql.types import DateType, LongType, StringType, StructType

from schemas.table import Table, Write, column

CONSOLE_DAYS = Table(
    name="console_days",
    comment="The ledger of search_console: by day, the files it was read from and what became of their rows",
    key=("data_date", "reason"),
    write=Write.REPLACE_WHERE,
    slice_by="data_date",
    schema=StructType(
        [
            column("data_date", DateType(), "day of the search, as in search_console"),
            column("reason", StringType(), "why rows were rejected; null: the rows that were kept", nullable=True),
            column("rows", LongType(), "delivered rows of this fate"),
            column("keys", LongType(), "keys that they make; of kept ones the day's rows in search_console"),
            column(
                "files",
                StringType(),
                "hash of names, sizes and times of the day's files and of the code that read them; null: the day stood "
                "in search_console before this ledger did",
                nullable=True,
            ),
            column("changed_in", StringType(), "table id and version of search_console that brought the day's rows"),
        ]
    ),
    checks={"counts_not_negative": "rows >= 0 and keys >= 0"},
)
