"""links: every link of the site, planned before any page is written."""

from pyspark.sql.types import DoubleType, StringType, StructType

from schemas.table import Table, Write, column

LINKS = Table(
    name="links",
    comment="Edges of the site's link graph. Pages print these links and no others to pages of the site.",
    schema=StructType(
        [
            column("arm", StringType(), "what the site is planned from; vlm is published"),
            column("source", StringType(), "page with the link: path from the root of the site"),
            column("target", StringType(), "page it leads to: path from the root of the site"),
            column(
                "kind",
                StringType(),
                "hub (home or locale to what it lists), annotation (image to the collection of one of its "
                "queries), member (image to another collection that shows it), item (collection to image), "
                "related (collection to collection), sibling (image to image) or up (towards the home page)",
            ),
            column("anchor", StringType(), "text of the link"),
            column("weight", DoubleType(), "share of authority relative to the source's other links, 6 decimals"),
        ]
    ),
    key=("arm", "source", "target", "kind"),
    version=2,
    write=Write.MERGE_AND_DELETE_MISSING,
    checks={
        "known_kind": "kind in ('hub', 'annotation', 'member', 'item', 'related', 'sibling', 'up')",
        "no_self_link": "source <> target",
        "positive_weight": "weight > 0",
    },
)
