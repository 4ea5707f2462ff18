"""A DataFrame of requests answered on the workers, whatever server it is that they ask."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple, fields
from functools import partial
from itertools import chain
from typing import TypeVar

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.serving.requests import Generation, Prepared, Request, Server, answer_prepared, prepare_each
from schemas.generations import GENERATIONS

ANSWER = (
    "text string, error_class string, error_message string, finish_reason string, prompt_tokens int, "
    "output_tokens int, cost_dollars double, token_ends array<int>, token_logprobs array<float>"
)
SECONDS = "start_seconds double, decode_seconds double, engine_seconds double"
"""A row's share of what its batch took: loading the server, decoding and rendering, the server's own calls."""

T = TypeVar("T")
_COLUMNS = [field.name for field in fields(Generation)]
_SECONDS = [column.split()[0] for column in SECONDS.split(", ")]
_TYPES = {"prompt_tokens": "Int32", "output_tokens": "Int32", "cost_dollars": "Float64"}


def generations(requests: DataFrame, *, key: str, load: Callable[[], Server], partitions: int = 1) -> DataFrame:
    """(``key``, prompt, and the columns of ``ANSWER`` and ``SECONDS``) for every row of ``requests``.

    ``requests`` has ``key`` (a string column that names a request), prompt, and images (array of binary) where it
    asks about pictures. ``load`` runs on the workers and keeps what it loads: Spark gives a worker many partitions
    in turn. ``partitions`` is how many servers answer at a time: one locally, one per GPU on a cluster.
    """
    has_images = "images" in requests.columns

    def asked_in(some: pd.DataFrame) -> list[Request]:
        images = [tuple(of_row) for of_row in some["images"]] if has_images else [()] * len(some)
        return [Request(*row) for row in zip(some[key], some["prompt"], images, strict=True)]

    def answer(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        first = next(batches, None)
        if first is None:
            return  # an empty partition needs no server
        server, start_seconds = _timed(load)

        def answered(some: pd.DataFrame, coming: Future[tuple[list[Prepared], float]]) -> pd.DataFrame:
            nonlocal start_seconds
            prepared, decode_seconds = coming.result()
            answers, engine_seconds = _timed(lambda: answer_prepared(server, prepared))
            spent = zip(_SECONDS, (start_seconds, decode_seconds, engine_seconds), strict=True)
            start_seconds = 0.0
            columns = pd.DataFrame([astuple(a) for a in answers], columns=_COLUMNS).astype(_TYPES)
            columns = columns.assign(**{name: seconds / len(some) for name, seconds in spent})
            return pd.concat([some[[key, "prompt"]].reset_index(drop=True), columns], axis="columns")

        with ThreadPoolExecutor(1) as beside:  # decodes what comes next while the server answers
            waiting: deque[tuple[pd.DataFrame, Future[tuple[list[Prepared], float]]]] = deque()
            for some in _portions(chain([first], batches), server.at_once):
                waiting.append((some, beside.submit(_timed, partial(prepare_each, server, asked_in(some)))))
                if len(waiting) > 1:
                    yield answered(*waiting.popleft())
            yield from (answered(*last) for last in waiting)

    asked_for = requests.select(key, "prompt", *(["images"] if has_images else [])).repartition(partitions)
    return asked_for.mapInPandas(answer, f"`{key}` string, prompt string, {ANSWER}, {SECONDS}")


def _portions(batches: Iterable[pd.DataFrame], at_once: int) -> Iterator[pd.DataFrame]:
    """The rows of ``batches``, so many at a time as a server is given."""
    for batch in batches:
        for start in range(0, len(batch), at_once):
            yield batch.iloc[start : start + at_once]


def _timed(act: Callable[[], T]) -> tuple[T, float]:
    """What ``act`` returns, and the seconds until then."""
    begun = time.monotonic()
    return act(), time.monotonic() - begun


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
