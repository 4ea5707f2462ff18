"""Choose each image's annotations. Pure: no reads, no writes.

The simplest hybrid of what the model proposes and what the console knows (paper, 3.3): a weighted sum of
relevance, confirmation and demand, until a ranker is trained on labels.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.embeddings.vectors import unit_dot
from schemas.collections import PUBLISH


def chosen_annotations(
    images: DataFrame,
    annotations: DataFrame,
    queries: DataFrame,
    query_embeddings: DataFrame,
    image_embeddings: DataFrame,
    *,
    relevance_weight: float,
    confirmed_weight: float,
    demand_weight: float,
    half_demand: float,
    top_n: int,
) -> DataFrame:
    """``image_id, rank, query_id, query, category, score, confirmed``: the ``top_n`` best of each image.

    ``score`` (6 decimals) = relevance_weight * cosine + confirmed_weight * [console kept it] +
    demand_weight * demand / (demand + half_demand). The last term grows from 0 to its weight and is half of
    it at ``half_demand`` impressions, so that no single query's fame changes every other score. Ties go to the
    annotation's position, then the query_id. Only annotations of the image's own locale count.
    """
    cosine = F.coalesce(unit_dot(F.col("q.embedding"), F.col("i.embedding")), F.lit(0.0))
    score = (
        relevance_weight * cosine
        + confirmed_weight * F.col("confirmed").cast("double")
        + demand_weight * saturating(F.col("demand"), half=half_demand)
    )
    scored = (
        annotations.alias("a")
        .join(queries.select("query_id", "demand").alias("d"), on="query_id", how="inner")
        .join(query_embeddings.select("query_id", "embedding").alias("q"), on="query_id", how="left")
        .join(image_embeddings.select("signature", "embedding").alias("i"), on="signature", how="left")
        .withColumn("score", F.round(score, 6))
        .select("signature", "a.locale", "query_id", "query", "category", "score", "confirmed", "position")
    )
    best_first = Window.partitionBy("image_id").orderBy(F.desc("score"), "position", "query_id")
    return (
        images.select("image_id", "signature", "locale")
        .join(scored, on=["signature", "locale"], how="inner")
        .withColumn("rank", F.row_number().over(best_first))
        .where(F.col("rank") <= top_n)
        .select("image_id", "rank", "query_id", "query", "category", "score", "confirmed")
    )


def with_collection(chosen: DataFrame, collections: DataFrame) -> DataFrame:
    """``chosen`` with the published ``collection_id`` that answers the query, or null.

    A query whose own collection is held as a near duplicate is answered by the one that stands in for it.
    """
    is_published = F.col("state") == PUBLISH
    answer = F.when(is_published, F.col("collection_id")).otherwise(F.col("canonical_id"))
    answers = collections.select("query_id", answer.alias("collection_id")).where("collection_id is not null")
    return chosen.join(answers, on="query_id", how="left")


def annotated_images(images: DataFrame, annotations: DataFrame, chosen: DataFrame) -> DataFrame:
    """One row: how many ``images`` there are, how many have ``chosen`` annotations or not one to choose from.

    ``images, chosen, without, annotations, with_collection``; the last two count rows of ``chosen``.
    """
    of_images = chosen.groupBy("image_id").agg(F.count("*").alias("n"), F.count("collection_id").alias("linked"))
    candidates = annotations.select("signature", "locale", F.lit(True).alias("has_any")).distinct()
    return (
        images.join(of_images, on="image_id", how="left")
        .join(candidates, on=["signature", "locale"], how="left")
        .agg(
            F.count("*").alias("images"),
            F.count("n").alias("chosen"),
            F.count_if(F.col("has_any").isNull()).alias("without"),
            F.coalesce(F.sum("n"), F.lit(0)).alias("annotations"),
            F.coalesce(F.sum("linked"), F.lit(0)).alias("with_collection"),
        )
    )


def saturating(amount: Column, *, half: float) -> Column:
    """0 for nothing, 0.5 at ``half``, towards 1 for very much."""
    return amount / (amount + F.lit(half))
