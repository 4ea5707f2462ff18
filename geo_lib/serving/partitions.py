"""A DataFrame of requests answered on the workers, whatever server it is that they ask."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.serving.requests import Generation, Prepared, Request, Server, answer_each
from schemas.generations import GENERATIONS

ANSWER = (
    "text string, error_class string, error_message string, finish_reason string, prompt_tokens int, "
    "output_tokens int, cost_dollars double, token_ends array<int>, token_logprobs array<float>"
)
SECONDS = "start_seconds double, decode_seconds double, engine_seconds double"
"""A row's share of what its batch took: loading the server, decoding and rendering, the server's own calls."""

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

    def answer(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        clock: _Clock | None = None
        for batch in batches:
            clock = clock or _Clock.of(load)  # an empty partition needs no server
            for start in range(0, len(batch), clock.at_once):
                some = batch.iloc[start : start + clock.at_once]
                images = [tuple(of_row) for of_row in some["images"]] if has_images else [()] * len(some)
                asked = [Request(*row) for row in zip(some[key], some["prompt"], images, strict=True)]
                answers = pd.DataFrame([astuple(a) for a in answer_each(clock, asked)], columns=_COLUMNS)
                asked_of = some[[key, "prompt"]].reset_index(drop=True)
                yield pd.concat([asked_of, answers.astype(_TYPES).assign(**clock.shared_by(len(some)))], axis="columns")

    asked_for = requests.select(key, "prompt", *(["images"] if has_images else [])).repartition(partitions)
    return asked_for.mapInPandas(answer, f"`{key}` string, prompt string, {ANSWER}, {SECONDS}")


@dataclass(slots=True)
class _Clock:
    """A server that keeps how many seconds it took since it was last asked."""

    server: Server
    at_once: int
    start_seconds: float
    decode_seconds: float = 0.0
    engine_seconds: float = 0.0

    @classmethod
    def of(cls, load: Callable[[], Server]) -> "_Clock":
        begun = time.monotonic()
        server = load()
        return cls(server, server.at_once, time.monotonic() - begun)

    def prepare(self, request: Request) -> Prepared:
        begun = time.monotonic()
        try:
            return self.server.prepare(request)
        finally:
            self.decode_seconds += time.monotonic() - begun

    def generate(self, prepared: Sequence[Prepared]) -> list[Generation]:
        begun = time.monotonic()
        try:
            return self.server.generate(prepared)
        finally:
            self.engine_seconds += time.monotonic() - begun

    def shared_by(self, rows: int) -> dict[str, float]:
        """The columns of ``SECONDS`` for each of so many rows; the clock stands at 0 then."""
        shares = {name: getattr(self, name) / rows for name in _SECONDS}
        self.start_seconds = self.decode_seconds = self.engine_seconds = 0.0
        return shares


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
