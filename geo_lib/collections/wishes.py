"""Wishes: queries that annotate the same images are ways to say one thing, whatever their words. Pure.

"cozy reading corner" and "quiet corner for books" share one word, and stand on the same pictures: the platform's own
annotations tell what no text encoder knows. One of them speaks for the wish and has the collection.
"""

import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

FEWEST = 3
"""Images that a query must annotate before what it shares with another says anything."""


def wishes(wanted: DataFrame, annotations: DataFrame, *, min_overlap: float) -> DataFrame:
    """``query_id, wish_id``: every query of ``wanted`` and the one that speaks for its wish, itself if none else does.

    ``wanted``: ``candidates``. Two queries of one locale and category say one wish when of the images that either
    annotates ``min_overlap`` or more have both (Jaccard). Greedy from the best down: a query joins the one of those
    that already speak which it shares most with, or else speaks itself. Best is which had the page before, then more
    demand, then more images, then the smaller query_id.
    """
    of_wanted = annotations.select("signature", "query_id").join(
        wanted.select("query_id", "locale", "category", "demand", "has_page"), on="query_id", how="inner"
    )
    sizes = of_wanted.groupBy("query_id", "locale", "demand", "has_page").agg(F.count("*").alias("images"))
    best_first = Window.partitionBy("locale").orderBy(
        F.desc("has_page"), F.desc("demand"), F.desc("images"), "query_id"
    )
    enough = sizes.where(F.col("images") >= FEWEST).withColumn("place", F.row_number().over(best_first))
    shown = of_wanted.select("signature", "query_id", "category").join(
        enough.select("query_id", "locale", "images", "place"), on="query_id", how="inner"
    )
    same = "a.signature = b.signature and a.locale = b.locale and a.category = b.category and a.place < b.place"
    pairs = (
        shown.alias("a")
        .join(shown.alias("b"), on=F.expr(same), how="inner")
        .groupBy(
            F.col("a.locale").alias("locale"),
            *(F.col("a.query_id").alias("speaker"), F.col("a.place").alias("speaker_place")),
            *(F.col("b.query_id").alias("other"), F.col("b.place").alias("other_place")),
            (F.col("a.images") + F.col("b.images")).alias("images_of_both"),
        )
        .agg(F.count("*").alias("shared"))
        .withColumn("overlap", F.col("shared") / (F.col("images_of_both") - F.col("shared")))
        .where(F.col("overlap") >= min_overlap)
    )
    spoken_for = pairs.groupBy("locale").applyInPandas(_spoken_for, "query_id string, wish_id string")
    return (
        wanted.select("query_id")
        .join(spoken_for, on="query_id", how="left")
        .select("query_id", F.coalesce("wish_id", "query_id").alias("wish_id"))
    )


def _spoken_for(pairs: pd.DataFrame) -> pd.DataFrame:
    """The queries of one locale that another speaks for."""
    wish: dict[str, str] = {}
    closest_first = pairs.sort_values(["other_place", "overlap", "speaker_place"], ascending=[True, False, True])
    # by place of the other: whether a speaker stands is settled before anything worse asks
    for other, speakers in closest_first.groupby("other", sort=False)["speaker"]:
        if standing := [speaker for speaker in speakers if speaker not in wish]:
            wish[str(other)] = standing[0]
    return pd.DataFrame({"query_id": list(wish), "wish_id": list(wish.values())}, dtype=object)
