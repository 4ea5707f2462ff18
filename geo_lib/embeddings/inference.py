"""Encode texts over partitions: one model per Python worker, and only what is not encoded yet."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.embeddings.encoder import Encoder, TextModel
from geo_lib.embeddings.vectors import Vectors
from geo_lib.errors import ConfigError, ModelError


def embedded(texts: DataFrame, *, key: str, model: TextModel, known: DataFrame, tasks: int) -> DataFrame:
    """``key, family, model_version, locale, text_hash, embedding`` and whether it was ``reused``.

    ``texts``: key, locale, texts (at least one), text_hash. ``known``: rows of the same contract from earlier
    runs; one whose key, family, model and text_hash agree keeps its vector to the last bit. That spares the
    model, and it makes a rerun exact: batches cut elsewhere change the last bits of a fresh vector.
    """
    of_model = (F.col("family") == model.family) & (F.col("model_version") == model.model_version)
    earlier = known.where(of_model).select(key, "text_hash", "embedding")
    wanted = texts.join(earlier, on=[key, "text_hash"], how="left")
    is_known = F.col("embedding").isNotNull()
    columns = [key, "locale", "text_hash", "embedding"]
    schema = ", ".join(f"{name} {wanted.schema[name].dataType.simpleString()}" for name in columns)

    def encode(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            if len(batch):
                vectors = pooled(model.load(), [list(texts) for texts in batch["texts"]])
                yield batch[columns[:-1]].assign(embedding=list(vectors))

    fresh = wanted.where(~is_known).select(key, "locale", "text_hash", "texts").repartition(tasks, key)
    return (
        wanted.where(is_known)
        .select(*columns, F.lit(True).alias("reused"))
        .unionByName(fresh.mapInPandas(encode, schema).withColumn("reused", F.lit(False)))
        .withColumns({"family": F.lit(model.family), "model_version": F.lit(model.model_version)})
        .select(key, "family", "model_version", "locale", "text_hash", "embedding", "reused")
    )


def same_model(*, images: DataFrame, queries: DataFrame, family: str) -> str | None:
    """The ``model_version`` of the vectors on both sides, or of the one that has any; null when neither has.

    Raises ``ConfigError`` when there is more than one: vectors of different encoders have no cosine.
    """
    both = images.select("model_version", F.lit(True).alias("of_images")).unionByName(
        queries.select("model_version", F.lit(False).alias("of_images"))
    )
    rows = both.distinct().orderBy("model_version").collect()
    versions = list(dict.fromkeys(row["model_version"] for row in rows))
    if len(versions) > 1:
        of_images, of_queries = (
            ", ".join(row["model_version"] or "no known model" for row in rows if row["of_images"] == side)
            for side in (True, False)
        )
        raise ConfigError(
            f"vectors of family {family} come from several models, which cannot be compared: those of images from "
            f"{of_images}, those of queries from {of_queries}. Name the same encoder for embed_images and "
            "embed_queries, and run geo embed-queries, geo embed-images and geo build-index again."
        )
    return versions[0] if versions else None


def pooled(encoder: Encoder, texts: Sequence[Sequence[str]]) -> Vectors:
    """One unit vector per list of texts: the direction of the mean of their unit vectors.

    Of the two ways to pool (one joined text, or a mean) the mean lets every text count alike, whatever its
    length and place, cuts nothing off at the model's window, and encodes a text that many images share once.
    The cosine of a query with an image is then, up to a factor of the image, its mean cosine with the texts.
    """
    distinct = sorted({text for several in texts for text in several})
    position = {text: row for row, text in enumerate(distinct)}
    vectors = _checked(encoder.encode(distinct), distinct)
    means = np.stack([vectors[[position[text] for text in several]].mean(axis=0) for several in texts])
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    if (lengths < 1e-6).any():
        row = int(np.argmin(lengths))
        raise ModelError(f"the vectors of {list(texts[row])} cancel out, so that no direction stands for them")
    unit: Vectors = (means / lengths).astype(np.float32)
    return unit


def _checked(vectors: Vectors, texts: Sequence[str]) -> Vectors:
    """The encoder's answer, if it is one finite unit vector per text."""
    if vectors.ndim != 2 or len(vectors) != len(texts):
        raise ModelError(f"{len(texts)} texts were given to the encoder, and an array of {vectors.shape} came back")
    off = np.abs(np.linalg.norm(vectors, axis=1) - 1.0)
    if len(texts) and not (off < 1e-3).all():
        row = int(np.nanargmax(np.where(np.isnan(off), np.inf, off)))
        raise ModelError(f"the vector of {texts[row]!r} is {off[row]:.3g} off unit length; the encoder is broken")
    return vectors
