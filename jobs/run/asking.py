"""Asking an endpoint chunk by chunk, for any job: nobody pays twice, and money or a fault ends it in order."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from geo_lib.counts import Counts
from geo_lib.errors import EndpointError, TooManyFailedError
from geo_lib.serving.budget import spent
from geo_lib.serving.chunks import KeyRange, begun_by, hash_ranges
from geo_lib.serving.endpoint import ANSWERED, HALTING, UNANSWERED, EndpointServer, EndpointSpec
from geo_lib.serving.endpoints import ChatDecoding, Endpoint, Endpoints, Shape, endpoint_named, key_of
from geo_lib.serving.partitions import generation_rows, generations, lasting
from geo_lib.serving.served import served
from geo_lib.spark import held, settled
from jobs.run.job import Context
from schemas.generations import GENERATIONS

OVER_BUDGET, NOT_ASKED = "over_budget", "not_asked"


@dataclass(frozen=True, slots=True)
class Task:
    """What a job asks an endpoint for, and how."""

    name: str
    """``generations.task``"""
    prompt_version: str
    shape: Shape
    key: str
    """The column that names a request: a hash in hexadecimal digits, ``generations.subject``."""
    endpoints: Endpoints
    endpoint: str
    """Which of them is asked."""
    decoding: ChatDecoding
    chunk: int
    """Requests per commit, about."""
    partitions: int
    """How many of them ask at a time."""

    @property
    def asks(self) -> Endpoint:
        """Raises ``ConfigError`` where there is none."""
        return endpoint_named(self.endpoints, self.endpoint)

    @property
    def version(self) -> dict[str, str]:
        return {
            "model_version": self.asks.model,
            "prompt_version": self.prompt_version,
            "decoding_version": self.decoding.version(self.shape),
        }

    def answered(self, ctx: Context) -> DataFrame:
        """What this model has answered as it is drawn now, errors included; the ``key`` for ``subject``."""
        columns = {"task": self.name, **self.version}
        is_of_it = [F.col(name) == value for name, value in columns.items()]
        mine = ctx.read(GENERATIONS).where(reduce(lambda one, other: one & other, is_of_it))
        return mine.withColumnRenamed("subject", self.key)

    def missing(self, ctx: Context, wanted: DataFrame) -> DataFrame:
        """The ``wanted`` requests that have no answer by now."""
        answered = self.answered(ctx).select(self.key, "prompt")
        return wanted.join(answered, on=[self.key, "prompt"], how="left_anti")

    def spent(self, ctx: Context) -> float:
        return spent(ctx.read(GENERATIONS), endpoint=self.endpoint, month_of=ctx.as_of)

    def money(self, ctx: Context) -> list[str]:
        """What was spent of what may be, in a line; none where nobody charges."""
        most = self.asks.most_dollars
        if most is None:
            return []
        return [f"{self.spent(ctx):,.2f} of {most:,.2f} dollars of {ctx.as_of:%Y-%m} spent at {self.endpoint}"]


@dataclass(slots=True)
class Asking:
    """How a run's asking went: errors that are not kept by their class, and why it ended before all were asked."""

    asked: int = 0
    left: list[KeyRange] = field(default_factory=list)
    """Ranges of keys that nobody was asked about."""
    unanswered: Counter[str] = field(default_factory=Counter)
    over_budget: bool = False
    halted: str | None = None
    """What somebody must mend before the endpoint answers anybody."""
    in_vain: str | None = None
    """What a whole chunk came to, of which nobody was answered."""

    @property
    def never_asked(self) -> str:
        """Why those are not answered that are ``is_left``."""
        return OVER_BUDGET if self.over_budget else NOT_ASKED

    def is_left(self, key: str) -> Column:
        return reduce(or_, [chunk.holds(key) for chunk in self.left], F.lit(False))

    def refuse_halted(self) -> None:
        if self.halted is not None:
            raise EndpointError(self.halted)

    def checked(self, counts: Counts, max_failed_share: float, *, unit: str) -> Counts:
        """The counts, unless the endpoint answers nobody or a larger share has failed."""
        if self.in_vain is not None and (not_asked := counts.failed.get(NOT_ASKED)):
            raise EndpointError(f"{self.in_vain}; {not_asked:,} more {unit} were not asked about")
        try:
            return counts.refuse_above(max_failed_share, unit=unit)
        except TooManyFailedError as too_many:
            if self.in_vain is None:
                raise
            raise EndpointError(self.in_vain) from too_many


def ask(
    ctx: Context, task: Task, wanted: DataFrame, *, shown: Callable[[DataFrame, KeyRange], DataFrame] = lambda df, _: df
) -> Asking:
    """Ask for what has no answer yet, chunk by chunk, until all is asked or money or the endpoint ends it.

    ``wanted``: (key, prompt, …), each once. ``shown``: a chunk of it with the ``images`` it is about, if any.
    """
    endpoint = task.asks
    key = key_of(task.endpoint, endpoint)
    stamp = {"task": task.name, "endpoint": task.endpoint, **task.version}
    asking = Asking()
    with held(task.missing(ctx, wanted)) as missing:
        asking.left = begun_by(ctx.run_id, hash_ranges(math.ceil(missing.count() / task.chunk)))
        if not asking.left:
            return asking
        chunks = len(asking.left)
        with served(endpoint, log_file=ctx.log_file(f"{task.endpoint}.log")) as running:
            spec = EndpointSpec(task.endpoint, running, key, task.decoding, task.shape)
            load = partial(EndpointServer, spec)
            while asking.left:
                done = chunks - len(asking.left)
                ctx.progress(done, chunks, "chunks committed")
                if endpoint.most_dollars is not None and task.spent(ctx) >= endpoint.most_dollars:
                    asking.over_budget = True
                    break
                chunk = asking.left.pop(0)
                some = task.missing(ctx, chunk.of(missing, task.key))  # others may have asked meanwhile
                written = generations(shown(some, chunk), key=task.key, load=load, partitions=task.partitions)
                written = settled(written)  # a block that is lost would ask, and pay, again
                if _note(written, asking, who=f"the endpoint {task.endpoint} at {running.url}", endpoint=endpoint):
                    rows = generation_rows(lasting(written, passing=UNANSWERED), key=task.key, stamp=stamp)
                    ctx.append(GENERATIONS, rows, sequence=done)
                if asking.halted is not None or asking.in_vain is not None:
                    break
        ctx.progress(chunks, chunks, "chunks committed")
    return asking


def _note(written: DataFrame, asking: Asking, *, who: str, endpoint: Endpoint) -> int:
    """Add the errors of a chunk that are not kept, and why nobody should be asked any more, if so; return how many
    rows are kept."""
    is_uncounted = F.col("cost_dollars").isNull()
    figures = (
        F.count("*").alias("n"),
        F.count_if(is_uncounted).alias("uncounted"),
        F.min("error_message").alias("why"),
    )
    fates = written.groupBy("error_class").agg(*figures).collect()
    unanswered = [row for row in fates if row["error_class"] in UNANSWERED]
    asked = sum(int(row["n"]) for row in fates)
    asking.asked += asked
    asking.unanswered.update({row["error_class"]: row["n"] for row in unanswered})
    asking.halted = next((row["why"] for row in unanswered if row["error_class"] in HALTING), None)
    uncounted = sum(row["uncounted"] for row in fates if row["error_class"] in (None, *ANSWERED))
    if endpoint.most_dollars is not None and uncounted and asking.halted is None:
        asking.halted = (
            f"{who} does not say what {uncounted:,} of its answers took (usage), so nobody can hold it to "
            "most_dollars; let it say so, or ask one that does"
        )
    if unanswered and len(unanswered) == len(fates):
        reasons = ", ".join(f"{row['error_class']}: {row['why']}" for row in fates)
        asking.in_vain = f"{who} has answered none of {asked:,} requests ({reasons}); see that it runs and run again"
    return asked - sum(int(row["n"]) for row in unanswered)
