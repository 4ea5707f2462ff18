"""Let a large model at an endpoint write queries for pictures, to teach with: oracle labels.

    geo label-queries --conf conf/demo.yml

Reads images and image_bytes; appends to generations (task labels), one commit per chunk, with tokens and dollars, and
replaces oracle_queries by what the answers hold. An answer is asked for once: a rerun asks for those that are missing
alone. What is answered by now and what all jobs spent at the endpoint in as_of's month is looked at before each chunk,
so each run pays for one chunk beyond most_dollars at most. Counts pictures: a signature in a locale.
"""

from collections import Counter
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.config import at_least_one, not_negative, setting, zero_to_one
from geo_lib.counts import Counts
from geo_lib.serving.chunks import KeyRange
from geo_lib.serving.endpoints import ChatDecoding, Endpoints
from geo_lib.spark import held
from geo_lib.vlm.oracle_labels import (
    PROMPT_VERSION,
    SHAPE,
    TASK,
    asked,
    chosen,
    labels,
    with_pictures,
)
from jobs.run.asking import OVER_BUDGET, Asking, Task, ask
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


def run(ctx: Context, knobs: LabelQueries) -> Counts:
    every = asked(ctx.read(IMAGES), pictures_per_record=knobs.pictures_per_record)
    with held(chosen(every, most=knobs.most_pictures)) as wanted:
        asking = _ask(ctx, knobs, wanted) if knobs.most_pictures else Asking()
        ctx.write(ORACLE_QUERIES, labels(ctx.read(GENERATIONS), every))
        asking.refuse_halted()
        return asking.checked(_counts(ctx, knobs, wanted, asking), knobs.max_failed_share, unit=JOB.unit)


def _task(knobs: LabelQueries) -> Task:
    return Task(
        TASK,
        PROMPT_VERSION,
        SHAPE,
        key="signature",
        endpoints=knobs.endpoints,
        endpoint=knobs.endpoint,
        decoding=knobs.decoding,
        chunk=knobs.chunk_pictures,
        partitions=knobs.partitions,
    )


def _ask(ctx: Context, knobs: LabelQueries, wanted: DataFrame) -> Asking:
    pictures = ctx.read(IMAGE_BYTES).select("signature", "bytes")

    def shown(some: DataFrame, chunk: KeyRange) -> DataFrame:
        # other pictures of a page have other signatures: they may lie in any range
        return with_pictures(some, chunk.of(pictures, "signature") if knobs.pictures_per_record == 1 else pictures)

    return ask(ctx, _task(knobs), wanted, shown=shown)


def _counts(ctx: Context, knobs: LabelQueries, wanted: DataFrame, asking: Asking) -> Counts:
    if not knobs.most_pictures:
        return Counts(0, 0)
    task = _task(knobs)
    answered = task.answered(ctx).select("signature", "prompt", "model_version", "error_class", "output_tokens")
    has_no_answer = F.col("model_version").isNull()
    no_answer = F.when(asking.is_left("signature"), asking.never_asked).otherwise("")
    error = F.when(has_no_answer, no_answer).otherwise(F.col("error_class"))
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
    over_budget = f"budget reached: {kept:,} of {rows_in:,} labelled; raise most_dollars or run again next month"
    return Counts(
        rows_in,
        kept,
        dropped=dropped,
        failed=+failed,
        produced={"asked_now": asking.asked, "output_tokens": sum(int(row["tokens"]) for row in fates)},
        report="\n".join([*([over_budget] if dropped else []), *task.money(ctx)]),
    )


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
