"""Whether a query finds the image that it annotates again, among the vectors of all images without it. Pure.

Paper, 3.1.1, asks for queries that people would find the image by. One that finds it among the nearest, by what else is
known of the image, fits in with the rest; one that does not stands alone. (Promptagator's round-trip consistency, leave
one out.)
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.config import at_least_one
from geo_lib.embeddings.leave_one_out import ALONE, ranks
from geo_lib.embeddings.vectors import vector_sum
from geo_lib.spark import settled

_TRIP = "signature string, query_id string, locale string, rank int, images int"
_BLOCK = 2_000
"""Queries, about, that one worker ranks at a time."""
_AT_ONCE = 256
"""Queries whose cosines with all images lie in memory at once."""


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """What counts as found again."""

    k: int = 50
    """The nearest images of the locale among which a query must find its own."""
    most_images: int = 20_000
    """Images of a locale that are compared, drawn by hash; the exact search is linear in them and in the pairs."""

    def __post_init__(self) -> None:
        at_least_one(self, "k", "most_images")


def round_trips(annotations: DataFrame, vectors: DataFrame, goes_by: DataFrame, *, trip: RoundTrip) -> DataFrame:
    """``signature, query_id, locale, rank, images, retrieved``: a row for every image and query that it carries.

    ``annotations``: signature, locale, query_id, as they were said. ``goes_by``: query_id and the ``canonical_id`` that
    ``query_id`` of the answer is: with a query all its wordings are taken out. ``vectors``: query_id, embedding; pairs
    without are left out. ``rank`` is among ``images`` images, null where nothing else is said of the image, which
    then is not ``retrieved``.
    """
    said = (
        annotations.select("signature", "locale", "query_id")
        .join(goes_by, on="query_id", how="inner")
        .join(vectors.select("query_id", "embedding"), on="query_id", how="inner")
        .groupBy("signature", "locale", "canonical_id")
        .agg(vector_sum(F.collect_list("embedding")).alias("said"))
    )
    said = settled(said)
    sums = said.groupBy("signature", "locale").agg(vector_sum(F.collect_list("said")).alias("sum"))
    asked = vectors.select(F.col("query_id").alias("canonical_id"), "embedding")
    blocks = 1 + vectors.count() // _BLOCK
    pairs = (
        said.join(sums, on=["signature", "locale"], how="inner")
        .join(asked, on="canonical_id", how="inner")
        .withColumn("rest", F.zip_with("sum", "said", lambda whole, part: whole - part))
        .withColumn("block", F.pmod(F.xxhash64("canonical_id"), F.lit(blocks)).cast("int"))
        .select("locale", "block", "signature", F.col("canonical_id").alias("query_id"), "embedding", "rest")
    )
    drawn = Window.partitionBy("locale").orderBy(F.xxhash64("signature"), "signature")
    compared = sums.withColumn("place", F.row_number().over(drawn)).where(F.col("place") <= trip.most_images)
    numbers = F.explode(F.sequence(F.lit(0), F.lit(blocks - 1)))
    of_blocks = compared.select("locale", numbers.alias("block"), "signature", "sum").toDF(
        "at", "in", "signature", "sum"
    )
    both = pairs.groupBy("locale", "block").cogroup(of_blocks.groupBy("at", "in"))
    found = both.applyInPandas(_ranked, _TRIP)
    return found.withColumn("retrieved", F.coalesce(F.col("rank") <= trip.k, F.lit(False)))


def with_trips(annotations: DataFrame, trips: DataFrame) -> DataFrame:
    """``annotations`` (of canonical queries) with ``retrieved`` of ``round_trips``; null where nobody has asked yet."""
    return annotations.join(
        trips.select("signature", "query_id", "retrieved"), on=["signature", "query_id"], how="left"
    )


def is_unconfirmed() -> Column:
    """Whether the model alone says what a row of ``with_trips`` says, and it does not find its image again."""
    return F.coalesce(~F.col("confirmed") & ~F.col("retrieved"), F.lit(False))


def _ranked(pairs: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Of a block: its pairs with their rank among ``images``, null for none."""
    if pairs.empty:
        return pd.DataFrame(columns=[name.split()[0] for name in _TRIP.split(", ")])
    images = images.sort_values("signature")  # sums round alike whatever the order
    row_of = {signature: row for row, signature in enumerate(images["signature"])}
    sums = np.stack(images["sum"].to_list())
    found = pairs[["signature", "query_id", "locale"]].assign(rank=0, images=len(images))
    queries = pairs.drop_duplicates("query_id")[["query_id", "embedding"]].reset_index(drop=True)
    for at in range(0, len(queries), _AT_ONCE):
        some = queries[at : at + _AT_ONCE]
        place = {query_id: n for n, query_id in enumerate(some["query_id"])}
        of_some = pairs[pairs["query_id"].isin(place)]
        found.loc[of_some.index, "rank"] = ranks(
            np.stack(some["embedding"].to_list()).astype(np.float64),
            np.stack(of_some["rest"].to_list()),
            of_some["query_id"].map(place).to_numpy(np.int64),
            of_some["signature"].map(lambda signature: row_of.get(signature, -1)).to_numpy(np.int64),
            sums,
        )
    return found.assign(rank=found["rank"].astype("Int32").mask(found["rank"] == ALONE))
