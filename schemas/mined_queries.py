"""mined_queries: the queries that demonstrably find an image, best first."""

from pyspark.sql.types import DoubleType, IntegerType, LongType, StringType, StructType

from schemas.table import Table, Write, column

MINED_QUERIES = Table(
    name="mined_queries",
    comment="What Eq. 1 keeps of query_performance, the best few per signature",
    key=("signature", "query"),
    write=Write.REPLACE,
    schema=StructType(
        [
            column("signature", StringType(), "content found"),
            column("query", StringType(), "as typed"),
            column("rank", IntegerType(), "1 the best: by impressions, then position, then query"),
            column("impressions", LongType(), "times shown"),
            column("clicks", LongType(), "times clicked"),
            column("avg_position_1based", DoubleType(), "impression-weighted mean rank, 6 decimals"),
            column("retained_by", StringType(), "clause of Eq. 1: impressions, ctr or position"),
        ]
    ),
    checks={"ranked_from_1": "rank >= 1"},
)
