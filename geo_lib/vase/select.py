"""Choose each image's annotations. Pure: no reads, no writes.

The simplest hybrid of what the model proposes and what the console knows (paper, 3.3): a weighted sum of
relevance, confirmation and demand, until a ranker is trained on labels.
"""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.embeddings.vectors import unit_dot, vector_sum
from geo_lib.queries.kinds import DESCRIPTION, STYLE, USE_CASE
from geo_lib.queries.repetition import without_repetition
from geo_lib.queries.round_trip import is_unconfirmed
from schemas.collections import PUBLISH

_SPARED_FIRST = (USE_CASE, STYLE, DESCRIPTION)
"""Of two queries that say nearly the same, the one of the earlier category stays: what an image is for is said least
often, and no image may lose all of it to a description of the same words."""


def chosen_annotations(
    images: DataFrame,
    annotations: DataFrame,
    queries: DataFrame,
    query_embeddings: DataFrame,
    *,
    relevance_weight: float,
    confirmed_weight: float,
    demand_weight: float,
    half_demand: float,
    unconfirmed_weight: float,
    quotas: Mapping[str, int],
) -> DataFrame:
    """``image_id, rank, query_id, query, category, score, confirmed, retrieved``: the best of each image, none nearly
    twice.

    ``score`` (6 decimals) = relevance_weight * relevance + confirmed_weight * [console kept it] +
    demand_weight * demand / (demand + half_demand) - unconfirmed_weight * [nothing confirms the model's word] (see
    ``annotations``: ``with_trips``). Relevance is the mean cosine with the image's other queries: the
    image's own vector holds the query, and would agree with it. 0 for one that stands alone. The last term grows from
    0 to its weight and is half of it at ``half_demand`` impressions, so that no single query's fame changes every
    other score. Ties go to the annotation's position, then the query_id. Of each category as many as ``quotas`` has,
    and of queries that are ``nearly_alike`` one. Only annotations of the image's own locale count.
    """
    with_vectors = annotations.join(query_embeddings.select("query_id", "embedding"), on="query_id", how="left")
    sums = with_vectors.groupBy("signature", "locale").agg(
        vector_sum(F.collect_list("embedding")).alias("sum"), F.count("embedding").alias("n")
    )
    scored = (
        with_vectors.join(sums, on=["signature", "locale"], how="inner")
        .join(queries.select("query_id", "demand", "words"), on="query_id", how="inner")
        .withColumn("relevance", relevance(F.col("embedding"), F.col("sum"), F.col("n")))
        .withColumn(
            "score",
            F.round(
                relevance_weight * F.col("relevance")
                + confirmed_weight * F.col("confirmed").cast("double")
                + demand_weight * saturating(F.col("demand"), half=half_demand)
                - unconfirmed_weight * is_unconfirmed().cast("double"),
                6,
            ),
        )
    )
    order = {category: place for place, category in enumerate(_SPARED_FIRST)}
    # an array of structs sorts by its fields in turn
    candidate = F.struct(
        _of_category(order).alias("order"),
        (-F.col("score")).alias("behind"),
        "position",
        *("query_id", "query", "category", "score", "confirmed", "retrieved"),
        F.split("words", " ").alias("words"),
        _of_category(quotas).alias("quota"),
    )
    best_first = Window.partitionBy("image_id").orderBy(F.desc("score"), "position", "query_id")
    return (
        scored.groupBy("signature", "locale")
        .agg(without_repetition(F.array_sort(F.collect_list(candidate)), has_room=_has_room).alias("chosen"))
        .join(images.select("image_id", "signature", "locale"), on=["signature", "locale"], how="inner")
        .select("image_id", F.inline("chosen"))
        .withColumn("rank", F.row_number().over(best_first))
        .select("image_id", "rank", "query_id", "query", "category", "score", "confirmed", "retrieved")
    )


def relevance(embedding: Column, total: Column, n: Column) -> Column:
    """Mean cosine of a unit vector with the others of the ``n`` whose sum is ``total``; 0 where there is no other.

    Its own product with itself, which the sum holds, is 1.
    """
    others = F.nullif(n - 1, F.lit(0))
    return F.coalesce((unit_dot(embedding, total) - 1) / others, F.lit(0.0))


def _of_category(values: Mapping[str, int]) -> Column:
    return F.create_map(*(F.lit(part) for pair in values.items() for part in pair))[F.col("category")]


def _has_room(chosen: Column, candidate: Column) -> Column:
    of_category = F.filter(chosen, lambda earlier: earlier["category"] == candidate["category"])
    return F.size(of_category) < candidate["quota"]


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
