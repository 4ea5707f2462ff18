"""query_performance: how well each query finds each image content."""

from pyspark.sql.types import DoubleType, LongType, StringType, StructType

from schemas.table import Table, Write, column

QUERY_PERFORMANCE = Table(
    name="query_performance",
    comment="Search performance per (signature, raw query) over all days and pages, with Eq. 1's verdict",
    key=("signature", "query"),
    write=Write.REPLACE,
    schema=StructType(
        [
            column("signature", StringType(), "content found"),
            column("query", StringType(), "as typed"),
            column("impressions", LongType(), "summed over the pages of this attribution"),
            column("clicks", LongType(), "summed alike"),
            column("ctr", DoubleType(), "clicks / impressions, 6 decimals; null: no impression", nullable=True),
            column(
                "avg_position_1based",
                DoubleType(),
                "impression-weighted mean rank, 1 the topmost, 6 decimals; null: no impression",
                nullable=True,
            ),
            column(
                "retained_by",
                StringType(),
                "first clause of Eq. 1, in printed order, that keeps the pair: impressions, ctr or position; "
                "null: not kept",
                nullable=True,
            ),
            column(
                "attribution",
                StringType(),
                "how sure the page speaks of this content: unique_page_image or primary_image; ambiguous ones are "
                "measured per page, in page_queries",
            ),
            column(
                "anonymised_share",
                DoubleType(),
                "part of these pages' impressions whose query was hidden, 6 decimals; null: no impression",
                nullable=True,
            ),
        ]
    ),
    checks={
        "attribution_known": "attribution in ('unique_page_image', 'primary_image', 'ambiguous')",
        "clause_known": "retained_by is null or retained_by in ('impressions', 'ctr', 'position')",
    },
)
