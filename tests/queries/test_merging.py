"""Merging is told by what it must never do, in whatever order queries come."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from geo_lib.ann.neighbours import neighbours
from geo_lib.ann.shard import Hnsw
from geo_lib.embeddings.vectors import Positions, Vectors
from geo_lib.queries.merging import merged_block, merges, stars
from geo_lib.queries.rewording import is_rewording, meaning
from geo_lib.spark import local_frame
from schemas.queries import QUERIES
from schemas.query_merges import QUERY_MERGES
from tests.builders import build

LINE = 0.8
SUBJECTS = ("vase", "vases", "armchair", "armchiar", "arm chair", "arm-chairs")
BEFORE = ("", "best", "red", "two", "2", "no")
AFTER = ("", "ideas", "for mom", "without legs")


def near(ids: Sequence[str], vectors: Vectors) -> Positions:
    return neighbours(ids, vectors, k=1_000, exact_up_to=1_000, hnsw=Hnsw())


def row(text: str, demand: int, turn: float, *, stood: bool = False) -> dict[str, Any]:
    """A query whose vector is ``turn`` radians from the first axis."""
    vector = [float(np.cos(turn)), float(np.sin(turn))]
    read = {"query_id": text, "locale": "en", "query": text, "guard": meaning(text, locale="en").guard}
    return read | {"embedding": vector, "common": None, "stood": stood, "demand": demand, "images": 1}


def merged(rows: list[dict[str, Any]], order: int = 0) -> dict[str, tuple[str, float]]:
    """Query to the one that it goes by and their cosine, rows and blocks coming in the given order."""
    shuffled = rows.copy()
    random.Random(order).shuffle(shuffled)
    blocks = [merged_block(of, near=near, min_similarity=LINE) for _, of in pd.DataFrame(shuffled).groupby("guard")]
    rows_of = [it for block in blocks for it in block.to_dict("records")]
    return {it["query_id"]: (it["canonical_id"], it["cosine"]) for it in rows_of}


def standing(found: Mapping[str, tuple[str, float]], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows as the next run sees them."""
    return [it | {"stood": found.get(it["query"], ("", 0))[0] == it["query"]} for it in rows]


texts = st.builds(
    lambda *words: " ".join(filter(None, words)),
    *(st.sampled_from(words) for words in (BEFORE, SUBJECTS, AFTER)),
)
rows_of_queries = st.lists(
    st.tuples(texts, st.integers(0, 2), st.floats(0, 1)), min_size=1, max_size=14, unique_by=lambda it: it[0]
)
worlds = rows_of_queries.map(lambda drawn: [row(*it) for it in drawn])


@given(worlds, st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_nothing_is_merged_that_must_stay_apart_in_whatever_order_queries_come(
    rows: list[dict[str, Any]], order: int
) -> None:
    found = merged(rows)
    assert merged(rows, order) == found
    assert set(found) == {it["query"] for it in rows}
    by_text = {it["query"]: it for it in rows}
    for text, (canonical, cosine) in found.items():
        assert found[canonical] == (canonical, 1.0)
        if text != canonical:
            own, other = (by_text[it] for it in (text, canonical))
            assert cosine >= LINE
            assert cosine == pytest.approx(np.dot(own["embedding"], other["embedding"]), abs=1e-5)
            assert own["guard"] == other["guard"]
            assert is_rewording(meaning(text, locale="en"), meaning(canonical, locale="en"))
    # through no chain, either: whatever goes by one query agrees in numbers, colours, people and what it denies
    groups = {(canonical, by_text[text]["guard"]) for text, (canonical, _) in found.items()}
    assert len(groups) == len({canonical for canonical, _ in found.values()})


@given(worlds, st.tuples(texts, st.integers(0, 5), st.floats(0, 1)))
@settings(max_examples=60, deadline=None)
def test_a_query_that_comes_and_goes_leaves_all_as_it_was(
    rows: list[dict[str, Any]], drawn: tuple[str, int, float]
) -> None:
    newcomer = row(*drawn)
    rows = [it for it in rows if it["query"] != newcomer["query"]]
    if not rows:
        return
    before = merged(rows)
    with_it = standing(before, [*rows, newcomer])
    during = merged(with_it)
    assert {text for text, (canonical, _) in before.items() if text == canonical} <= {it for it, _ in during.values()}
    assert merged(standing(during, rows)) == before


def test_who_stood_before_stands_though_another_is_wanted_more_by_now() -> None:
    rows = [row("vase", 1, 0.0, stood=True), row("vases", 9, 0.1)]
    assert merged(rows)["vases"][0] == "vase"
    assert merged([it | {"stood": False} for it in rows])["vase"][0] == "vases"


def test_a_chain_is_cut_where_a_member_is_too_far_from_the_one_it_would_go_by() -> None:
    """Of three in a row, each near the next, the ends are too far apart for one to speak for the other."""
    rows = [row("vase", 3, 0.0), row("vases", 2, 0.6), row("best vase", 1, 1.2), row("best vases", 0, 1.3)]
    found = {text: canonical for text, (canonical, _) in merged(rows).items()}
    assert found == {"vase": "vase", "vases": "vase", "best vase": "best vase", "best vases": "best vase"}


def test_a_query_without_a_vector_stands_for_itself() -> None:
    rows = [row("vase", 1, 0.0), row("vases", 1, 0.0) | {"embedding": None}, row("best vase", 0, 0.0)]
    assert merged(rows)["vases"] == ("vases", 1.0)
    assert merged(rows)["best vase"] == ("vase", 1.0)


links = st.dictionaries(
    st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda it: it[0] < it[1]), st.sampled_from((0.8, 0.9, 1.0))
)


@given(links)
def test_of_a_graph_no_two_that_stand_are_linked_and_the_others_go_by_the_nearest_that_does(
    drawn: dict[tuple[int, int], float],
) -> None:
    found = stars(10, drawn)
    stand = {n for n, (canonical, _) in enumerate(found) if n == canonical}
    assert not any({a, b} <= stand for a, b in drawn)
    for n, (canonical, cosine) in enumerate(found):
        if n not in stand:
            beside = {
                other: cos for (a, b), cos in drawn.items() if n in (a, b) for other in {a, b} - {n} if other in stand
            }
            assert cosine == max(beside.values()) == beside[canonical]


@pytest.mark.transform
def test_queries_in_any_partitions_are_merged_within_their_locale_and_those_that_stood_stand(
    spark: SparkSession,
) -> None:
    said = ["velvet vase", "vase velvet ideas", "velvet vaze", "red vase", "two vases", "oak rug", "oak carpet"]
    rows = [
        {"query_id": f"{n}", "query": text, "locale": "en" if n < 6 else "de", "demand": 10 - n}
        for n, text in enumerate(said)
    ]
    queries = build(QUERIES, spark, *rows, images=1).repartition(3)
    vectors = local_frame(
        spark, [(str(n), [1.0, 0.0]) for n in range(7) if n != 2], "query_id string, embedding array<float>"
    )
    known = build(QUERY_MERGES, spark, {"query_id": "1", "canonical_id": "1"}, {"query_id": "0", "canonical_id": "1"})
    found = QUERY_MERGES.conform(merges(queries, vectors, known, near=near, min_similarity=LINE)).collect()
    assert len(found) == len(said)
    assert {(it.query_id, it.canonical_id) for it in found if it.query_id != it.canonical_id} == {("0", "1")}
