"""The stages that a proposal passes or stops at, and the tables that come of it. Pure.

Every stage gives one reason at most; the first one stops the proposal. ``query_decisions`` keeps every stage
that was reached, so that a lost query can be explained and a rule that costs too much be seen.
"""

from collections.abc import Iterator

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.queries.category import categories_of
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.queries.language import Detected, detected
from geo_lib.queries.proposals import CONSOLE, VLM
from geo_lib.queries.safety import EXPLICIT, explicit_words
from geo_lib.queries.text import NORMALISATION_VERSION, normalise, query_id_column, same_words_key
from geo_lib.search_console.attribution import AMBIGUOUS

STAGES = ("parse", "normalise", "duplicate", "safety", "language")

BLANK = "blank"
TOO_LONG = "too_long"
SAME_WORDS = "same_words"
MAX_CHARACTERS = 200
"""Longer texts are sentences, not queries."""
MIN_LETTERS = 8
"""Below so many letters no verdict on the language is sure: "sofa" is a word of twenty languages."""

_JUDGED = (
    "locale string, query string, text string, words string, explicit boolean, language string, "
    "language_score double, foreign string, label string"
)


def judged(queries: DataFrame, *, min_language_score: float) -> DataFrame:
    """What is to be known of each distinct (locale, query): its text and verdicts, and its label if it is fit."""

    def judge(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            yield _judge(batch, min_language_score)

    return queries.select("locale", "query").mapInPandas(judge, _JUDGED)


def decided(proposals: DataFrame, verdicts: DataFrame) -> DataFrame:
    """Proposals with text, query_id, category, language and ``stopped_at``/``reason`` (both null: kept).

    Of proposals of one source with the same words, in any order, the first is kept: the others say nothing new.
    """
    known = proposals.join(verdicts, on=["locale", "query"], how="left")
    is_readable = F.col("problem").isNull() & F.col("text").isNotNull() & (F.length("text") <= MAX_CHARACTERS)
    known = known.withColumn("_readable", is_readable)
    proposer = ("signature", "locale", "source", "model_version")
    first_said = Window.partitionBy(*proposer, "_readable", "words").orderBy("position")
    said_before = F.col("_readable") & (F.row_number().over(first_said) > 1)
    reasons: dict[str, Column] = {
        "parse": F.col("problem"),
        "normalise": F.when(F.col("text").isNull(), BLANK).when(F.length("text") > MAX_CHARACTERS, TOO_LONG),
        "duplicate": F.when(said_before, SAME_WORDS),
        "safety": F.when(F.col("explicit"), EXPLICIT),
        "language": F.col("foreign"),
    }
    stops = [F.when(reasons[s].isNotNull(), F.struct(F.lit(s).alias("stage"), reasons[s].alias("why"))) for s in STAGES]
    return known.withColumn("_stopped", F.coalesce(*stops)).select(
        "signature",
        "locale",
        "source",
        "model_version",
        "position",
        "query",
        "failed",
        "text",
        F.when(F.col("text").isNotNull(), query_id_column(F.col("locale"), F.col("text"))).alias("query_id"),
        F.coalesce("category", "label").alias("category"),
        "language",
        "language_score",
        F.col("_stopped.stage").alias("stopped_at"),
        F.col("_stopped.why").alias("reason"),
    )


def decisions(decided_proposals: DataFrame) -> DataFrame:
    """One row per proposal and stage it reached: the content of ``query_decisions``."""
    stages = F.array(*[F.lit(stage) for stage in STAGES])
    last = F.coalesce(F.array_position(stages, F.col("stopped_at")).cast("int"), F.lit(len(STAGES)))
    reached = decided_proposals.withColumn("stage", F.explode(F.slice(stages, 1, last)))
    stops_here = F.col("stopped_at").eqNullSafe(F.col("stage"))
    return reached.select(
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
        "query_id",
    )


def annotations(decided_proposals: DataFrame) -> DataFrame:
    """The kept queries of each signature: the content of ``annotations``.

    A query that the console has for the image is confirmed even when the console's own row was stopped as a
    repetition. Positions: the model's own first, in its order, then the console's by rank.
    """
    seen = decided_proposals.where((F.col("source") == CONSOLE) & F.col("query_id").isNotNull())
    seen = seen.select("signature", "query_id").distinct().withColumn("confirmed", F.lit(True))
    kept = decided_proposals.where("reason is null")
    own_first = F.struct(F.when(F.col("source") == VLM, 0).otherwise(1).alias("s"), "position")
    by_query = kept.groupBy("signature", "locale", "query_id").agg(
        F.min("text").alias("query"),
        F.min(own_first).alias("place"),
        F.min_by("category", own_first).alias("category"),
        F.max(F.when(F.col("source") == VLM, F.col("model_version"))).alias("model_version"),
    )
    order = Window.partitionBy("signature").orderBy("place", "query_id")
    confirmed = F.coalesce("confirmed", F.lit(False))
    written = F.col("model_version").isNotNull()
    source = F.when(written & confirmed, "vlm+console").when(written, VLM).when(confirmed, CONSOLE)
    return by_query.join(seen, on=["signature", "query_id"], how="left").select(
        "signature",
        "query_id",
        "query",
        "locale",
        "category",
        source.alias("source"),
        confirmed.alias("confirmed"),
        F.row_number().over(order).alias("position"),
        "model_version",
    )


def queries(annotated: DataFrame, decided_proposals: DataFrame, demand: DataFrame) -> DataFrame:
    """One row per validated query: the content of ``queries``. ``demand``: (query_id, demand), unique.

    The category is what most images' annotations call it; ties go to the order of ``CATEGORIES``.
    """
    rank = F.array_position(F.array(*[F.lit(c) for c in CATEGORIES]), F.col("category"))
    votes = annotated.groupBy("query_id", "locale", "query", "category").agg(F.count("*").alias("n"))
    most = Window.partitionBy("query_id").orderBy(F.desc("n"), rank)
    chosen = votes.withColumn("images", F.sum("n").over(Window.partitionBy("query_id")))
    chosen = chosen.withColumn("_most", F.row_number().over(most)).where("_most = 1")
    kept = decided_proposals.where("reason is null").groupBy("query_id")
    spoken = kept.agg(F.min(F.struct("language", "language_score")).alias("spoken"))
    return (
        chosen.join(spoken, on="query_id", how="left")
        .join(demand, on="query_id", how="left")
        .select(
            "query_id",
            "locale",
            "query",
            "category",
            "spoken.language",
            "spoken.language_score",
            F.coalesce("demand", F.lit(0)).cast("bigint").alias("demand"),
            F.col("images").cast("int").alias("images"),
            F.lit(NORMALISATION_VERSION).alias("normalisation_version"),
        )
    )


def demand_of(performance: DataFrame, locales: DataFrame) -> DataFrame:
    """(query_id, demand): console impressions of a text in a locale, over all its spellings and signatures.

    Those of ambiguous pages do not count: they stand once per picture of the page, and nobody knows for which.
    """
    sure = performance.where(F.col("attribution") != AMBIGUOUS).select("signature", "query", "impressions")
    located = sure.join(locales, on="signature", how="inner")
    by_spelling = located.groupBy("locale", "query").agg(F.sum("impressions").alias("impressions"))
    return (
        by_spelling.mapInPandas(_with_text, "locale string, impressions bigint, text string")
        .where("text <> ''")
        .groupBy(query_id_column(F.col("locale"), F.col("text")).alias("query_id"))
        .agg(F.sum("impressions").alias("demand"))
    )


def _with_text(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        yield batch.assign(text=batch["query"].map(normalise))[["locale", "impressions", "text"]]


def _judge(batch: pd.DataFrame, min_language_score: float) -> pd.DataFrame:
    asked = list(zip(batch["locale"], batch["query"], strict=True))
    texts = [normalise(query) for _, query in asked]
    spoken = [
        detected(text, locale=locale, min_score=min_language_score, min_letters=MIN_LETTERS)
        if text
        else Detected(None, None)
        for (locale, _), text in zip(asked, texts, strict=True)
    ]
    explicit = [explicit_words(query, locale=locale) is not None for locale, query in asked]
    readable = [0 < len(text) <= MAX_CHARACTERS for text in texts]
    fit = [i for i in range(len(texts)) if readable[i] and not explicit[i] and spoken[i].reason is None]
    labels = dict(zip(fit, categories_of([asked[i] for i in fit]), strict=True))
    return pd.DataFrame(
        {
            "locale": batch["locale"],
            "query": batch["query"],
            "text": [text or None for text in texts],
            "words": [same_words_key(text, locale=locale) for (locale, _), text in zip(asked, texts, strict=True)],
            "explicit": explicit,
            "language": [found.language for found in spoken],
            "language_score": [found.score for found in spoken],
            "foreign": [found.reason for found in spoken],
            "label": [labels.get(i) for i in range(len(asked))],
        }
    )
