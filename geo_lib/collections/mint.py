"""Names and addresses of collections: minted once, kept for good."""

import re
import unicodedata

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from geo_lib.addresses import collection_url
from geo_lib.catalogue.names import capitalised
from geo_lib.locales import language_of
from schemas.collections import COLLECTIONS, RETIRE

NOT_A_CANDIDATE = "not_a_candidate"

_LONGEST = 80
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})


def slug(text: str, *, locale: str) -> str:
    """``text`` in a-z, 0-9 and hyphens, at most 80 characters, cut between words; empty when nothing is left.

    German umlauts become two letters, other accents fall off. Scripts that are not Latin leave nothing.
    """
    plain = text.lower()
    if language_of(locale) == "de":
        plain = unicodedata.normalize("NFC", plain).translate(_GERMAN)
    plain = unicodedata.normalize("NFKD", plain.translate(_LETTERS)).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain.replace("'", ""))
    whole = "-".join(words)
    return whole if len(whole) <= _LONGEST else whole[: _LONGEST + 1].rpartition("-")[0] or whole[:_LONGEST]


def minted(settled: DataFrame, known: DataFrame, *, family: str) -> DataFrame:
    """The rows of ``collections``: ``settled`` with title, slug and url. ``family``: whose images settled it.

    ``known``: the rows of earlier runs. A collection that is known keeps its slug. A new one takes the slug of
    its query, or, when another collection of its locale has it or a better new one wants it (more demand, then
    the smaller query_id), that slug and 8 digits of its id. One that is known and no longer a candidate is
    retired: it stays, so that its address is never given to another.
    """
    own = known.select("collection_id", F.col("slug").alias("own_slug"))
    taken = known.select("locale", F.col("slug").alias("wish"), F.lit(True).alias("is_taken"))
    short_id = F.substring("collection_id", 1, 8)
    is_new = F.col("own_slug").isNull()
    # of the new ones that wish for one slug the best gets it; those that have a slug do not stand in that row
    better_first = Window.partitionBy("locale", "wish", is_new).orderBy(F.desc("demand"), "query_id")
    is_free = (F.row_number().over(better_first) == 1) & F.col("is_taken").isNull()
    slugs = F.coalesce(
        "own_slug", F.when(F.col("is_free"), F.col("wish")).otherwise(F.concat_ws("-", "wish", short_id))
    )
    current = (
        settled.join(own, on="collection_id", how="left")
        .withColumn("wish", F.coalesce(F.nullif(_slug("query", "locale"), F.lit("")), short_id))
        .join(taken, on=["locale", "wish"], how="left")
        .withColumn("is_free", is_free)
        .withColumns({"slug": slugs, "title": capitalised(F.col("query"), F.col("locale")), "family": F.lit(family)})
        .withColumn("url", collection_url(F.col("locale"), F.col("slug")))
        .select(COLLECTIONS.schema.names)
    )
    retired = (
        known.join(settled.select("collection_id"), on="collection_id", how="left_anti")
        .withColumns(
            {
                "items": F.lit(0),
                "state": F.lit(RETIRE),
                "reasons": F.array(F.lit(NOT_A_CANDIDATE)),
                "canonical_id": F.lit(None).cast("string"),
            }
        )
        .select(COLLECTIONS.schema.names)
    )
    return current.unionByName(retired)


def _slug(text: str, locale: str) -> Column:
    """``slug`` of two columns; made when it is asked for, since on Connect it is another function."""
    made = F.udf(lambda said, at: slug(said, locale=at), StringType())
    return made(text, locale)
