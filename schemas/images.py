"""images: the catalogue, one row per picture that the platform shows."""

from pyspark.sql.types import StringType, StructType, TimestampType

from schemas.table import Table, Write, column

IMAGES = Table(
    name="images",
    comment="The catalogue: one row per image_id whose picture could be read",
    key=("image_id",),
    write=Write.MERGE_AND_DELETE_MISSING,
    schema=StructType(
        [
            column("image_id", StringType(), "the platform's id of the row; several may share a signature"),
            column("signature", StringType(), "SHA-256 (hex) of the image bytes as delivered: the unit of content"),
            column("split_key", StringType(), "what the training split hashes: the thing shown; one per signature"),
            column("page_url", StringType(), "page that shows the image, in the normal form of RFC 3986"),
            column("title", StringType(), "as delivered; null: none, or nothing to be seen in it", nullable=True),
            column("description", StringType(), "as delivered; null: none, or nothing to be seen in it", nullable=True),
            column("creator", StringType(), "who made or saved it; null: not known", nullable=True),
            column("creator_category", StringType(), "the creator's field; null: not known", nullable=True),
            column("board_title", StringType(), "a board that holds it; null: none known", nullable=True),
            column("locale", StringType(), "registered language tag of its page, such as en, de-AT or zh-Hant"),
            column("created_at", TimestampType(), "UTC; null: not delivered", nullable=True),
        ]
    ),
)
