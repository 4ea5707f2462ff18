"""collections: pages-to-be, one per query worth a page; published or held, with the reasons."""

from pyspark.sql.types import ArrayType, IntegerType, LongType, StringType, StructType

from schemas.table import Table, Write, column

COLLECTIONS = Table(
    name="collections",
    comment="Collections of images that answer one query. Identity and slug are minted once and never reused.",
    schema=StructType(
        [
            column("collection_id", StringType(), "hash of family and query_id"),
            column("slug", StringType(), "last part of the URL: a-z, 0-9 and hyphens; unique per locale"),
            column("query_id", StringType(), "the query that the collection answers"),
            column("locale", StringType(), "locale of the query and of every image"),
            column("title", StringType(), "heading of the page"),
            column("family", StringType(), "embedding family that retrieved the images"),
            column("items", IntegerType(), "images in it"),
            column("state", StringType(), "published or held"),
            column("reasons", ArrayType(StringType(), False), "why it is held, sorted; empty when published"),
            column(
                "canonical_id",
                StringType(),
                "published collection that stands in for a near duplicate; null for all others",
                nullable=True,
            ),
            column("demand", LongType(), "console impressions of the query, 0 if none"),
            column("url", StringType(), "path from the root of the site: /en/c/boho-rug/"),
        ]
    ),
    key=("collection_id",),
    write=Write.MERGE_AND_DELETE_MISSING,
    checks={
        "known_state": "state in ('published', 'held')",
        "held_has_reasons": "(state = 'held') = (size(reasons) > 0)",
    },
)
