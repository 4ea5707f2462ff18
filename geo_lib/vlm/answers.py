"""What the vision-language model is asked about every image, and which of its stored answers are to that."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.catalogue.subjects import subjects
from geo_lib.vlm.prompts import prompt_column

TASK = "queries"
"""``generations.task`` of the queries that should lead to an image; the subject is its signature."""


def asked(images: DataFrame) -> DataFrame:
    """(signature, prompt): what the model is asked about every signature of ``images`` as the catalogue stands now."""
    return subjects(images, "signature").select("signature", prompt_column().alias("prompt"))


def answers(
    generations: DataFrame, images: DataFrame, *, model_version: str, prompt_version: str, decoding_version: str
) -> DataFrame:
    """The rows of ``generations`` under this model and decoding that answer what is ``asked`` about ``images``.

    One per signature at most, errors included, with ``signature`` for ``subject``; an answer to an earlier title,
    board or locale is none.
    """
    of_this_run = (
        (F.col("task") == TASK)
        & (F.col("model_version") == model_version)
        & (F.col("prompt_version") == prompt_version)
        & (F.col("decoding_version") == decoding_version)
    )
    by_signature = generations.where(of_this_run).withColumnRenamed("subject", "signature").drop("task")
    return by_signature.join(asked(images), on=["signature", "prompt"], how="left_semi")
