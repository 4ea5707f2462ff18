"""One query in several wordings: the text that it goes by, and its aliases. Pure."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.queries.text import query_id_column

DUPLICATE = "duplicate"
"""The stage at which a proposal stops that says what an earlier one of its source said."""


def wordings(decided_proposals: DataFrame, demand: DataFrame, known: DataFrame) -> DataFrame:
    """``locale, words, query_id, query, aliases, demand``: a query for each set of telling words that was kept.

    ``demand``: (query_id, demand) of single texts. Of the texts with the same words that one speaks for all which did
    so before (it is a row of ``known``, the queries as they stand: pages hang on it), then the one with more demand,
    with more images, with the smaller id; a text that no check let through does not. ``aliases`` are the others,
    sorted, those among them that were dropped as repetitions. ``demand`` is that of all together.
    """
    texts = (
        decided_proposals.where(counts_as_said())
        .groupBy("locale", "words", "text")
        .agg(F.count_if(F.col("stopped_at").isNull()).alias("kept"), F.count_distinct("signature").alias("images"))
        .withColumn("query_id", query_id_column(F.col("locale"), F.col("text")))
        .join(demand.withColumnRenamed("demand", "own_demand"), on="query_id", how="left")
        .join(known.select("query_id", F.lit(True).alias("is_known")), on="query_id", how="left")
        .withColumns(
            {"own_demand": F.coalesce("own_demand", F.lit(0)), "is_known": F.coalesce("is_known", F.lit(False))}
        )
    )
    same_words = Window.partitionBy("locale", "words")
    speaks_first = same_words.orderBy(
        F.desc(F.col("kept") > 0), F.desc("is_known"), F.desc("own_demand"), F.desc("images"), "query_id", "text"
    )
    return (
        texts.withColumns(
            {
                "place": F.row_number().over(speaks_first),
                "texts": F.collect_set("text").over(same_words),
                # texts of one id have one demand between them
                "demands": F.collect_set(F.struct("query_id", "own_demand")).over(same_words),
            }
        )
        .where("place = 1 and kept > 0")
        .select(
            *("locale", "words", "query_id", F.col("text").alias("query")),
            F.sort_array(F.array_remove("texts", F.col("text"))).alias("aliases"),
            F.aggregate("demands", F.lit(0).cast("bigint"), lambda total, of_id: total + of_id["own_demand"]).alias(
                "demand"
            ),
        )
    )


def counts_as_said() -> Column:
    """Whether a decided proposal says something: it was kept, or dropped for nothing but a repetition."""
    return F.col("stopped_at").isNull() | (F.col("stopped_at") == DUPLICATE)
