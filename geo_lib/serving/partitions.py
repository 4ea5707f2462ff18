"""A DataFrame of requests answered on the workers, whatever server it is that they ask."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import astuple, fields

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.serving.requests import Generation, Request, Server, answer_each
from schemas.generations import GENERATIONS

ANSWER = (
    "text string, error_class string, error_message string, finish_reason string, prompt_tokens int, "
    "output_tokens int, cost_dollars double, token_ends array<int>, token_logprobs array<float>"
)

_COLUMNS = [field.name for field in fields(Generation)]
_TYPES = {"prompt_tokens": "Int32", "output_tokens": "Int32", "cost_dollars": "Float64"}


def generations(requests: DataFrame, *, key: str, load: Callable[[], Server], partitions: int = 1) -> DataFrame:
    """(``key``, prompt, and the columns of ``ANSWER``) for every row of ``requests``.

    ``requests`` has ``key`` (a string column that names a request), prompt, and images (array of binary) where it
    asks about pictures. ``load`` runs on the workers and keeps what it loads: Spark gives a worker many partitions
    in turn. ``partitions`` is how many servers answer at a time: one locally, one per GPU on a cluster.
    """
    has_images = "images" in requests.columns

    def answer(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        server: Server | None = None
        for batch in batches:
            server = server or load()  # an empty partition needs no server
            for start in range(0, len(batch), server.at_once):
                some = batch.iloc[start : start + server.at_once]
                images = [tuple(of_row) for of_row in some["images"]] if has_images else [()] * len(some)
                asked = [Request(*row) for row in zip(some[key], some["prompt"], images, strict=True)]
                answers = pd.DataFrame([astuple(a) for a in answer_each(server, asked)], columns=_COLUMNS)
                yield pd.concat([some[[key, "prompt"]].reset_index(drop=True), answers.astype(_TYPES)], axis="columns")

    asked_for = requests.select(key, "prompt", *(["images"] if has_images else [])).repartition(partitions)
    return asked_for.mapInPandas(answer, f"`{key}` string, prompt string, {ANSWER}")


def lasting(written: DataFrame, *, passing: Collection[str]) -> DataFrame:
    """The ``written`` that are stored: answers, and errors that are not ``passing``, which the next run asks again."""
    return written.where(F.col("error_class").isNull() | ~F.col("error_class").isin(*passing))


def generation_rows(written: DataFrame, *, key: str, stamp: Mapping[str, str | None]) -> DataFrame:
    """``written`` as rows of the table ``generations``, by ``key``; ``stamp``: the columns about who asked what."""
    stamped = written.withColumns({name: F.lit(value).cast("string") for name, value in stamp.items()})
    return stamped.withColumnRenamed(key, "subject").select(*GENERATIONS.schema.names)


def unanswered(requests: DataFrame, *, key: str, error_class: str, error_message: str) -> DataFrame:
    """The columns of ``generations`` for requests that get no answer, all for the same reason."""
    said = {"error_class": F.lit(error_class), "error_message": F.lit(error_message)}
    columns = [column.split() for column in ANSWER.split(", ")]
    answer = [said.get(name, F.lit(None)).cast(kind).alias(name) for name, kind in columns]
    return requests.select(key, "prompt", *answer)
