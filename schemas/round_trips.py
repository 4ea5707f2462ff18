"""round_trips: whether each query finds the images that it annotates again, without its own help."""

from pyspark.sql.types import BooleanType, IntegerType, StringType, StructType

from schemas.table import Table, Write, column

ROUND_TRIPS = Table(
    name="round_trips",
    comment="For every image and query of it: the image's rank for the query in vectors that lack the query",
    key=("signature", "query_id"),
    write=Write.MERGE_AND_DELETE_MISSING,
    schema=StructType(
        [
            column("signature", StringType(), "content annotated"),
            column("query_id", StringType(), "the query that its wordings go by (query_merges.canonical_id)"),
            column("locale", StringType(), "locale of both"),
            column(
                "rank",
                IntegerType(),
                "1: no image is nearer; null: nothing but this query is said of the image",
                nullable=True,
            ),
            column("images", IntegerType(), "images of the locale that were compared"),
            column("retrieved", BooleanType(), "rank is among the nearest k: the query is confirmed by a round trip"),
        ]
    ),
    checks={"retrieved_has_a_rank": "not (retrieved and rank is null)"},
)
