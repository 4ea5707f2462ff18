"""pages: what the published site consists of."""

from pyspark.sql.types import DateType, StringType, StructType

from schemas.table import Table, Write, column

PAGES = Table(
    name="pages",
    comment="Every page of the site. A page changes its lastmod only with its content.",
    schema=StructType(
        [
            column("url", StringType(), "absolute"),
            column("kind", StringType(), "home, locale, collection, image, hub, gone or redirect"),
            column("path", StringType(), "file, relative to the lakehouse"),
            column("title", StringType(), "heading of the page"),
            column("state", StringType(), "published, or noindex: reachable, but kept out of search and sitemap"),
            column("content_hash", StringType(), "SHA-256 of the file"),
            column("lastmod", DateType(), "as_of of the run that last changed the content"),
            column(
                "canonical",
                StringType(),
                "page of the same bytes and words that search should show; null: itself",
                nullable=True,
            ),
        ]
    ),
    key=("url",),
    version=3,
    write=Write.MERGE_AND_DELETE_MISSING,
    checks={
        "known_kind": "kind in ('home', 'locale', 'collection', 'image', 'hub', 'gone', 'redirect')",
        "known_state": "state in ('published', 'noindex')",
    },
)
