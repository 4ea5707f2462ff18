"""Which collections get a page and which are held, with the reasons. Pure.

Pages keyed by queries are what search engines call doorways when they are thin or many to one; a gate is no
option but part of the design.
"""

import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.embeddings.vectors import unit_dot
from geo_lib.spark import settled
from schemas.collections import HOLD, PUBLISH

TOO_LITTLE_EVIDENCE = "too_little_evidence"
TOO_FEW_ITEMS = "too_few_items"
TOO_MUCH_FILLED_UP = "too_much_filled_up"
UNLIKE_IMAGES = "unlike_images"
NEAR_DUPLICATE = "near_duplicate"
SAME_WISH = "same_wish"
UNCONFIRMED = "unconfirmed"

ECHO_OVERLAP = 0.2
"""Overlap from which two collections are compared by their queries, too: one index gives like queries like
images, so pairs that share less need no vectors fetched."""


def gated(
    candidates: DataFrame,
    wishes: DataFrame,
    items: DataFrame,
    coherence: DataFrame,
    query_embeddings: DataFrame,
    *,
    min_items: int,
    min_evidence_share: float,
    min_coherence: float,
    max_overlap: float,
    max_similarity: float,
) -> DataFrame:
    """``candidates`` with ``items, state, reasons, canonical_id``.

    Held are, each with its reason: what another query speaks for (``wishes``: query_id, wish_id, founded); what the
    model alone says, and no image is found by again (not ``founded``); collections of fewer
    than ``min_items`` images with evidence, or where those are less than ``min_evidence_share`` of all; those whose
    images are not ``min_coherence`` standard deviations more alike than chance (``coherence``; null passes); and near
    duplicates of a published one: their images overlap (Jaccard) by ``max_overlap`` or more, or by ``ECHO_OVERLAP``
    while the cosine of their queries is ``max_similarity`` or more. Of two near duplicates the one that had a page
    stays, then the one with more demand, then with more items, then the smaller query_id.
    """
    sizes = items.groupBy("collection_id").agg(
        F.count("*").cast("int").alias("items"), F.count_if(F.col("evidence") > 0).alias("with_evidence")
    )
    none_yet = {name: F.coalesce(name, F.lit(0)) for name in ("items", "with_evidence")}
    sized = (
        candidates.join(wishes, on="query_id", how="left")
        .join(sizes, on="collection_id", how="left")
        .join(coherence, on="collection_id", how="left")
        .withColumns(none_yet | {"speaks": F.col("wish_id") == F.col("query_id")})
    )
    faults = {
        SAME_WISH: ~F.col("speaks"),
        UNCONFIRMED: F.col("speaks") & ~F.col("founded"),
        TOO_FEW_ITEMS: F.col("speaks") & (F.col("with_evidence") < min_items),
        TOO_MUCH_FILLED_UP: F.col("with_evidence") < min_evidence_share * F.col("items"),
        UNLIKE_IMAGES: F.col("coherence") < min_coherence,
    }
    faulty = [F.when(is_faulty, F.lit(reason)) for reason, is_faulty in faults.items()]
    sized = settled(sized.withColumn("faults", F.array_compact(F.array(*faulty))))
    better_first = Window.partitionBy("locale").orderBy(
        F.desc("has_page"), F.desc("demand"), F.desc("items"), "query_id"
    )
    contenders = sized.where(F.size("faults") == 0).withColumn("place", F.row_number().over(better_first))
    pairs = near_duplicates(contenders, items, query_embeddings, max_overlap=max_overlap, max_similarity=max_similarity)
    judged = sized.join(stand_ins(pairs), on="collection_id", how="left")
    reasons = F.array_append("faults", F.when(F.col("canonical_id").isNotNull(), F.lit(NEAR_DUPLICATE)))
    judged = judged.withColumn("reasons", F.array_sort(F.array_compact(reasons)))
    judged = judged.withColumn("state", F.when(F.size("reasons") == 0, PUBLISH).otherwise(HOLD))
    # what answers a wish: the collection of the query that speaks for it, or the published one that stands in
    answer = F.when(F.col("state") == PUBLISH, F.col("collection_id")).otherwise(F.col("canonical_id"))
    answered_by = F.max(F.when(F.col("speaks"), answer)).over(Window.partitionBy("wish_id"))
    return judged.withColumn("answered_by", answered_by).withColumn(
        "canonical_id", F.when(F.col("state") == HOLD, F.coalesce("canonical_id", "answered_by"))
    )


def near_duplicates(
    contenders: DataFrame,
    items: DataFrame,
    query_embeddings: DataFrame,
    *,
    max_overlap: float,
    max_similarity: float,
) -> DataFrame:
    """``locale, keeper, keeper_place, copy, copy_place`` of all near-duplicate pairs, the better one as keeper.

    ``contenders``: collection_id, query_id, locale, items and place, 1 the best of its locale. Only pairs that
    share an image are looked at, so the cost is that of the most popular images, not of all pairs.
    """
    in_order = contenders.select("collection_id", "query_id", "locale", "items", "place")
    shows = items.select("collection_id", "image_id").join(in_order.drop("query_id"), on="collection_id", how="inner")
    # every pair once, the better one as a: a row per image that both show, counted, is what they share
    overlapping = (
        shows.alias("a")
        .join(shows.alias("b"), on=F.expr("a.image_id = b.image_id and a.locale = b.locale"), how="inner")
        .where("a.place < b.place")
        .groupBy(
            F.col("a.locale").alias("locale"),
            *(F.col("a.collection_id").alias("keeper"), F.col("a.place").alias("keeper_place")),
            *(F.col("b.collection_id").alias("copy"), F.col("b.place").alias("copy_place")),
            (F.col("a.items") + F.col("b.items")).alias("items_of_both"),
        )
        .agg(F.count("*").alias("shared"))
        .withColumn("overlap", F.col("shared") / (F.col("items_of_both") - F.col("shared")))
        .where(F.col("overlap") >= min(ECHO_OVERLAP, max_overlap))
    )
    # only for pairs that are left are vectors fetched: they are by far the widest column
    vectors = in_order.join(query_embeddings, on="query_id", how="inner").select("collection_id", "embedding")
    of_keepers = vectors.toDF("keeper", "keeper_embedding")
    of_copies = vectors.toDF("copy", "copy_embedding")
    similarity = unit_dot(F.col("keeper_embedding"), F.col("copy_embedding"))
    same_images, same_query = F.col("overlap") >= max_overlap, similarity >= max_similarity
    return (
        overlapping.join(of_keepers, on="keeper", how="inner")
        .join(of_copies, on="copy", how="inner")
        .where(same_images | same_query)
        .select("locale", "keeper", "keeper_place", "copy", "copy_place")
    )


def stand_ins(pairs: DataFrame) -> DataFrame:
    """``collection_id, canonical_id``: each copy and the best published collection that it repeats.

    Greedy from the best down, per locale: a collection is held only for one that is itself published, so a
    chain a ~ b ~ c holds b for a and publishes c.
    """

    def settle(rows: pd.DataFrame) -> pd.DataFrame:
        held: dict[str, str] = {}
        # by place of the copy: whether a keeper stands is settled before anything worse asks
        for copy, keepers in rows.sort_values(["copy_place", "keeper_place"]).groupby("copy", sort=False)["keeper"]:
            if standing := [keeper for keeper in keepers if keeper not in held]:
                held[str(copy)] = standing[0]
        return pd.DataFrame({"collection_id": list(held), "canonical_id": list(held.values())}, dtype=object)

    return pairs.groupBy("locale").applyInPandas(settle, "collection_id string, canonical_id string")


def fates(queries: DataFrame, judged: DataFrame) -> DataFrame:
    """``reason, queries, items``: how many queries have no page for which first reason, null for those that have one,
    and how many images their collections hold. ``judged``: ``gated``."""
    verdict = F.when(F.col("state").isNull(), TOO_LITTLE_EVIDENCE).otherwise(F.get("reasons", F.lit(0)))
    of_query = judged.select("query_id", "state", "reasons", "items")
    return (
        queries.select("query_id")
        .join(of_query, on="query_id", how="left")
        .groupBy(verdict.alias("reason"))
        .agg(F.count("*").alias("queries"), F.coalesce(F.sum("items"), F.lit(0)).alias("items"))
    )
