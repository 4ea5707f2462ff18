"""collections: pages-to-be, one per query worth a page, and what the site does with each."""

from pyspark.sql.types import ArrayType, IntegerType, LongType, StringType, StructType

from schemas.table import Table, Write, column

PUBLISH = "publish"
"""It has a page."""
NOINDEX = "noindex"
"""It has a page that is kept out of search and sitemap."""
HOLD = "hold"
"""Its query is wanted, and it fails the gate: no page, until a later run finds it fit."""
RETIRE = "retire"
"""Its query is wanted no more: no page, and its address is given to no other."""

COLLECTIONS = Table(
    name="collections",
    comment="Collections of images that answer one query. Identity and slug are minted once and never reused.",
    schema=StructType(
        [
            column("collection_id", StringType(), "hash of query_id: the same collection whatever finds its images"),
            column("slug", StringType(), "last part of the URL: a-z, 0-9 and hyphens; unique per locale"),
            column("query_id", StringType(), "the query that the collection answers"),
            column("locale", StringType(), "locale of the query and of every image"),
            column("title", StringType(), "heading of the page"),
            column("family", StringType(), "embedding family whose images decide the state and stand on the page"),
            column("items", IntegerType(), "images that the family has for it; 0: another query speaks for its wish"),
            column("state", StringType(), "publish, noindex, hold or retire"),
            column("reasons", ArrayType(StringType(), False), "why it is not published, sorted; empty when it is"),
            column(
                "canonical_id",
                StringType(),
                "published collection that answers a held query in its place; null where none does",
                nullable=True,
            ),
            column("demand", LongType(), "console impressions of the query, 0 if none"),
            column("url", StringType(), "path from the root of the site: /en/c/boho-rug/"),
        ]
    ),
    key=("collection_id",),
    write=Write.MERGE_AND_DELETE_MISSING,
    checks={
        "known_state": "state in ('publish', 'noindex', 'hold', 'retire')",
        "a_reason_or_published": "(state = 'publish') = (size(reasons) = 0)",
    },
    version=2,
)
