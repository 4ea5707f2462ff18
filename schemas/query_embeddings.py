"""query_embeddings: the unit vector of every validated query, per embedding family and model."""

from pyspark.sql.types import ArrayType, FloatType, StringType, StructType

from schemas.table import Table, Write, column

QUERY_EMBEDDINGS = Table(
    name="query_embeddings",
    comment="Unit vectors of validated queries. A vector is kept as long as model and text stay the same.",
    schema=StructType(
        [
            column("query_id", StringType(), "query: hash of locale and normalised text"),
            column("family", StringType(), "embedding space; only vectors of one family can be compared"),
            column("model_version", StringType(), "digest of the encoder's files"),
            column("locale", StringType(), "locale of the query"),
            column("text_hash", StringType(), "SHA-256 of the text that was embedded"),
            column("embedding", ArrayType(FloatType(), False), "unit length"),
        ]
    ),
    key=("query_id", "family", "model_version"),
    write=Write.REPLACE_WHERE,
    slice_by="family",
    checks={"embedding_not_empty": "size(embedding) > 0"},
)
