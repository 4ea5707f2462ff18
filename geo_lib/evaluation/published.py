"""Is what is published right? Pages and annotations against the truth, or, without one, against a second source. Pure.

Right is an image under a query when the query, or another order or form of its words, is among the ways in which
people would ask for it, in the page's locale.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from geo_lib.evaluation.intervals import DECIMALS, Estimate, pooled_share
from geo_lib.evaluation.rows import OVERALL, Measured
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.queries.text import normalise, same_words_key

WISH = ("locale", "category", "intent", "head")
"""What people want, whoever's image it is: an intent of the truth."""


@dataclass(frozen=True, slots=True)
class Part:
    """What is judged as one: a page with its images, or an image with its annotations."""

    name: str
    locale: str
    right: Mapping[str, int]
    """By category: how many are right,"""
    whole: Mapping[str, int]
    """of how many."""

    @property
    def counts(self) -> tuple[int, int]:
        """How many are right of how many, in all categories."""
        return sum(self.right.values()), sum(self.whole.values())

    @property
    def share(self) -> float:
        right, whole = self.counts
        return right / whole


def wanted_words(intents: DataFrame) -> DataFrame:
    """``signature, locale, category, intent, head, words``: every way to ask for an image, as telling words.

    ``intents``: truth_intents.
    """
    ways = intents.select("signature", *WISH, F.explode("paraphrases").alias("text"))
    texts = (
        ways.select("locale", "text").distinct().mapInPandas(_with_words, "locale string, text string, words string")
    )
    return ways.join(texts, on=["locale", "text"], how="inner").drop("text").distinct()


def _with_words(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        pairs = zip(batch["locale"], batch["text"], strict=True)
        yield batch.assign(
            words=[same_words_key(normalise(text, locale=locale), locale=locale) for locale, text in pairs]
        )


def against_truth(shown: DataFrame, wanted: DataFrame) -> DataFrame:
    """``shown`` with ``is_right``. ``shown``: signature, locale, words; ``wanted``: ``wanted_words``."""
    asked_for = wanted.select("signature", "locale", "words").distinct().withColumn("_asked", F.lit(True))
    judged = shown.join(asked_for, on=["signature", "locale", "words"], how="left")
    return judged.withColumn("is_right", F.col("_asked").isNotNull()).drop("_asked")


def against_a_second_source(shown: DataFrame, annotations: DataFrame) -> DataFrame:
    """``shown`` with ``is_right``: whether more than one source has the query for the image.

    ``shown``: signature, query_id.
    """
    twice = annotations.where(F.size("sources") > 1).select("signature", "query_id", F.lit(True).alias("_twice"))
    judged = shown.join(twice, on=["signature", "query_id"], how="left")
    return judged.withColumn("is_right", F.col("_twice").isNotNull()).drop("_twice")


def parts(judged: DataFrame, *, by: str) -> list[Part]:
    """``judged`` (``by``, locale, category, is_right) as a part for each value of ``by``, in its order."""
    counted = judged.groupBy(by, "locale", "category").agg(
        F.count_if("is_right").alias("right"), F.count("*").alias("whole")
    )
    rows: dict[tuple[str, str], list[Row]] = {}
    for row in counted.collect():
        rows.setdefault((row[by], row["locale"]), []).append(row)
    return [
        Part(name, locale, {r["category"]: r["right"] for r in of_one}, {r["category"]: r["whole"] for r in of_one})
        for (name, locale), of_one in sorted(rows.items())
    ]


def measure_parts(arm: str, found: Sequence[Part], *, seed: int) -> list[Measured]:
    """The share that is right over all, by category and by locale, with intervals over parts."""
    segments: dict[str, list[tuple[int, int]]] = {OVERALL: [p.counts for p in found]}
    segments |= {c: [(p.right[c], p.whole[c]) for p in found if c in p.whole] for c in CATEGORIES}
    for locale in sorted({p.locale for p in found}):
        segments[f"locale:{locale}"] = [p.counts for p in found if p.locale == locale]
    estimates = {name: pooled_share(counts, seed=seed) for name, counts in segments.items()}
    return [Measured(arm, name, estimate) for name, estimate in estimates.items() if estimate is not None]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How the pages stand to what people want."""

    wishes: int
    """Wishes that enough images have,"""
    with_page: int
    """those among them that a page's query says,"""
    pages: int
    repeating: int
    """pages whose every wish a larger page has already,"""
    unwanted: int
    """pages for what the truth gives to no image."""


def coverage(pages: Iterable[Row], ways: Iterable[Row], *, min_images: int) -> Coverage:
    """``pages``: locale, words, items; ``ways``: the columns of ``WISH``, words, and ``images`` that have the wish."""
    wishes_of: dict[tuple[str, str], set[tuple[str, ...]]] = {}
    enough: set[tuple[str, ...]] = set()
    for way in ways:
        wish = tuple(way[name] for name in WISH)
        wishes_of.setdefault((way["locale"], way["words"]), set()).add(wish)
        enough |= {wish} if way["images"] >= min_images else set()
    said: set[tuple[str, ...]] = set()
    repeating = unwanted = count = 0
    for page in sorted(pages, key=lambda page: (-page["items"], page["locale"], page["words"])):
        of_page = wishes_of.get((page["locale"], page["words"]), set())
        count, unwanted, repeating = count + 1, unwanted + (not of_page), repeating + bool(of_page and of_page <= said)
        said |= of_page
    return Coverage(len(enough), len(enough & said), count, repeating, unwanted)


def share(part: int, whole: int) -> Estimate | None:
    """A plain count over another, without an interval: of a whole that was looked at there is none."""
    return Estimate(round(part / whole, DECIMALS), None, None, whole) if whole else None
