"""Whose image a page speaks of. A search console knows pages only; Eq. 1 wants contents. Pure."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

UNIQUE = "unique_page_image"
PRIMARY = "primary_image"
AMBIGUOUS = "ambiguous"
SUREST_FIRST = (UNIQUE, PRIMARY)


def image_attribution(images: DataFrame) -> DataFrame:
    """Which contents each page of the catalogue speaks of: page_url, signature, attribution.

    A page that shows one signature: ``unique_page_image``. One that shows several, of which exactly one belongs to
    an image_id that is the last segment of its address, as in ``…/pin/<image_id>/``: ``primary_image``, that one
    alone. Otherwise each of them, as ``ambiguous``. Unique by (page_url, signature).
    """
    path = F.regexp_replace(F.regexp_replace("page_url", r"[?#].*$", ""), "/+$", "")
    last = F.substring_index(path, "/", -1)
    unescaped = F.try_url_decode(F.replace(last, F.lit("+"), F.lit("%2B")))  # a plus is a blank in forms alone
    is_named = F.col("image_id").isin(last, unescaped)
    shown = images.groupBy("page_url", "signature").agg(F.max(is_named).alias("is_named"))
    page = Window.partitionBy("page_url")
    one = F.count("*").over(page) == 1
    one_named = F.sum(F.col("is_named").cast("int")).over(page) == 1
    attribution = F.when(one, UNIQUE).when(one_named & F.col("is_named"), PRIMARY).when(~one_named, AMBIGUOUS)
    return (
        shown.withColumn("attribution", attribution)
        .where("attribution is not null")
        .select("page_url", "signature", "attribution")
    )


def sureness(attribution: Column) -> Column:
    """0 for the surest attribution, then 1."""
    return F.array_position(F.array(*[F.lit(name) for name in SUREST_FIRST]), attribution) - 1
