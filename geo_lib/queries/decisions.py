"""The stages that a proposal passes or stops at, and the tables that come of it. Pure.

Every stage gives one reason at most; the first one stops the proposal. ``query_decisions`` keeps every stage
that was reached, so that a lost query can be explained and a rule that costs too much be seen.
"""

from collections.abc import Collection, Iterator

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.queries.chain import chain
from geo_lib.queries.checks.inclusiveness import INCLUSIVENESS
from geo_lib.queries.checks.language import Language
from geo_lib.queries.demographics import unsupported
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.queries.proof import UNPROVEN
from geo_lib.queries.proposals import CONSOLE, VLM
from geo_lib.queries.routing import ROUTED
from geo_lib.queries.text import NORMALISATION_VERSION, normalise, query_id_column
from geo_lib.queries.wordings import DUPLICATE, counts_as_said
from geo_lib.search_console.attribution import AMBIGUOUS

_CHAIN = [check.stage for check in chain(Language())]
CONFIDENCE = "confidence"
STAGES = ("parse", _CHAIN[0], DUPLICATE, *_CHAIN[1:], CONFIDENCE)
"""The chain's, with those that look at more than a text: one without a normal form repeats nothing, and whether a model
is sure enough is asked of what is fit alone."""

SAME_WORDS = "same_words"
UNSURE = "unsure"


def decided(proposals: DataFrame, verdicts: DataFrame, said: DataFrame, *, min_confidence: float) -> DataFrame:
    """Proposals with text, words, category, its confidence, language, suggestion, demographics and
    ``stopped_at``/``reason``, both null where it is kept; ``has_console`` says whether the console has it for the
    image, in whatever fit wording.

    ``proposals``: ``routed``; one that goes on in another locale stops as such and is decided there once more.
    ``verdicts``: what the chain says of each distinct (locale, query), as ``raw``. ``said``: ``said_of_pictures``; what
    a model says of people, and nothing gives reason to say, is ``unsupported_demographic``. Of fit proposals of one
    source with the same words, in any order, the first is kept: the others say nothing new. One that its model was less
    sure of than ``min_confidence`` is ``unsure``, unless the console has it; where nobody knows how sure a model was,
    it is taken at its word.
    """
    of_query = verdicts.withColumnsRenamed(
        {"raw": "query", "stopped_at": "_at", "reason": "_why", "category": "_category"}
    )
    judged = proposals.join(of_query, on=["locale", "query"], how="left")
    judged = judged.join(said, on=["signature", "locale"], how="left")
    judged = judged.withColumn("_why", F.when(F.col("routed_to").isNotNull(), ROUTED).otherwise(F.col("_why")))
    judged = judged.withColumn("_is_fit", F.col("problem").isNull() & F.col("text").isNotNull() & F.col("_at").isNull())
    # among the fit alone: whether words are fit may hang on their order, and what is stopped takes no copy along
    proposer = ("signature", "locale", "source", "model_version")
    first_said = Window.partitionBy(*proposer, "_is_fit", "words").orderBy("position")
    said_before = F.col("_is_fit") & (F.row_number().over(first_said) > 1)
    same_words = Window.partitionBy("signature", "locale", "_is_fit", "words")
    console_has_it = F.max(F.col("source") == CONSOLE).over(same_words)
    guess = F.when(F.col("_is_fit"), unsupported())  # what stops in any case keeps its own reason
    reasons: dict[str, Column] = {
        "parse": F.col("problem"),
        DUPLICATE: F.when(said_before, SAME_WORDS),
        **{stage: F.when(F.col("_at") == stage, F.col("_why")) for stage in _CHAIN},
        INCLUSIVENESS.stage: F.when(F.col("_at") == INCLUSIVENESS.stage, F.col("_why")).otherwise(guess),
        CONFIDENCE: F.when((F.col("confidence") < min_confidence) & ~console_has_it, UNSURE),
    }
    stops = [F.when(reasons[s].isNotNull(), F.struct(F.lit(s).alias("stage"), reasons[s].alias("why"))) for s in STAGES]
    return judged.withColumn("_stopped", F.coalesce(*stops)).select(
        "signature",
        "locale",
        "source",
        "model_version",
        "position",
        "query",
        "failed",
        "confidence",
        "text",
        "words",
        F.coalesce("category", "_category").alias("category"),
        F.when(F.col("category").isNull(), F.col("category_confidence")).alias("category_confidence"),
        "language",
        "language_score",
        F.col("_stopped.stage").alias("stopped_at"),
        F.col("_stopped.why").alias("reason"),
        F.when(F.col("_stopped.stage") == F.col("_at"), F.col("suggestion")).alias("suggestion"),
        "demographics",
        "routed_to",
        console_has_it.alias("has_console"),
    )


def without_unproven(decided_proposals: DataFrame, locales: Collection[str]) -> DataFrame:
    """``decided`` where in these locales a model's word alone counts for nothing: what it says and the console has for
    the image stays, all else stops at ``confidence`` as ``unproven``."""
    alone = (F.col("source") == VLM) & ~F.col("has_console") & F.col("stopped_at").isNull()
    stops = F.col("locale").isin(*locales) & alone
    return decided_proposals.withColumns(
        {
            "stopped_at": F.when(stops, CONFIDENCE).otherwise(F.col("stopped_at")),
            "reason": F.when(stops, UNPROVEN).otherwise(F.col("reason")),
        }
    )


def decisions(decided_proposals: DataFrame, wordings: DataFrame) -> DataFrame:
    """One row per proposal, locale and stage that it reached: the content of ``query_decisions``.

    ``wordings``: see there.
    """
    stages = F.array(*[F.lit(stage) for stage in STAGES])
    last = F.coalesce(F.array_position(stages, F.col("stopped_at")).cast("int"), F.lit(len(STAGES)))
    reached = decided_proposals.withColumn("stage", F.explode(F.slice(stages, 1, last)))
    stops_here = F.col("stopped_at").eqNullSafe(F.col("stage"))
    own_id = F.when(F.col("text").isNotNull(), query_id_column(F.col("locale"), F.col("text")))
    became = wordings.select("locale", "words", F.col("query_id").alias("_became"))
    return reached.join(became, on=["locale", "words"], how="left").select(
        "signature",
        "locale",
        "source",
        "model_version",
        "position",
        "query",
        "stage",
        (~stops_here).alias("kept"),
        F.when(stops_here, F.col("reason")).alias("reason"),
        "category",
        "category_confidence",
        F.when(counts_as_said(), F.coalesce("_became", own_id)).otherwise(own_id).alias("query_id"),
        F.when(stops_here, F.col("suggestion")).alias("suggestion"),
        F.when(stops_here, F.col("routed_to")).alias("routed_to"),
    )


def annotations(decided_proposals: DataFrame, wordings: DataFrame) -> DataFrame:
    """The kept queries of each signature in each locale, once in whatever wording: the content of ``annotations``.

    One that the console has for the image in any wording is confirmed, also by a row that was dropped as a repetition.
    Positions: the model's own first, in its order, then the console's by rank.
    """
    said = decided_proposals.where(counts_as_said()).drop("query")
    own_first = F.struct(F.when(F.col("source") == VLM, 0).otherwise(1).alias("s"), "position")
    is_kept = F.col("stopped_at").isNull()
    by_query = (
        said.join(wordings.select("locale", "words", "query_id", "query"), on=["locale", "words"], how="inner")
        .groupBy("signature", "locale", "query_id", "query")
        .agg(
            F.min(F.when(is_kept, own_first)).alias("place"),
            F.min_by("category", F.when(is_kept, own_first)).alias("category"),
            F.collect_set(F.when(is_kept | (F.col("source") == CONSOLE), F.col("source"))).alias("sources"),
            F.max(F.when(is_kept, F.col("confidence"))).alias("confidence"),
            F.max(F.when(is_kept & (F.col("source") != CONSOLE), F.col("model_version"))).alias("model_version"),
        )
        .where("place is not null")
    )
    order = Window.partitionBy("signature", "locale").orderBy("place", "query_id")
    return by_query.select(
        "signature",
        "query_id",
        "query",
        "locale",
        "category",
        F.sort_array("sources").alias("sources"),
        F.array_contains("sources", CONSOLE).alias("confirmed"),
        "confidence",
        F.row_number().over(order).alias("position"),
        "model_version",
    )


def queries(annotated: DataFrame, decided_proposals: DataFrame, wordings: DataFrame) -> DataFrame:
    """One row per validated query: the content of ``queries``.

    The category is what most images' annotations call it; ties go to the order of ``CATEGORIES``.
    """
    rank = F.array_position(F.array(*[F.lit(c) for c in CATEGORIES]), F.col("category"))
    votes = annotated.groupBy("query_id", "category").agg(F.count("*").alias("n"))
    most = Window.partitionBy("query_id").orderBy(F.desc("n"), rank)
    chosen = votes.withColumn("images", F.sum("n").over(Window.partitionBy("query_id")))
    chosen = chosen.withColumn("_most", F.row_number().over(most)).where("_most = 1")
    kept = decided_proposals.where("reason is null").groupBy("locale", "text")
    spoken = kept.agg(F.min(F.struct("language", "language_score", "demographics")).alias("spoken"))
    return (
        chosen.join(wordings, on="query_id", how="inner")
        .join(spoken.withColumnRenamed("text", "query"), on=["locale", "query"], how="left")
        .select(
            "query_id",
            "locale",
            "query",
            "aliases",
            "words",
            "category",
            "spoken.language",
            "spoken.language_score",
            "spoken.demographics",
            "demand",
            F.col("images").cast("int").alias("images"),
            F.lit(NORMALISATION_VERSION).alias("normalisation_version"),
        )
    )


def demand_of(located: DataFrame, routes: DataFrame) -> DataFrame:
    """(query_id, demand): console impressions of a text in a locale, over all its spellings and signatures.

    ``located``: query_performance with the locale of the signature; what goes on in another locale (``routes``) is
    wanted there. Those of ambiguous pages do not count: they stand once per picture of the page, and nobody knows for
    which.
    """
    sure = located.where(F.col("attribution") != AMBIGUOUS).select("signature", "locale", "query", "impressions")
    wanted = sure.join(routes, on=["signature", "locale", "query"], how="left")
    wanted = wanted.withColumn("locale", F.coalesce("routed_to", "locale"))
    by_spelling = wanted.groupBy("locale", "query").agg(F.sum("impressions").alias("impressions"))
    return (
        by_spelling.mapInPandas(_with_text, "locale string, impressions bigint, text string")
        .where("text <> ''")
        .groupBy(query_id_column(F.col("locale"), F.col("text")).alias("query_id"))
        .agg(F.sum("impressions").alias("demand"))
    )


def _with_text(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        yield batch.assign(
            text=[
                normalise(query, locale=locale) for query, locale in zip(batch["query"], batch["locale"], strict=True)
            ]
        )[["locale", "impressions", "text"]]
