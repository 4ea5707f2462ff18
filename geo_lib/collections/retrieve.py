"""Which queries may have a page, and which images answer each. Pure: no reads, no writes."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.embeddings.vectors import unit_dot
from schemas.collections import PUBLISH


def collection_id(query_id: Column) -> Column:
    """16 hex digits that stand for the collection of this query, for good, whatever finds its images; null for none."""
    return F.substring(F.sha2(F.concat(F.lit("collection\n"), query_id), 256), 1, 16)


def has_evidence(*, min_demand: int, min_images: int) -> Column:
    """Whether a row of ``queries`` is known to be wanted.

    Evidence is either kind: people search for it (``demand`` impressions in the console), or it was found
    fit for ``min_images`` different images.
    """
    return (F.col("demand") >= min_demand) | (F.col("images") >= min_images)


def candidates(queries: DataFrame, known: DataFrame, *, min_demand: int, min_images: int) -> DataFrame:
    """``collection_id, query_id, locale, query, category, demand, has_page`` of the queries known to be wanted.

    ``known``: collections as they stand; ``has_page`` says whether the query's is published there.
    """
    published = known.where(F.col("state") == PUBLISH).select("query_id", F.lit(True).alias("has_page"))
    return (
        queries.where(has_evidence(min_demand=min_demand, min_images=min_images))
        .join(published, on="query_id", how="left")
        .select(
            collection_id(F.col("query_id")).alias("collection_id"),
            *("query_id", "locale", "query", "category", "demand"),
            F.coalesce("has_page", F.lit(False)).alias("has_page"),
        )
    )


def collected_items(
    asked: DataFrame, carrying: DataFrame, filling: DataFrame, images: DataFrame, *, family: str, top_n: int
) -> DataFrame:
    """The rows of ``collection_items`` of one family, with ``locale`` and ``signature``: best first, at most ``top_n``.

    ``asked``: the queries that speak for a wish, with their vectors; ``carrying``: ``supported``, with the vector of
    each image; ``filling``: (wish_id, signature, score) of images beyond the bar that carry nothing. Those with more
    to speak for them come first, then by score. A content that several images of the locale show comes once, as the
    smallest image_id; ties go to the smaller image_id.
    """
    shown = images.groupBy("signature", "locale").agg(F.min("image_id").alias("image_id"))
    by_evidence = carrying.select("wish_id", "signature", "evidence", "neighbours", "of_image")
    by_vector = filling.select(
        *("wish_id", "signature", F.lit(0).alias("evidence"), F.lit(0).alias("neighbours")),
        F.col("score").alias("found_at"),
    )
    both = by_evidence.unionByName(by_vector, allowMissingColumns=True)
    own_score = F.coalesce(unit_dot(F.col("of_query"), F.col("of_image")), F.lit(0.0))
    support = F.col("evidence") + F.col("neighbours")
    best_first = Window.partitionBy("collection_id").orderBy(F.desc(support), F.desc("score"), "image_id")
    of_query = asked.select(
        F.col("query_id").alias("wish_id"), "collection_id", "locale", F.col("embedding").alias("of_query")
    )
    return (
        both.join(of_query, on="wish_id", how="inner")
        .join(shown, on=["signature", "locale"], how="inner")
        .withColumn("score", F.round(F.coalesce("found_at", own_score), 6))
        .withColumn("rank", F.row_number().over(best_first))
        .where(F.col("rank") <= top_n)
        .select(
            *("collection_id", F.lit(family).alias("family"), "image_id", "rank", "score", "evidence", "neighbours"),
            *("locale", "signature"),
        )
    )
