"""search_console: what a search engine showed of which page for which query, by day."""

from pyspark.sql.types import ArrayType, BooleanType, DateType, LongType, MapType, StringType, StructType

from schemas.table import Table, Write, column

SEARCH_CONSOLE = Table(
    name="search_console",
    comment="Search-console rows as delivered, repeated keys summed, from the bulk export and from the API alike",
    key=("data_date", "site_url", "page_url", "query", "country", "device", "search_type"),
    write=Write.REPLACE_WHERE,
    slice_by="data_date",
    cluster_by=("data_date",),
    schema=StructType(
        [
            column("data_date", DateType(), "day of the search, Pacific Time"),
            column("site_url", StringType(), "the property, such as sc-domain:example.org"),
            column("page_url", StringType(), "page shown, which may belong to no image"),
            column("query", StringType(), "as typed; null: anonymised or a surface without queries", nullable=True),
            column("country", StringType(), "ISO 3166-1 alpha-3, lower case; null: not asked for", nullable=True),
            column("device", StringType(), "DESKTOP, MOBILE or TABLET; null: not asked for", nullable=True),
            column("search_type", StringType(), "WEB, IMAGE, VIDEO …; null: not asked for", nullable=True),
            column("is_anonymized", BooleanType(), "the engine hid the query to protect the person"),
            column("impressions", LongType(), "times shown"),
            column("clicks", LongType(), "times clicked, at most impressions"),
            column(
                "sum_position_1based",
                LongType(),
                "sum over the impressions of the rank shown at, 1 the topmost: / impressions is the mean position",
            ),
            column(
                "extras",
                MapType(StringType(), ArrayType(StringType())),
                "every other column delivered: its distinct values as text, sorted; nulls and false left out; "
                "null: nothing left",
                nullable=True,
            ),
        ]
    ),
    checks={
        "shown_before_clicked": "clicks between 0 and impressions",
        "position_1based": "sum_position_1based >= impressions",
    },
)
