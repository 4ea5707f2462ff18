"""Run the vision-language model over a DataFrame of images and prompts."""

from collections.abc import Callable, Iterator
from dataclasses import astuple, fields

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.catalogue.subjects import subjects
from geo_lib.vlm.engine import EngineSpec, Generation, Generator, answer_each, engine
from geo_lib.vlm.training_set import prompt_column

ANSWER = (
    "text string, error_class string, error_message string, finish_reason string, prompt_tokens int, output_tokens int"
)

CURABLE = ("too_many_tokens", "rejected_by_engine")
"""Errors that another setting of the engine may cure; no part of what an answer is known by, so they are not kept."""

_COLUMNS = [field.name for field in fields(Generation)]


def generations(
    requests: DataFrame,
    *,
    spec: EngineSpec,
    partitions: int = 1,
    load: Callable[[EngineSpec], Generator] = engine,
) -> DataFrame:
    """(signature, prompt, and the columns of ``ANSWER``) for every (signature, bytes, prompt) of ``requests``.

    ``load`` runs on the workers and keeps what it loads: Spark gives a worker many partitions in turn.
    ``partitions`` is how many engines there are to answer: one locally, one per GPU on a cluster.
    """

    def answer(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        model: Generator | None = None
        for batch in batches:
            model = model or load(spec)  # an empty partition needs no engine
            for start in range(0, len(batch), spec.max_num_seqs):
                some = batch.iloc[start : start + spec.max_num_seqs]
                asked = list(zip(some["bytes"], some["prompt"], strict=True))
                answers = pd.DataFrame([astuple(a) for a in answer_each(model, asked)], columns=_COLUMNS)
                answers = answers.astype({"prompt_tokens": "Int32", "output_tokens": "Int32"})
                yield pd.concat([some[["signature", "prompt"]].reset_index(drop=True), answers], axis="columns")

    columns = requests.select("signature", "bytes", "prompt").repartition(partitions)
    return columns.mapInPandas(answer, f"signature string, prompt string, {ANSWER}")


def asked(images: DataFrame) -> DataFrame:
    """(signature, prompt): what the model is asked about every signature of ``images`` as the catalogue stands now."""
    return subjects(images, "signature").select("signature", prompt_column().alias("prompt"))


def answers(
    generations: DataFrame, images: DataFrame, *, model_version: str, prompt_version: str, decoding_version: str
) -> DataFrame:
    """The rows of ``generations`` under this model and decoding that answer what is ``asked`` about ``images``.

    One per signature at most, errors included; an answer to an earlier title, board or locale is none.
    """
    of_this_run = (
        (F.col("model_version") == model_version)
        & (F.col("prompt_version") == prompt_version)
        & (F.col("decoding_version") == decoding_version)
    )
    return generations.where(of_this_run).join(asked(images), on=["signature", "prompt"], how="left_semi")
