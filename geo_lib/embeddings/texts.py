"""Which texts stand for a query and for an image. Pure: no reads, no writes."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

NO_TEXT = "no_text"


def query_texts(queries: DataFrame) -> DataFrame:
    """``id, locale, reason, texts, input_hash``: the normalised text of each query, alone; ``reason`` is null."""
    texts = F.array("query")
    return queries.select(
        F.col("query_id").alias("id"),
        "locale",
        F.lit(None).cast("string").alias("reason"),
        texts.alias("texts"),
        input_hash(texts).alias("input_hash"),
    )


def image_texts(images: DataFrame, annotations: DataFrame) -> DataFrame:
    """``id, locale, reason, texts, input_hash``: distinct validated queries and titles of each image, sorted.

    The locale is that of the row with the smallest image_id; texts of other locales stay out, because an
    encoder puts languages apart and a mean across them stands for neither. ``id`` is the signature; one with no text
    at all has the reason ``no_text``.
    """
    content = images.groupBy("signature").agg(F.min_by("locale", "image_id").alias("locale"))
    title = F.trim("title")
    titles = images.where(title != "").select("signature", "locale", title.alias("text"))
    words = annotations.select("signature", "locale", F.col("query").alias("text")).unionByName(titles)
    texts = words.groupBy("signature", "locale").agg(F.sort_array(F.collect_set("text")).alias("texts"))
    none = F.array().cast("array<string>")
    reason = F.when(F.size("texts") == 0, NO_TEXT)
    return (
        content.join(texts, on=["signature", "locale"], how="left")
        .withColumn("texts", F.coalesce("texts", none))
        .select(
            F.col("signature").alias("id"),
            "locale",
            reason.alias("reason"),
            "texts",
            input_hash(F.col("texts")).alias("input_hash"),
        )
    )


def input_hash(texts: Column) -> Column:
    """SHA-256 of the texts in their order.

    None of them is null or empty, and the separator occurs in none: it is a control character, which neither a
    normalised query nor a text of the catalogue has.
    """
    return F.sha2(F.concat_ws("\u001f", texts), 256)
