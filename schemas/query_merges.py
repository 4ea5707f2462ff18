"""query_merges: which query each validated query goes by.

A row for every query, those that stand for themselves included: so a consumer joins without having to know who is
missing, and a query that stood before is told from one that is new.
"""

from pyspark.sql.types import DoubleType, StringType, StructType

from schemas.table import Table, Write, column

QUERY_MERGES = Table(
    name="query_merges",
    comment="Every validated query and the one of its locale that it is in other words, or itself",
    key=("query_id",),
    write=Write.MERGE_AND_DELETE_MISSING,
    schema=StructType(
        [
            column("query_id", StringType(), "row of queries, which keeps its text, aliases and demand"),
            column("canonical_id", StringType(), "row of queries that it goes by; its own id: it stands for itself"),
            column("locale", StringType(), "locale of both"),
            column("cosine", DoubleType(), "of the two queries' vectors, 6 decimals; 1 where it stands for itself"),
        ]
    ),
)
