"""Where a query goes on that is in another language than its picture's: in a locale that is served in it. Pure.

Paper, 3.1.1: queries are tagged by language and routed to locale-appropriate pipelines. Here that is the whole chain of
checks of the other locale, and after it the annotations, queries and collections there.
"""

from collections.abc import Iterator

import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.queries.checks.language import STAGE, Language, other_language, spoken_in
from geo_lib.spark import local_frame

ROUTED = "routed"
"""The reason for which a proposal stops at the stage ``language`` that goes on in another locale."""

PAIR = ("signature", "locale", "query")


def routes(pairs: DataFrame, verdicts: DataFrame, images: DataFrame, *, sure: Language) -> DataFrame:
    """``signature, locale, query, routed_to``: those of ``pairs`` (signature, locale, query) that go on elsewhere.

    That is what stops at the stage ``language`` in ``verdicts`` (``judged``) and is confidently of a language that a
    locale of ``images`` is in. Of several such locales it is one that shows the signature, then the one with more
    images, then the first by name.
    """
    served = _served(images)
    largest = served.where("place = 1").select("language", F.col("locale").alias("_largest"))
    own = images.join(served, on="locale", how="inner").groupBy("signature", "language")
    return (
        pairs.select(*PAIR)
        .distinct()
        .join(_heard(verdicts, sure), on=["locale", "query"], how="inner")
        .join(largest, on="language", how="inner")
        .join(own.agg(F.min_by("locale", "place").alias("_own")), on=["signature", "language"], how="left")
        .select(*PAIR, F.coalesce("_own", "_largest").alias("routed_to"))
    )


def routed(proposals: DataFrame, routes: DataFrame) -> DataFrame:
    """``proposals`` with ``routed_to``, null for what goes nowhere, and once more in that locale for what does."""
    where_to = proposals.join(routes, on=list(PAIR), how="left").withColumn(
        "routed_to", F.when(F.col("problem").isNull(), F.col("routed_to"))
    )
    there = where_to.where(F.col("routed_to").isNotNull()).withColumn("locale", F.col("routed_to"))
    return where_to.unionByName(there.withColumn("routed_to", F.lit(None).cast("string")))


def _served(images: DataFrame) -> DataFrame:
    """``locale, language, place``: 1 is the locale of a language that most images are in."""
    counts = images.groupBy("locale").agg(F.count("*").alias("images")).collect()
    of_language = local_frame(
        images.sparkSession,
        [(row["locale"], spoken_in(row["locale"]), row["images"]) for row in counts],
        "locale string, language string, images bigint",
    )
    largest_first = Window.partitionBy("language").orderBy(F.desc("images"), "locale")
    return of_language.select("locale", "language", F.row_number().over(largest_first).alias("place"))


def _heard(verdicts: DataFrame, sure: Language) -> DataFrame:
    """``locale, query, language``: the other language of what stopped for being in one."""

    def hear(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            texts = zip(batch["text"], batch["locale"], strict=True)
            heard = [other_language(text, locale=locale, sure=sure) for text, locale in texts]
            yield batch[["locale", "query"]].assign(language=pd.Series(heard, batch.index, dtype=object))

    stopped = verdicts.where(F.col("stopped_at") == STAGE).select("locale", F.col("raw").alias("query"), "text")
    return stopped.mapInPandas(hear, "locale string, query string, language string")
