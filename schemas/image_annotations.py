"""image_annotations: the final queries of every image, best first."""

from pyspark.sql.types import BooleanType, DoubleType, IntegerType, StringType, StructType

from schemas.table import Table, Write, column

IMAGE_ANNOTATIONS = Table(
    name="image_annotations",
    comment="Queries chosen for each image by relevance, evidence and demand.",
    schema=StructType(
        [
            column("arm", StringType(), "what the site is planned from; vlm is published"),
            column("image_id", StringType(), "catalogue row"),
            column("rank", IntegerType(), "1 is the best"),
            column("query_id", StringType(), "validated query"),
            column("query", StringType(), "its normalised text"),
            column("category", StringType(), "description, style or use_case"),
            column("score", DoubleType(), "weighted sum of relevance, confirmations and demand, 6 decimals"),
            column("confirmed", BooleanType(), "the search console retained the query for this image"),
            column(
                "retrieved",
                BooleanType(),
                "the query finds the image without its own help (round_trips); null: nobody has asked",
                nullable=True,
            ),
            column(
                "collection_id",
                StringType(),
                "published collection that answers the query; null when there is none",
                nullable=True,
            ),
        ]
    ),
    key=("arm", "image_id", "rank"),
    version=3,
    write=Write.MERGE_AND_DELETE_MISSING,
    checks={"rank_from_one": "rank >= 1"},
)
