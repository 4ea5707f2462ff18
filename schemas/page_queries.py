"""page_queries: what every query brought every page, summed over days: the running sums that mining reads."""

from pyspark.sql.types import LongType, StringType, StructType

from schemas.table import Table, Write, column

PAGE_QUERIES = Table(
    name="page_queries",
    comment="Integer sums of search_console per page and query, in layers of days; over the layers they add up",
    key=("layer", "page_url", "query"),
    write=Write.REPLACE_WHERE,
    slice_by="layer",
    schema=StructType(
        [
            column(
                "layer",
                StringType(),
                "days summed in this row, and of which search_console: +first..last table@version code; with - in "
                "front: days that were summed in another layer and have left since, in negative figures",
            ),
            column("page_url", StringType(), "page shown, which may belong to no image"),
            column("query", StringType(), "as typed; null: hidden, or a surface without queries", nullable=True),
            column("impressions", LongType(), "times shown"),
            column("clicks", LongType(), "times clicked"),
            column("sum_position_1based", LongType(), "sum over the impressions of the rank shown at, 1 the topmost"),
            column("anonymised_impressions", LongType(), "impressions of rows that the engine hid the query of"),
            column("rows", LongType(), "rows of search_console that the figures are of"),
            column(
                "repeated_rows",
                LongType(),
                "rows in which another, narrower property tells of the same searches, counted in no figure; null: "
                "summed before this was known",
                nullable=True,
            ),
        ]
    ),
)
