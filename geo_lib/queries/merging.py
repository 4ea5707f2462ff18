"""Which queries are one in other words, and which of them all go by: pure, from texts and their vectors.

Words say what may be one (``rewording``), vectors what is not: of two that the words allow, those whose cosine is below
the threshold stay apart. A query is compared with those alone that have its numbers, colours, people and what it
denies, so that no chain of likenesses leads from one of those to another.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.config import at_least_one, zero_to_one
from geo_lib.embeddings.vectors import Positions, Vectors, stacked
from geo_lib.queries.rewording import Meaning, is_rewording, meaning
from geo_lib.spark import settled

COMMON = 5
"""Queries of a locale that have a word, from which on it is no slip of the keyboard for another such word."""
_READ = "query_id string, locale string, guard string, said array<string>"
_MERGED = "query_id string, canonical_id string, locale string, cosine double"

Near = Callable[[Sequence[str], Vectors], Positions]
"""From ids and their unit vectors, (rows, d), to the rows nearest to each, (rows, k); itself may be among them."""


@dataclass(frozen=True, slots=True)
class Merging:
    """``settings: merging:``"""

    min_similarity: float = 0.6
    """Cosine below which two wordings that the words would let pass as one stay two."""
    neighbours: int = 50
    """Queries nearest to one, of those with its numbers, colours and people, that it is compared with."""
    exact_up_to: int = 20_000
    """Queries of one locale, numbers, colours and people that are all compared; an index looks up what is more."""

    def __post_init__(self) -> None:
        zero_to_one(self, "min_similarity")
        at_least_one(self, "neighbours", "exact_up_to")


def merges(queries: DataFrame, vectors: DataFrame, known: DataFrame, *, near: Near, min_similarity: float) -> DataFrame:
    """The content of ``query_merges``: every row of ``queries`` and the one that it goes by, itself if no other.

    ``vectors``: (query_id, embedding); a query without one stands for itself. ``known``: the table as it is. A worker
    has all queries of a locale that name the same numbers, colours and people, or none, with their vectors.
    """
    texts = queries.select("query_id", "locale", "query")
    read = settled(texts.mapInPandas(_read, _READ))
    words = read.select("query_id", "locale", F.explode("said").alias("word"))
    common = words.join(common_words(read), on=["locale", "word"], how="left_semi")
    stood = known.where("query_id = canonical_id").select("query_id", F.lit(True).alias("stood"))
    candidates = (
        queries.select("query_id", "query", "demand", "images")
        .join(read.drop("said"), on="query_id", how="inner")
        .join(vectors.select("query_id", "embedding"), on="query_id", how="left")
        .join(common.groupBy("query_id").agg(F.collect_set("word").alias("common")), on="query_id", how="left")
        .join(stood, on="query_id", how="left")
        .withColumn("stood", F.coalesce("stood", F.lit(False)))
    )

    def merged(rows: pd.DataFrame) -> pd.DataFrame:
        return merged_block(rows, near=near, min_similarity=min_similarity)

    return candidates.groupBy("locale", "guard").applyInPandas(merged, _MERGED)


def common_words(read: DataFrame) -> DataFrame:
    """``locale, word``: stems that at least ``COMMON`` queries have. ``read``: locale, said (their stems)."""
    of_query = read.select("locale", F.explode(F.array_distinct("said")).alias("word"))
    return of_query.groupBy("locale", "word").agg(F.count("*").alias("n")).where(F.col("n") >= COMMON).drop("n")


def _read(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for batch in batches:
        found = [meaning(text, locale=at) for text, at in zip(batch["query"], batch["locale"], strict=True)]
        said = pd.Series([[word.stem for word in it.said] for it in found], index=batch.index, dtype=object)
        yield batch[["query_id", "locale"]].assign(guard=[it.guard for it in found], said=said)


def merged_block(rows: pd.DataFrame, *, near: Near, min_similarity: float) -> pd.DataFrame:
    """``query_id, canonical_id, locale, cosine`` of one locale's queries with the same guard, whatever their order.

    ``rows``: query_id, locale, query, embedding, common, stood, demand, images. Whoever stood for itself before comes
    first, as pages hang on it, then more demand, more images, the smaller query_id.
    """
    rows = rows.sort_values(
        ["stood", "demand", "images", "query_id"], ascending=[False, False, False, True], ignore_index=True
    )
    links = _links(rows, near=near, min_similarity=min_similarity)
    found = stars(len(rows), links)
    return pd.DataFrame(
        {
            "query_id": rows["query_id"],
            "canonical_id": [rows["query_id"][canonical] for canonical, _ in found],
            "locale": rows["locale"],
            "cosine": [cosine for _, cosine in found],
        }
    )


def _links(rows: pd.DataFrame, *, near: Near, min_similarity: float) -> dict[tuple[int, int], float]:
    """Pairs of rows (the earlier first) that are one in other words, and their cosines, 6 decimals."""
    with_vector = rows[rows["embedding"].notna()].sort_values("query_id")
    if len(with_vector) < 2:
        return {}
    vectors = stacked(with_vector["embedding"])
    nearest = near(with_vector["query_id"].tolist(), vectors)
    place = with_vector.index.to_numpy()
    left, right = np.repeat(np.arange(len(place)), nearest.shape[1]), nearest.ravel()
    pairs = np.unique(np.sort(np.stack([left, right], axis=1), axis=1), axis=0)
    said = [meaning(text, locale=at) for text, at in zip(with_vector["query"], with_vector["locale"], strict=True)]
    common = [frozenset(words) if words is not None else frozenset[str]() for words in with_vector["common"]]
    links: dict[tuple[int, int], float] = {}
    for (a, b), cosine in zip(pairs.tolist(), cosines(vectors[pairs[:, 0]], vectors[pairs[:, 1]]), strict=True):
        both_common = common[a] | common[b]
        if a != b and is_merged(said[a], said[b], cosine, min_similarity=min_similarity, common=both_common):
            first, second = sorted((int(place[a]), int(place[b])))
            links[first, second] = cosine
    return links


def cosines(left: Vectors, right: Vectors) -> list[float]:
    """Of unit vectors, row by row: 6 decimals, the same whatever else stands beside a pair."""
    return [float(cosine) for cosine in np.round(np.einsum("ij,ij->i", left, right, dtype=np.float64), 6)]


def stars(rows: int, links: Mapping[tuple[int, int], float]) -> list[tuple[int, float]]:
    """For each of ``rows``, best first, the row that stands for it and the cosine of the two: (itself, 1.0) if it does.

    ``links``: cosines of linked rows, the earlier first. Each connected component is cut into stars: its best row
    stands, and so does, from the best down, each that is linked with none of those that stand; every other row goes by
    the nearest one standing that it is linked with, the better one if two are as near. So each is linked with the one
    that it goes by, however long the chain; and one that comes to them behind the rest takes nobody's standing.
    """
    linked: dict[int, dict[int, float]] = {}
    for (one, other), cosine in links.items():
        linked.setdefault(one, {})[other] = cosine
        linked.setdefault(other, {})[one] = cosine
    standing: set[int] = set()
    for row in range(rows):
        if standing.isdisjoint(linked.get(row, ())):
            standing.add(row)
    found = []
    for row in range(rows):
        if row in standing:
            found.append((row, 1.0))
        else:
            beside = {other: cosine for other, cosine in linked[row].items() if other in standing}
            found.append(min(beside.items(), key=lambda it: (-it[1], it[0])))
    return found


def is_merged(
    one: Meaning, other: Meaning, cosine: float, *, min_similarity: float, common: Collection[str] = ()
) -> bool:
    """Whether two queries, each alone with the other, would be merged."""
    return cosine >= min_similarity and is_rewording(one, other, common=common)
