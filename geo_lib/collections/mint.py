"""Names and addresses of collections: minted once, kept for good."""

import re
import unicodedata
from collections.abc import Iterator

import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.addresses import collection_url
from geo_lib.catalogue.names import capitalised
from geo_lib.locales import language_of
from schemas.collection_items import COLLECTION_ITEMS

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
    """The rows of ``collections``: ``settled`` with title, slug and url.

    ``known``: the rows of earlier runs. A collection that is known keeps its slug. A new one takes the slug of
    its query, or, when another collection of its locale has it or a better new one wants it (more demand, then
    the smaller query_id), that slug and 8 digits of its id. One that is known and no longer a candidate stays,
    held, so that its address is never given to another.
    """
    of_family = known.where(F.col("family") == family)
    taken = known.select("locale", "slug", F.col("collection_id").alias("owner"))
    kept = of_family.select("collection_id", "slug")
    new = (
        settled.join(kept, on="collection_id", how="left_anti")
        .select("collection_id", "query_id", "locale", "query", "demand")
        .mapInPandas(_with_slug, "collection_id string, query_id string, locale string, demand bigint, slug string")
    )
    short_id = F.substring("collection_id", 1, 8)
    wanted = new.withColumn("slug", F.when(F.col("slug") != "", F.col("slug")).otherwise(short_id))
    better_first = Window.partitionBy("locale", "slug").orderBy(F.desc("demand"), "query_id")
    is_free = (F.row_number().over(better_first) == 1) & F.col("owner").isNull()
    fresh = (
        wanted.join(taken, on=["locale", "slug"], how="left")
        .withColumn("is_free", is_free)
        .withColumn("slug", F.when(F.col("is_free"), F.col("slug")).otherwise(F.concat_ws("-", "slug", short_id)))
        .select("collection_id", "slug")
    )
    columns = [
        *("collection_id", "slug", "query_id", "locale", "title", "family", "items", "state", "reasons"),
        *("canonical_id", "demand", "url"),
    ]
    current = (
        settled.join(kept.unionByName(fresh), on="collection_id", how="inner")
        .withColumns({"title": capitalised(F.col("query")), "family": F.lit(family)})
        .withColumn("url", collection_url(F.col("locale"), F.col("slug")))
        .select(columns)
    )
    retired = (
        of_family.join(settled.select("collection_id"), on="collection_id", how="left_anti")
        .withColumns(
            {
                "items": F.lit(0),
                "state": F.lit("held"),
                "reasons": F.array(F.lit(NOT_A_CANDIDATE)),
                "canonical_id": F.lit(None).cast("string"),
            }
        )
        .select(columns)
    )
    others = known.where(F.col("family") != family).select(columns)
    return current.unionByName(retired).unionByName(others)


def beside_other_families(items: DataFrame, stored: DataFrame, collections: DataFrame, *, family: str) -> DataFrame:
    """The rows of ``collection_items``: this family's ``items``, and of the ``stored`` ones those of the others."""
    others = collections.where(F.col("family") != family).select("collection_id")
    columns = COLLECTION_ITEMS.schema.names
    theirs = stored.join(others, on="collection_id", how="left_semi").select(*columns)
    return items.select(*columns).unionByName(theirs)


def _with_slug(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        slugs = [slug(text, locale=locale) for text, locale in zip(batch["query"], batch["locale"], strict=True)]
        yield batch.drop(columns="query").assign(slug=pd.Series(slugs, index=batch.index, dtype=object))
