"""How well each query finds each content, and Eq. 1 of the paper (3.1.1, stage 1). Pure.

Eq. 1 as printed: a pair is retained when impressions > 1000, or impressions > 10 and CTR >= 0.8, or impressions > 10
and position <= 10, where position is the impression-weighted average rank, 1 the topmost.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.search_console.attribution import AMBIGUOUS, sureness
from schemas.mined_queries import MINED_QUERIES
from schemas.query_performance import QUERY_PERFORMANCE

_DECIMALS = 6
UNATTRIBUTED = "unattributed"
AMBIGUOUS_PAGE = "ambiguous_page"
ANONYMISED = "anonymised"
OTHER_PROPERTY = "other_property"


def row_fates(page_queries: DataFrame, attribution: DataFrame) -> DataFrame:
    """How many console ``rows`` met each ``fate``: null (they count for a content), or the reason why they do not.

    A page of no image is unattributed whatever was searched, and one of several images, none of them its own, is an
    ambiguous_page. A row of an image's page without its query is anonymised, which surfaces without queries count as,
    too. A row of other_property tells under another property what is counted already, whatever its page.
    """
    pages = attribution.groupBy("page_url").agg(F.bool_and(F.col("attribution") == AMBIGUOUS).alias("is_ambiguous"))
    fate = (
        F.when(F.col("is_ambiguous").isNull(), UNATTRIBUTED)
        .when(F.col("is_ambiguous"), AMBIGUOUS_PAGE)
        .when(F.col("query").isNull(), ANONYMISED)
    )
    known = page_queries.join(pages, on="page_url", how="left")
    once = known.select(fate.alias("fate"), "rows")
    again = known.select(F.lit(OTHER_PROPERTY).alias("fate"), F.col("repeated_rows").alias("rows"))
    return once.unionByName(again).groupBy("fate").agg(F.sum("rows").alias("rows")).where(F.col("rows") > 0)


def query_performance(
    page_queries: DataFrame,
    attribution: DataFrame,
    *,
    many_impressions: int,
    min_impressions: int,
    min_ctr: float,
    max_position: float,
) -> DataFrame:
    """Metrics per (signature, raw query) with the verdict of Eq. 1.

    A pair is measured on its most surely attributed pages alone. What a page of fifty pictures is found for says
    little of any of them, must not blur what its own page is found for, and is fifty times as many pairs: ambiguous
    pages make none. Ratios are judged exactly and stored rounded.
    """
    known = attribution.where(F.col("attribution") != AMBIGUOUS)
    attributed = (
        page_queries.where(F.col("rows") > 0)
        .join(known, on="page_url", how="inner")
        .withColumn("sureness", sureness(F.col("attribution")))
    )
    hidden = attributed.groupBy("signature", "sureness").agg(
        F.try_divide(F.sum("anonymised_impressions"), F.sum("impressions")).alias("share")
    )
    pair = Window.partitionBy("signature", "query")
    measured = (
        attributed.where(F.col("query").isNotNull())
        .withColumn("surest", F.min("sureness").over(pair))
        .where(F.col("sureness") == F.col("surest"))
        .groupBy("signature", "query", "sureness", "attribution")
        .agg(
            F.sum("impressions").alias("impressions"),
            F.sum("clicks").alias("clicks"),
            F.sum("sum_position_1based").alias("sum_position_1based"),
        )
        .withColumn("ctr", F.try_divide("clicks", "impressions"))
        .withColumn("avg_position_1based", F.try_divide("sum_position_1based", "impressions"))
    )
    clause = retained_by(
        F.col("impressions"),
        F.col("ctr"),
        F.col("avg_position_1based"),
        many_impressions=many_impressions,
        min_impressions=min_impressions,
        min_ctr=min_ctr,
        max_position=max_position,
    )
    return (
        measured.withColumn("retained_by", clause)
        .join(hidden, on=["signature", "sureness"], how="left")
        .withColumn("anonymised_share", F.round("share", _DECIMALS))
        .withColumn("ctr", F.round("ctr", _DECIMALS))
        .withColumn("avg_position_1based", F.round("avg_position_1based", _DECIMALS))
        .select(*QUERY_PERFORMANCE.schema.names)
    )


def retained_by(
    impressions: Column,
    ctr: Column,
    position: Column,
    *,
    many_impressions: int,
    min_impressions: int,
    min_ctr: float,
    max_position: float,
) -> Column:
    """The first clause of Eq. 1, in printed order, that keeps a pair: impressions, ctr or position; else null."""
    shown_enough = impressions > min_impressions
    return (
        F.when(impressions > many_impressions, "impressions")
        .when(shown_enough & (ctr >= min_ctr), "ctr")
        .when(shown_enough & (position <= max_position), "position")
    )


def mined_queries(performance: DataFrame, *, top: int) -> DataFrame:
    """The ``top`` retained queries per signature: by impressions, then position, then the query itself."""
    best_first = Window.partitionBy("signature").orderBy(F.desc("impressions"), "avg_position_1based", "query")
    return (
        performance.where(F.col("retained_by").isNotNull())
        .withColumn("rank", F.row_number().over(best_first))
        .where(F.col("rank") <= top)
        .select(*MINED_QUERIES.schema.names)
    )
