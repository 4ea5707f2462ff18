"""Planted queries, asked of the checks and of merging on a worker."""

from collections.abc import Callable, Iterator, Sequence

import pandas as pd
from pyspark.sql import Row, SparkSession

from geo_lib.embeddings.family import QUERIES, Family
from geo_lib.evaluation.validation import Tried
from geo_lib.queries.chain import said_of, stops
from geo_lib.queries.checks.check import Check
from geo_lib.queries.merging import Merging, cosines, is_merged
from geo_lib.queries.rewording import meaning
from geo_lib.queries.text import normalise, same_words_key
from geo_lib.spark import local_frame

Told = Callable[[pd.DataFrame], list[bool]]
"""Of each row of ``locale, query, of``: whether the query is stopped, or joined to what it is ``of``."""


def tried(spark: SparkSession, rows: Sequence[Row], told: Told) -> list[Tried]:
    """Each row with what ``told`` says of it.

    It is asked on a worker: what encodes loads its libraries for half a minute, and where the configuration says so
    (conf/demo.yml) workers are forked from a process that has them.
    """

    def asked(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            yield batch[["place"]].assign(told=told(batch))

    places = [(place, row["locale"], row["query"], row["of"]) for place, row in enumerate(rows)]
    frame = local_frame(spark, places, "place int, locale string, query string, of string")
    answers = frame.coalesce(1).mapInPandas(asked, "place int, told boolean").collect()
    of_place = {answer["place"]: answer["told"] for answer in answers}
    return [Tried(row["kind"], row["locale"], row["unfit"], of_place[place]) for place, row in enumerate(rows)]


def stopped(checks: Sequence[Check]) -> Told:
    """Whether one of ``checks`` objects."""

    def told(batch: pd.DataFrame) -> list[bool]:
        said = said_of(batch["locale"], batch["query"])
        return [stop is not None for stop in stops(said, checks)]

    return told


def joined(of_family: Family, merging: Merging) -> Told:
    """Whether validation or merging would make one query of the two."""
    encoder = of_family.encoders[QUERIES]

    def told(batch: pd.DataFrame) -> list[bool]:
        ones, others = (
            [normalise(text, locale=at) for at, text in zip(batch["locale"], batch[side], strict=True)]
            for side in ("of", "query")
        )
        vectors = [encoder.load().encode(pd.DataFrame({"texts": [[text] for text in side]})) for side in (ones, others)]
        return [
            same_words_key(one, locale=at) == same_words_key(other, locale=at)
            or is_merged(
                meaning(one, locale=at), meaning(other, locale=at), cosine, min_similarity=merging.min_similarity
            )
            for at, one, other, cosine in zip(batch["locale"], ones, others, cosines(*vectors), strict=True)
        ]

    return told
