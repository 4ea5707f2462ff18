"""Let a large model at an endpoint write queries for pictures, to teach with: oracle labels.

    geo label-queries --conf conf/demo.yml

Reads images and image_bytes; appends to generations (task labels), one commit per chunk, with tokens and dollars, and
replaces oracle_queries by what the answers hold. An answer is asked for once: a rerun asks for those that are missing
alone. What is answered by now and what all jobs spent at the endpoint in as_of's month is looked at before each chunk,
so each run pays for one chunk beyond most_dollars at most. Counts pictures: a signature in a locale.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import or_

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.config import at_least_one, not_negative, setting, zero_to_one
from geo_lib.counts import Counts
from geo_lib.errors import EndpointError, TooManyFailedError
from geo_lib.serving.budget import spent
from geo_lib.serving.chunks import KeyRange, begun_by, hash_ranges
from geo_lib.serving.endpoint import ANSWERED, HALTING, UNANSWERED, EndpointServer, EndpointSpec
from geo_lib.serving.endpoints import ChatDecoding, Endpoint, Endpoints, endpoint_named, key_of
from geo_lib.serving.partitions import generation_rows, generations, lasting
from geo_lib.serving.served import served
from geo_lib.spark import held, settled
from geo_lib.vlm.oracle_labels import (
    PROMPT_VERSION,
    SHAPE,
    TASK,
    answers,
    asked,
    chosen,
    labels,
    with_pictures,
)
from jobs.run.job import Context, Job
from schemas.generations import GENERATIONS
from schemas.image_bytes import IMAGE_BYTES
from schemas.images import IMAGES
from schemas.oracle_queries import ORACLE_QUERIES


@dataclass(frozen=True, slots=True)
class LabelQueries:
    """The knobs of this job; conf/*.yml may set any of them."""

    endpoints: Endpoints = setting(dict)
    endpoint: str = "oracle"
    """Which of them labels."""
    most_pictures: int = 0
    """How many pictures are labelled, each in every locale that it is shown in; 0: none."""
    pictures_per_record: int = 1
    """Pictures of one page that the oracle is shown together."""
    decoding: ChatDecoding = field(default_factory=ChatDecoding)
    chunk_pictures: int = 256
    """Pictures per commit, about: what a crash may cost, and the budget be exceeded by."""
    partitions: int = 1
    """How many partitions ask at a time, each with as many requests under way as the endpoint says."""
    max_failed_share: float = 0.05
    """The job fails when a larger share of the pictures has an error instead of an answer."""

    def __post_init__(self) -> None:
        at_least_one(self, "pictures_per_record", "chunk_pictures", "partitions")
        not_negative(self, "most_pictures")
        zero_to_one(self, "max_failed_share")


OVER_BUDGET, NOT_ASKED = "over_budget", "not_asked"


@dataclass(slots=True)
class _Asking:
    """How a run's asking went: errors that are not kept by their class, and why it ended before all were asked."""

    asked: int = 0
    left: list[KeyRange] = field(default_factory=list)
    """Ranges of signatures that nobody was asked about."""
    unanswered: Counter[str] = field(default_factory=Counter)
    over_budget: bool = False
    halted: str | None = None
    """What somebody must mend before the endpoint answers anybody."""
    in_vain: str | None = None
    """What a whole chunk came to, of which nobody was answered."""


def run(ctx: Context, knobs: LabelQueries) -> Counts:
    every = asked(ctx.read(IMAGES), pictures_per_record=knobs.pictures_per_record)
    with held(chosen(every, most=knobs.most_pictures)) as wanted:
        asking = _ask(ctx, knobs, wanted) if knobs.most_pictures else _Asking()
        ctx.write(ORACLE_QUERIES, labels(ctx.read(GENERATIONS), every))
        if asking.halted is not None:
            raise EndpointError(asking.halted)
        counts = _counts(ctx, knobs, wanted, asking)
        if asking.in_vain is not None and (not_asked := counts.failed.get(NOT_ASKED)):
            raise EndpointError(f"{asking.in_vain}; {not_asked:,} more pictures were not asked about")
        try:
            return counts.refuse_above(knobs.max_failed_share, unit=JOB.unit)
        except TooManyFailedError as too_many:
            if asking.in_vain is None:
                raise
            raise EndpointError(asking.in_vain) from too_many


def _ask(ctx: Context, knobs: LabelQueries, wanted: DataFrame) -> _Asking:
    """Ask for what has no answer yet, chunk by chunk, until all is asked or money or the endpoint ends it."""
    endpoint = endpoint_named(knobs.endpoints, knobs.endpoint)
    key = key_of(knobs.endpoint, endpoint)
    version = _version(knobs)
    stamp = {"task": TASK, "endpoint": knobs.endpoint, **version}
    asking = _Asking()
    with held(_missing(ctx, knobs, wanted)) as missing:
        asking.left = begun_by(ctx.run_id, hash_ranges(math.ceil(missing.count() / knobs.chunk_pictures)))
        if not asking.left:
            return asking
        chunks = len(asking.left)
        pictures = ctx.read(IMAGE_BYTES).select("signature", "bytes")
        with served(endpoint, log_file=ctx.log_file(f"{knobs.endpoint}.log")) as running:
            spec = EndpointSpec(knobs.endpoint, running, key, knobs.decoding, SHAPE)
            load = partial(EndpointServer, spec)
            while asking.left:
                done = chunks - len(asking.left)
                ctx.progress(done, chunks, "chunks committed")
                if endpoint.most_dollars is not None and _spent(ctx, knobs) >= endpoint.most_dollars:
                    asking.over_budget = True
                    break
                chunk = asking.left.pop(0)
                some = _missing(ctx, knobs, chunk.of(missing, "signature"))  # others may have asked meanwhile
                shown = chunk.of(pictures, "signature") if knobs.pictures_per_record == 1 else pictures
                requests = with_pictures(some, shown)
                written = generations(requests, key="signature", load=load, partitions=knobs.partitions)
                written = settled(written)  # a block that is lost would ask, and pay, again
                if _note(written, asking, who=f"the endpoint {knobs.endpoint} at {running.url}", endpoint=endpoint):
                    rows = generation_rows(lasting(written, passing=UNANSWERED), key="signature", stamp=stamp)
                    ctx.append(GENERATIONS, rows, sequence=done)
                if asking.halted is not None or asking.in_vain is not None:
                    break
        ctx.progress(chunks, chunks, "chunks committed")
    return asking


def _version(knobs: LabelQueries) -> dict[str, str]:
    return {
        "model_version": endpoint_named(knobs.endpoints, knobs.endpoint).model,
        "prompt_version": PROMPT_VERSION,
        "decoding_version": knobs.decoding.version(SHAPE),
    }


def _answered(ctx: Context, knobs: LabelQueries) -> DataFrame:
    """What this model has answered as it is drawn now."""
    version = _version(knobs)
    of_model = [F.col(name) == version[name] for name in ("model_version", "decoding_version")]
    return answers(ctx.read(GENERATIONS)).where(of_model[0] & of_model[1])


def _missing(ctx: Context, knobs: LabelQueries, wanted: DataFrame) -> DataFrame:
    """The ``wanted`` that have no answer by now."""
    answered = _answered(ctx, knobs).select("signature", "prompt")
    return wanted.join(answered, on=["signature", "prompt"], how="left_anti")


def _spent(ctx: Context, knobs: LabelQueries) -> float:
    return spent(ctx.read(GENERATIONS), endpoint=knobs.endpoint, month_of=ctx.as_of)


def _note(written: DataFrame, asking: _Asking, *, who: str, endpoint: Endpoint) -> int:
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


def _counts(ctx: Context, knobs: LabelQueries, wanted: DataFrame, asking: _Asking) -> Counts:
    if not knobs.most_pictures:
        return Counts(0, 0)
    answered = _answered(ctx, knobs).select("signature", "prompt", "model_version", "error_class", "output_tokens")
    never_asked = OVER_BUDGET if asking.over_budget else NOT_ASKED
    is_left = reduce(or_, [chunk.holds("signature") for chunk in asking.left], F.lit(False))
    has_no_answer = F.col("model_version").isNull()
    error = F.when(has_no_answer, F.when(is_left, never_asked).otherwise("")).otherwise(F.col("error_class"))
    fates = (
        wanted.join(answered, on=["signature", "prompt"], how="left")
        .groupBy(error.alias("error"))
        .agg(F.count("*").alias("n"), F.coalesce(F.sum("output_tokens"), F.lit(0)).alias("tokens"))
        .collect()
    )
    failed = Counter({row["error"]: int(row["n"]) for row in fates})
    rows_in, kept = failed.total(), failed.pop(None, 0)
    dropped = {OVER_BUDGET: over} if (over := failed.pop(OVER_BUDGET, 0)) else {}
    without = failed.pop("", 0)
    for error_class, n in asking.unanswered.items():
        failed[error_class] = min(n, without)  # another run may have had an answer since
        without -= failed[error_class]
    failed["no_stored_image"] = without
    return Counts(
        rows_in,
        kept,
        dropped=dropped,
        failed=+failed,
        produced={"asked_now": asking.asked, "output_tokens": sum(int(row["tokens"]) for row in fates)},
        report=_report(ctx, knobs, kept, rows_in, is_over=bool(dropped)),
    )


def _report(ctx: Context, knobs: LabelQueries, kept: int, rows_in: int, *, is_over: bool) -> str:
    most = endpoint_named(knobs.endpoints, knobs.endpoint).most_dollars
    lines: list[str] = []
    if is_over:
        lines.append(f"budget reached: {kept:,} of {rows_in:,} labelled; raise most_dollars or run again next month")
    if most is not None:
        lines.append(f"{_spent(ctx, knobs):,.2f} of {most:,.2f} dollars of {ctx.as_of:%Y-%m} spent at {knobs.endpoint}")
    return "\n".join(lines)


JOB = Job(
    name="label_queries",
    knobs=LabelQueries,
    run=run,
    unit="pictures",
    reads=(IMAGES, IMAGE_BYTES),
    writes=(ORACLE_QUERIES,),
    shares=(GENERATIONS,),
    ask=("select category, query from {schema}.oracle_queries order by signature limit 10",),
)
