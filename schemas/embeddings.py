"""The one shape of every table of embeddings: a row per entity, family and model, whatever the entity is."""

from pyspark.sql.types import ArrayType, FloatType, StringType, StructType

from schemas.table import Table, Write, column


def embeddings_of(entity: str, *, comment: str, identity: str, locale: str) -> Table:
    """The contract of ``<entity>_embeddings``; ``identity`` and ``locale`` say what those columns are of."""
    return Table(
        name=f"{entity}_embeddings",
        comment=comment,
        schema=StructType(
            [
                column("id", StringType(), identity),
                column("family", StringType(), "embedding space; only vectors of one family can be compared"),
                column("model_version", StringType(), "digest of the encoder's files"),
                column("locale", StringType(), locale),
                column("input_hash", StringType(), "SHA-256 of what was encoded; a vector stays as long as it does"),
                column("embedding", ArrayType(FloatType(), False), "unit length"),
            ]
        ),
        key=("id", "family", "model_version"),
        write=Write.REPLACE_WHERE,
        slice_by="family",
        checks={"embedding_not_empty": "size(embedding) > 0"},
        version=2,
    )
