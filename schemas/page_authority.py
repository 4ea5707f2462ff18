"""page_authority: what the link graph gives each page."""

from pyspark.sql.types import DoubleType, IntegerType, LongType, StringType, StructType

from schemas.table import Table, Write, column

PAGE_AUTHORITY = Table(
    name="page_authority",
    comment="PageRank, degrees and click depth of every page that an arm plans.",
    schema=StructType(
        [
            column("arm", StringType(), "what the site is planned from; vlm is published"),
            column("page", StringType(), "path from the root of the site"),
            column("kind", StringType(), "home, locale, collection or image"),
            column("id", StringType(), "locale, collection_id or image_id; home for the home page"),
            column("pagerank", DoubleType(), "weighted PageRank, 9 decimals; all pages of an arm sum to 1"),
            column("in_links", LongType(), "pages that link here"),
            column("out_links", LongType(), "pages this one links to"),
            column(
                "click_depth",
                IntegerType(),
                "fewest clicks from the home page, 0 for it; null when no path leads here",
                nullable=True,
            ),
        ]
    ),
    key=("arm", "page"),
    version=2,
    write=Write.MERGE_AND_DELETE_MISSING,
    checks={"known_kind": "kind in ('home', 'locale', 'collection', 'image')"},
)
