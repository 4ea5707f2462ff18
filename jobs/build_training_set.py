"""Build the conversations that the vision-language model is tuned on.

    geo build-training-set --conf conf/demo.yml

Reads images, image_bytes, mined_queries and oracle_queries; replaces training_examples. What was searched comes before
what an oracle thought of, and the whole set is sampled to 30/30/40 of the three categories. A query that is unfit to be
published, by lists or eligibility@champion, or in another language than the image's locale, is not taught.
categories@champion tells the others' categories where it is sure, rules where it is not or where there is none. An
example of too many tokens is stored and not taught: geo audit-tokens says what that costs. Counts signatures.
"""

import logging
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.config import at_least_one, setting
from geo_lib.counts import Counts
from geo_lib.errors import ConfigError
from geo_lib.models import CATEGORIES_CHAMPION, ELIGIBILITY_CHAMPION
from geo_lib.queries.category_model import loader
from geo_lib.queries.chain import chain, judged
from geo_lib.queries.checks.language import Language
from geo_lib.queries.eligibility import model as eligibility
from geo_lib.queries.kinds import CATEGORIES, QUOTAS
from geo_lib.serving.processor import bounds_of, load_processor
from geo_lib.spark import held
from geo_lib.training.split import HeldOut
from geo_lib.vlm.settings import BaseVlm
from geo_lib.vlm.training_set import (
    candidates,
    chosen_queries,
    proposed,
    sampled,
    stored,
    with_token_counts,
    within_budget,
)
from jobs.run.job import Context, Job
from schemas.image_bytes import IMAGE_BYTES
from schemas.images import IMAGES
from schemas.mined_queries import MINED_QUERIES
from schemas.oracle_queries import ORACLE_QUERIES
from schemas.training_examples import TRAINING_EXAMPLES

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BuildTrainingSet:
    """The knobs of this job; conf/*.yml may set any of them."""

    vlm: BaseVlm = setting(BaseVlm)
    """Its processor counts the tokens; an example of more than it allows is dropped, not cut."""
    language: Language = setting(Language)
    """What validation would drop is not taught."""
    held_out: HeldOut = setting(HeldOut)
    min_queries: int = 5
    """Queries that an answer has at least: a picture with fewer is dropped, and none is sampled to fewer."""
    most_examples: int = 100_000
    """The first by hash; the paper's number."""

    def __post_init__(self) -> None:
        at_least_one(self, "min_queries", "most_examples")
        if self.min_queries > (most := sum(QUOTAS.values())):
            raise ConfigError(f"build_training_set.min_queries must be at most {most}, not {self.min_queries}")


def run(ctx: Context, knobs: BuildTrainingSet) -> Counts:
    base = knobs.vlm.files(cache=ctx.path("models", "hub"))
    processor = load_processor(base.path, min_pixels=knobs.vlm.min_pixels, max_pixels=knobs.vlm.max_pixels)
    images = ctx.read(IMAGES)
    asked = proposed(images, ctx.read(MINED_QUERIES), ctx.read(ORACLE_QUERIES))
    texts = asked.select("locale", F.col("query").alias("raw")).distinct()
    categories = loader(ctx.model_if_any(CATEGORIES_CHAMPION))
    checks = chain(knobs.language, eligibility=eligibility.loader(ctx.model_if_any(ELIGIBILITY_CHAMPION)))
    fit = judged(texts, checks, categories=categories).where("reason is null")
    fit = fit.select("locale", F.col("raw").alias("query"), "words", "category")
    chosen = chosen_queries(asked.join(fit, on=["locale", "query"], how="inner"))
    possible = candidates(
        images,
        chosen,
        ctx.read(IMAGE_BYTES),
        bounds=bounds_of(processor),
        min_queries=knobs.min_queries,
        held_out=knobs.held_out,
    )
    with held(possible) as whole:
        taken = sampled(whole, most=knobs.most_examples, fewest=knobs.min_queries)
        counted = with_token_counts(taken, processor_path=base.path)
        with held(within_budget(counted, max_sequence_tokens=knobs.vlm.max_sequence_tokens)) as examples:
            ctx.write(TRAINING_EXAMPLES, stored(examples))
            return _counts(images, whole, examples)


def _counts(images: DataFrame, whole: DataFrame, examples: DataFrame) -> Counts:
    """A signature is kept when any of its locales became an example, else dropped for its first reason.

    ``whole``: the examples before they were sampled.
    """
    fates = (
        images.select("signature")
        .distinct()
        .join(examples, on="signature", how="left")
        .withColumn("reason", F.when(F.col("example_id").isNull(), "no_stored_image").otherwise(F.col("reason")))
        .groupBy("signature")
        .agg(F.min(F.struct(F.col("reason").isNotNull().alias("is_dropped"), "reason")).alias("fate"))
    )
    before = whole.select("example_id", *[F.size(c).alias(f"_{c}") for c in CATEGORIES])
    made = examples.where("reason is null").join(before, on="example_id", how="inner")
    sums = made.agg(
        F.count("*").alias("examples"),
        F.count_if(F.col("split") == "train").alias("train"),
        F.count_if(F.col("split") == "held_out").alias("held_out"),
        *[F.coalesce(F.sum(F.size(c)), F.lit(0)).alias(f"{c}_queries") for c in CATEGORIES],
        *[F.coalesce(F.sum(QUOTAS[c] - F.col(f"_{c}")), F.lit(0)).alias(f"{c}_shortfall") for c in CATEGORIES],
        *[F.coalesce(F.sum(F.col(f"_{c}") - F.size(c)), F.lit(0)).alias(f"{c}_given_up") for c in CATEGORIES],
        F.coalesce(F.sum(F.size("from_oracle")), F.lit(0)).alias("from_oracle"),
        F.coalesce(F.max(F.col("visual_tokens") + F.col("text_tokens") + F.col("response_tokens")), F.lit(0)).alias(
            "longest_in_tokens"
        ),
    )
    produced = {name: int(value) for name, value in sums.collect()[0].asDict().items()}
    rows_in = images.select("signature").distinct().count()
    return Counts.tallied(fates, by="fate.reason", rows_in=rows_in, produced=produced)


JOB = Job(
    name="build_training_set",
    knobs=BuildTrainingSet,
    run=run,
    unit="signatures",
    reads=(IMAGES, IMAGE_BYTES, MINED_QUERIES, ORACLE_QUERIES),
    writes=(TRAINING_EXAMPLES,),
    reads_models=lambda _: (CATEGORIES_CHAMPION, ELIGIBILITY_CHAMPION),
    files=lambda knobs: knobs.vlm.folders,
)
