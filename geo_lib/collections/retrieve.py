"""Which queries may have a page, and which images answer each. Pure: no reads, no writes."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def collection_id(query_id: Column) -> Column:
    """16 hex digits that stand for the collection of this query, for good, whatever finds its images."""
    return F.substring(F.sha2(F.concat_ws("\n", F.lit("collection"), query_id), 256), 1, 16)


def has_evidence(*, min_demand: int, min_images: int) -> Column:
    """Whether a row of ``queries`` is known to be wanted.

    Evidence is either kind: people search for it (``demand`` impressions in the console), or it was found
    fit for ``min_images`` different images.
    """
    return (F.col("demand") >= min_demand) | (F.col("images") >= min_images)


def candidates(queries: DataFrame, *, min_demand: int, min_images: int) -> DataFrame:
    """``collection_id, query_id, locale, query, demand`` of the queries with evidence that they are wanted."""
    return queries.where(has_evidence(min_demand=min_demand, min_images=min_images)).select(
        collection_id(F.col("query_id")).alias("collection_id"), "query_id", "locale", "query", "demand"
    )


def retrieved_items(
    candidates: DataFrame, found: DataFrame, images: DataFrame, *, family: str, min_score: float, max_gap: float
) -> DataFrame:
    """The rows of ``collection_items`` of one family: what its index found, as images, best first.

    ``found``: query_id, signature, score. Contents below ``min_score`` stay out, and so do those more than
    ``max_gap`` below the query's best: how near an answer comes depends on the query. A content that several
    images of the locale show comes once, as the smallest image_id. Ties go to the smaller image_id.
    """
    shown = images.groupBy("signature", "locale").agg(F.min("image_id").alias("image_id"))
    best_first = Window.partitionBy("collection_id").orderBy(F.desc("score"), "image_id")
    floor = F.max("score").over(Window.partitionBy("query_id")) - max_gap
    return (
        found.withColumn("floor", F.greatest(F.round(floor, 6), F.lit(min_score)))
        .where(F.col("score") >= F.col("floor"))
        .join(candidates.select("query_id", "collection_id", "locale"), on="query_id", how="inner")
        .join(shown, on=["signature", "locale"], how="inner")
        .withColumn("rank", F.row_number().over(best_first))
        .select("collection_id", F.lit(family).alias("family"), "image_id", "rank", "score")
    )
