"""image_embeddings: the unit vector of every image content, per embedding family and model."""

from pyspark.sql.types import ArrayType, FloatType, StringType, StructType

from schemas.table import Table, Write, column

IMAGE_EMBEDDINGS = Table(
    name="image_embeddings",
    comment="Unit vectors of images. A vector is kept as long as model and texts stay the same.",
    schema=StructType(
        [
            column("signature", StringType(), "SHA-256 of the image bytes as delivered"),
            column("family", StringType(), "embedding space; only vectors of one family can be compared"),
            column("model_version", StringType(), "digest of the encoder's files"),
            column("locale", StringType(), "locale of the catalogue row with the smallest image_id that shows it"),
            column("text_hash", StringType(), "SHA-256 of the sorted texts that were embedded"),
            column("embedding", ArrayType(FloatType(), False), "unit length: direction of the texts' mean"),
        ]
    ),
    key=("signature", "family", "model_version"),
    write=Write.REPLACE_WHERE,
    slice_by="family",
    checks={"embedding_not_empty": "size(embedding) > 0"},
)
