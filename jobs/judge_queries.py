"""Let a large model at an endpoint judge which texts no page may stand for, to teach with: oracle judgements.

    geo judge-queries --conf conf/demo.yml

Reads what people typed into the platform's own search (a CSV of locale and query), query_performance and images;
appends to generations (task judgements), many texts in a request, and replaces query_judgements by what the answers
hold. A text is asked about once: a rerun asks about those that are missing alone. Budget, chunks and faults are as in
label_queries. Counts texts.
"""

from collections import Counter
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from geo_lib.config import at_least_one, not_negative, setting, zero_to_one
from geo_lib.counts import Counts
from geo_lib.queries.eligibility.judging import (
    PROMPT_VERSION,
    SHAPE,
    TASK,
    asked_about,
    candidates,
    judgements,
    requests,
)
from geo_lib.queries.proposals import locale_of_signatures
from geo_lib.serving.endpoints import ChatDecoding, Endpoints
from geo_lib.spark import held
from jobs.run.asking import OVER_BUDGET, Asking, Task, ask
from jobs.run.job import Context, Job
from schemas.generations import GENERATIONS
from schemas.images import IMAGES
from schemas.query_judgements import QUERY_JUDGEMENTS
from schemas.query_performance import QUERY_PERFORMANCE

LEFT_OUT, UNANSWERED = "left_out", "unanswered"
_TYPED = StructType([StructField("locale", StringType()), StructField("query", StringType())])


@dataclass(frozen=True, slots=True)
class JudgeQueries:
    """The knobs of this job; conf/*.yml may set any of them."""

    endpoints: Endpoints = setting(dict)
    endpoint: str = "oracle"
    """Which of them judges."""
    most_queries: int = 0
    """How many texts are judged; 0: none."""
    typed: str | None = None
    """CSV file, or a folder of such, of what people typed into the platform's own search, with the columns locale and
    query; null: nobody has kept that, and the search console's queries are all."""
    texts_per_request: int = 25
    decoding: ChatDecoding = field(default_factory=lambda: ChatDecoding(max_new_tokens=1024))
    chunk_requests: int = 256
    """Requests per commit, about: what a crash may cost, and the budget be exceeded by."""
    partitions: int = 1
    """How many partitions ask at a time, each with as many requests under way as the endpoint says."""
    max_failed_share: float = 0.05
    """The job fails when a larger share of the texts has no judgement."""

    def __post_init__(self) -> None:
        at_least_one(self, "texts_per_request", "chunk_requests", "partitions")
        not_negative(self, "most_queries")
        zero_to_one(self, "max_failed_share")


def run(ctx: Context, knobs: JudgeQueries) -> Counts:
    if not knobs.most_queries:
        ctx.read(QUERY_JUDGEMENTS)  # there from now on: who reads it next would make it, and this job run again
        return Counts(0, 0)
    task = _task(knobs)
    with held(candidates(_typed(ctx, knobs), _searched(ctx), most=knobs.most_queries)) as wanted:
        known = asked_about(task.answered(ctx)).select("locale", "query").distinct()
        missing = wanted.join(known, on=["locale", "query"], how="left_anti")
        asking = ask(ctx, task, requests(missing, per_request=knobs.texts_per_request))
        ctx.write(QUERY_JUDGEMENTS, judgements(task.answered(ctx)))
        asking.refuse_halted()
        return asking.checked(_counts(ctx, task, wanted, asking), knobs.max_failed_share, unit=JOB.unit)


def _typed(ctx: Context, knobs: JudgeQueries) -> DataFrame:
    if knobs.typed is None:
        return ctx.spark.createDataFrame([], _TYPED)
    # a header that says otherwise is refused, and not read as if it did not
    return ctx.spark.read.csv(knobs.typed, schema=_TYPED, header=True, enforceSchema=False, escape='"').dropna()


def _searched(ctx: Context) -> DataFrame:
    located = ctx.read(QUERY_PERFORMANCE).join(locale_of_signatures(ctx.read(IMAGES)), on="signature", how="inner")
    return located.select("locale", "query")


def _task(knobs: JudgeQueries) -> Task:
    return Task(
        TASK,
        PROMPT_VERSION,
        SHAPE,
        key="subject",
        endpoints=knobs.endpoints,
        endpoint=knobs.endpoint,
        decoding=knobs.decoding,
        chunk=knobs.chunk_requests,
        partitions=knobs.partitions,
    )


def _counts(ctx: Context, task: Task, wanted: DataFrame, asking: Asking) -> Counts:
    answered = asked_about(task.answered(ctx))
    # of several requests about a text that of a judgement counts; an answer that passes a text over left it out
    fate = F.when(F.col("kinds").isNull(), F.coalesce("error_class", F.lit(LEFT_OUT)))
    by_text = answered.select("locale", "query", fate.alias("fate")).groupBy("locale", "query")
    best = by_text.agg(F.count_if(F.col("fate").isNull()).alias("judged"), F.min("fate").alias("fate"))
    reason = F.when(F.col("judged").isNull(), UNANSWERED).when(F.col("judged") == 0, F.col("fate"))
    fates = wanted.join(best, on=["locale", "query"], how="left").groupBy(reason.alias("reason")).count().collect()
    failed = Counter({row["reason"]: int(row["count"]) for row in fates})
    rows_in, kept = failed.total(), failed.pop(None, 0)
    if asking.left and UNANSWERED in failed:  # whole requests of many texts: which were not asked is not told apart
        failed[asking.never_asked] = failed.pop(UNANSWERED)
    dropped = {OVER_BUDGET: over} if (over := failed.pop(OVER_BUDGET, 0)) else {}
    over_budget = f"budget reached: {kept:,} of {rows_in:,} judged; raise most_dollars or run again next month"
    produced = {"requests_now": asking.asked, **{f"requests_{why}": n for why, n in asking.unanswered.items()}}
    report = "\n".join([*([over_budget] if dropped else []), *task.money(ctx)])
    return Counts(rows_in, kept, dropped=dropped, failed=failed, produced=produced, report=report)


JOB = Job(
    name="judge_queries",
    knobs=JudgeQueries,
    run=run,
    unit="texts",
    reads=(QUERY_PERFORMANCE, IMAGES),
    writes=(QUERY_JUDGEMENTS,),
    shares=(GENERATIONS,),
    files=lambda knobs: () if knobs.typed is None else (knobs.typed,),
    ask=("select * from {schema}.query_judgements where grey or off_voice limit 10",),
)
