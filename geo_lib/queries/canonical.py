"""What merged queries come to under the one that they go by: its annotations, its aliases and its demand. Pure."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.spark import settled

MERGED = "merged"
"""Why a query has no page of its own: it is another one in other words."""


def canonical(queries: DataFrame, annotations: DataFrame, merges: DataFrame) -> tuple[DataFrame, DataFrame]:
    """``queries`` and ``annotations``, merged ones as the query that they go by; ``merges``: query_merges."""
    merged = settled(goes_by(queries, merges))
    of_canonical = settled(canonical_annotations(annotations, queries, merged))
    return settled(canonical_queries(queries, merged, of_canonical)), of_canonical


def goes_by(queries: DataFrame, merges: DataFrame) -> DataFrame:
    """``query_id, canonical_id`` of every row of ``queries``.

    Itself where ``merges`` (query_merges) knows no other that is still there, as before the job's first run.
    """
    standing = queries.select(F.col("query_id").alias("canonical_id"))
    known = merges.select("query_id", "canonical_id").join(standing, on="canonical_id", how="left_semi")
    return (
        queries.select("query_id")
        .join(known, on="query_id", how="left")
        .select("query_id", F.coalesce("canonical_id", "query_id").alias("canonical_id"))
    )


def canonical_annotations(annotations: DataFrame, queries: DataFrame, goes_by: DataFrame) -> DataFrame:
    """``annotations`` with the query that each goes by, once for each signature.

    What an alias has for an image the canonical query has: sources are those of all its wordings, each once, it is
    confirmed if one of them is, and stands at the best position, with the category that it has there. One of a query
    that is not there stays as it is, for whoever counts to find.
    """
    texts = queries.select(F.col("query_id").alias("canonical_id"), F.col("query").alias("text"))
    return (
        annotations.join(goes_by, on="query_id", how="left")
        .withColumn("canonical_id", F.coalesce("canonical_id", "query_id"))
        .join(texts, on="canonical_id", how="left")
        .withColumn("query", F.coalesce("text", "query"))
        .groupBy("signature", F.col("canonical_id").alias("query_id"), "query", "locale")
        .agg(
            F.min_by("category", "position").alias("category"),
            F.array_sort(F.array_distinct(F.flatten(F.collect_list("sources")))).alias("sources"),
            F.bool_or("confirmed").alias("confirmed"),
            F.min("position").alias("position"),
        )
    )


def canonical_queries(queries: DataFrame, goes_by: DataFrame, annotations: DataFrame) -> DataFrame:
    """The rows of ``queries`` that others go by or only they themselves, with what all their wordings have together.

    ``annotations``: ``canonical_annotations``, whose signatures are counted as ``images``. ``demand`` is the sum,
    ``aliases`` are all other texts, sorted.
    """
    texts = F.array_append("aliases", F.col("query"))
    together = (
        queries.select("query_id", "demand", texts.alias("texts"))
        .join(goes_by, on="query_id", how="inner")
        .groupBy("canonical_id")
        .agg(F.sum("demand").alias("demand"), F.flatten(F.collect_list("texts")).alias("texts"))
        .withColumnRenamed("canonical_id", "query_id")
    )
    shown = annotations.groupBy("query_id").agg(F.count("*").cast("int").alias("images"))
    others = F.array_remove(F.array_distinct("texts"), F.col("query"))
    return (
        queries.drop("demand", "aliases", "images")
        .join(together, on="query_id", how="inner")
        .join(shown, on="query_id", how="left")
        .withColumns({"aliases": F.array_sort(others), "images": F.coalesce("images", F.lit(0))})
        .drop("texts")
        .select(queries.columns)
    )
