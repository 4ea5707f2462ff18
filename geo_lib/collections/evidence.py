"""What speaks for an image answering a wish: its own annotations first, images like it second. Pure.

A vector alone cannot tell a pink armchair from a red one; people and the model that named the picture can.
"""

from collections.abc import Collection, Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.queries.round_trip import is_unconfirmed, with_trips

NO_BAR = 2.0
"""Above every cosine: nothing is filled up."""
_ENOUGH = 20
"""Answers below which a share says nothing."""


def at_home(annotations: DataFrame, images: DataFrame) -> DataFrame:
    """``annotations`` of what their locale shows.

    A query may annotate an image in a locale that has no page of it, having been routed there: a page of that locale
    would caption the image in another language and lead to a page in it, so it is no item and no evidence either.
    """
    return annotations.join(images.select("signature", "locale"), on=["signature", "locale"], how="left_semi")


def unheard_locales(annotations: DataFrame) -> list[str]:
    """Those in which the console has no query of any image, sorted: a new locale, or a platform without an export."""
    by_locale = annotations.groupBy("locale").agg(F.bool_or("confirmed").alias("is_heard"))
    return sorted(row["locale"] for row in by_locale.where("not is_heard").collect())


def witnessed(wishes: DataFrame, annotations: DataFrame, *, unheard: Collection[str]) -> DataFrame:
    """``wish_id, signature, evidence, heard``: the images that carry a wish among their annotations.

    ``evidence`` counts its wordings there, each once for every source that has it for the image; ``heard`` says whether
    the console has one of them, so that people came to this image by it; null in the locales ``unheard``, where nobody
    could be.
    """
    is_heard = F.when(~F.col("locale").isin(*unheard), F.col("confirmed"))
    return (
        annotations.select("signature", "query_id", F.size("sources").alias("sources"), is_heard.alias("is_heard"))
        .join(wishes, on="query_id", how="inner")
        .groupBy("wish_id", "signature")
        .agg(F.sum("sources").cast("int").alias("evidence"), F.bool_or("is_heard").alias("heard"))
    )


def founded(wishes: DataFrame, annotations: DataFrame, trips: DataFrame) -> DataFrame:
    """``wishes`` with ``founded``: whether a page may stand on one.

    For some image one of its queries must come from the console, or find the image again without its own help
    (``trips``: round_trips). A pair that nobody has asked about yet speaks for it.
    """
    vouched = with_trips(annotations, trips).where(~is_unconfirmed())
    found = wishes.join(vouched, on="query_id", how="left_semi").select("wish_id", F.lit(True).alias("founded"))
    return wishes.join(found.distinct(), on="wish_id", how="left").select(
        "query_id", "wish_id", F.coalesce("founded", F.lit(False)).alias("founded")
    )


def supported(witnessed: DataFrame, alike: DataFrame, *, min_support: int) -> DataFrame:
    """``witnessed`` with ``neighbours``: how many of the images most like it carry the wish as well.

    ``alike``: (signature, neighbour). One annotation that nothing else speaks for is as often wrong as right: left out
    are images with fewer than ``min_support`` of evidence and neighbours together. And a model repeats itself: what
    neither the image nor a neighbour was found by is its word alone, on however many images, and left out as well
    unless ``heard`` is null.
    """
    carrying = witnessed.select("wish_id", F.col("signature").alias("neighbour"), F.col("heard").alias("heard_of"))
    near = (
        witnessed.select("wish_id", "signature")
        .join(alike.select("signature", "neighbour"), on="signature", how="inner")
        .join(carrying, on=["wish_id", "neighbour"], how="inner")
        .groupBy("wish_id", "signature")
        .agg(F.count("*").cast("int").alias("neighbours"), F.bool_or("heard_of").alias("heard_nearby"))
    )
    has_support = F.col("evidence") + F.col("neighbours") >= min_support
    is_heard = F.coalesce("heard", F.lit(True)) | F.col("heard_nearby")
    return (
        witnessed.join(near, on=["wish_id", "signature"], how="left")
        .withColumn("neighbours", F.coalesce("neighbours", F.lit(0)))
        .where(has_support & is_heard)
    )


def by_score(found: DataFrame, witnessed: DataFrame) -> dict[int, tuple[int, int]]:
    """Of what an index found, by hundredths of the cosine: how many images, and how many that carry the wish.

    ``found``: wish_id, signature, score.
    """
    carries = witnessed.select("wish_id", "signature", F.lit(1).alias("carries"))
    rows = (
        found.join(carries, on=["wish_id", "signature"], how="left")
        .groupBy(F.floor(F.col("score") * 100).cast("int").alias("hundredths"))
        .agg(F.count("*").alias("found"), F.count("carries").alias("carrying"))
        .collect()
    )
    return {row["hundredths"]: (row["found"], row["carrying"]) for row in rows}


def fill_bar(by_score: Mapping[int, tuple[int, int]], *, min_share: float) -> float:
    """The lowest cosine from which on ``min_share`` of what the index found carries the wish; ``NO_BAR`` for none.

    From there on the vector agrees with the annotations, and may speak where they are silent.
    """
    bar, found, carrying = NO_BAR, 0, 0
    for hundredths in sorted(by_score, reverse=True):
        found, carrying = found + by_score[hundredths][0], carrying + by_score[hundredths][1]
        if found >= _ENOUGH and carrying >= min_share * found:
            bar = hundredths / 100
    return bar
