"""collection_items: the images of each collection, best first."""

from pyspark.sql.types import DoubleType, IntegerType, StringType, StructType

from schemas.table import Table, Write, column

COLLECTION_ITEMS = Table(
    name="collection_items",
    comment="Images of every collection that speaks for its wish, held ones included, as each family ranks them.",
    schema=StructType(
        [
            column("collection_id", StringType(), "collection"),
            column("family", StringType(), "embedding family that found them"),
            column("image_id", StringType(), "catalogue row"),
            column("rank", IntegerType(), "1 is the image that most speaks for"),
            column("score", DoubleType(), "cosine of query and image, 6 decimals"),
            column(
                "evidence", IntegerType(), "wordings of the wish among its annotations, once a source; 0: vector alone"
            ),
            column("neighbours", IntegerType(), "of the images most like it, those that carry the wish as well"),
        ]
    ),
    key=("collection_id", "family", "image_id"),
    write=Write.MERGE_AND_DELETE_MISSING,
    checks={"rank_from_one": "rank >= 1"},
    version=3,
)
