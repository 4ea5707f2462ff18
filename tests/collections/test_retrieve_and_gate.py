"""Which queries get a page: evidence, retrieval, the gate and its reasons."""

import hashlib
import math

import pytest
from pyspark.sql import DataFrame, SparkSession

from geo_lib.collections.gate import fates, gated
from geo_lib.collections.retrieve import candidates, collection_id, retrieved_items
from schemas.images import IMAGES
from schemas.queries import QUERIES
from tests.builders import build

pytestmark = pytest.mark.transform


def direction(degrees: float) -> list[float]:
    return [math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]


def test_a_query_is_a_candidate_when_people_search_for_it_or_many_images_fit_it(spark: SparkSession) -> None:
    queries = build(
        QUERIES,
        spark,
        {"query_id": "searched", "demand": 10, "images": 1},
        {"query_id": "fits", "demand": 9, "images": 3},
        {"query_id": "neither", "demand": 9, "images": 2},
        locale="en",
    )
    found = candidates(queries, min_demand=10, min_images=3)
    assert sorted(row.query_id for row in found.collect()) == ["fits", "searched"]


def test_the_id_of_a_collection_hangs_on_its_query_alone(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("a",), ("b",)], "query_id string")
    ids = [row.id for row in rows.select(collection_id(rows["query_id"]).alias("id")).collect()]
    assert ids == [hashlib.sha256(f"collection\n{query}".encode()).hexdigest()[:16] for query in "ab"]


def test_items_are_images_of_the_querys_locale_once_per_content_best_first(spark: SparkSession) -> None:
    images = build(
        IMAGES,
        spark,
        {"image_id": "i2", "signature": "s1", "locale": "en"},
        {"image_id": "i1", "signature": "s1", "locale": "en"},
        {"image_id": "i0", "signature": "s1", "locale": "de"},
        {"image_id": "i4", "signature": "s2", "locale": "en"},
        {"image_id": "i3", "signature": "s3", "locale": "en"},
        {"image_id": "i5", "signature": "s4", "locale": "en"},
    )
    wanted = spark.createDataFrame([("q", "c", "en")], "query_id string, collection_id string, locale string")
    found = spark.createDataFrame(
        [("q", "s1", 0.9), ("q", "s2", 0.7), ("q", "s3", 0.7), ("q", "s4", 0.59)],
        "query_id string, signature string, score double",
    )
    rows = retrieved_items(wanted, found, images, family="f", min_score=0.6, max_gap=0.5).orderBy("rank").collect()
    assert [(r.image_id, r.rank, r.score) for r in rows] == [("i1", 1, 0.9), ("i3", 2, 0.7), ("i4", 3, 0.7)]
    near = retrieved_items(wanted, found, images, family="f", min_score=0.6, max_gap=0.2)
    assert near.count() == 3
    assert retrieved_items(wanted, found, images, family="f", min_score=0.6, max_gap=0.19).count() == 1


Entry = tuple[str, int, float, set[int]]


def frames(spark: SparkSession, *entries: Entry) -> tuple[DataFrame, DataFrame, DataFrame]:
    """Candidates, items and vectors of collections given as (name, demand, degrees, images)."""
    return (
        spark.createDataFrame(
            [(name, f"q-{name}", "en", name, demand) for name, demand, _, _ in entries],
            "collection_id string, query_id string, locale string, query string, demand bigint",
        ),
        spark.createDataFrame(
            [(name, f"i{i}", n, 0.9) for name, _, _, shown in entries for n, i in enumerate(sorted(shown), 1)],
            "collection_id string, image_id string, rank int, score double",
        ),
        spark.createDataFrame(
            [(f"q-{name}", direction(degrees)) for name, _, degrees, _ in entries],
            "query_id string, embedding array<float>",
        ),
    )


def verdicts(spark: SparkSession, *entries: Entry) -> dict[str, tuple[str, list[str], str | None, int]]:
    settled = gated(*frames(spark, *entries), min_items=3, max_overlap=0.6, max_similarity=0.95)
    return {r.collection_id: (r.state, r.reasons, r.canonical_id, r["items"]) for r in settled.collect()}


def test_a_thin_collection_is_held_and_says_why(spark: SparkSession) -> None:
    found = verdicts(spark, ("thin", 9, 0, {1, 2}), ("empty", 9, 90, set()), ("fine", 1, 180, {4, 5, 6}))
    assert found == {
        "thin": ("hold", ["too_few_items"], None, 2),
        "empty": ("hold", ["too_few_items"], None, 0),
        "fine": ("publish", [], None, 3),
    }


def test_collections_with_much_the_same_images_leave_the_one_with_more_demand(spark: SparkSession) -> None:
    # 3 shared of 5 is 0.6: held; 2 shared of 6 is a third: not
    found = verdicts(
        spark, ("small", 1, 0, {1, 2, 3, 4}), ("big", 5, 90, {2, 3, 4, 5}), ("other", 3, 180, {4, 5, 6, 7})
    )
    assert found["small"] == ("hold", ["near_duplicate"], "big", 4)
    assert [found[name][0] for name in ("big", "other")] == ["publish", "publish"]


def test_queries_that_say_the_same_leave_one_collection_if_images_answer_both(spark: SparkSession) -> None:
    close = 10.0  # cos 10 degrees = 0.985
    found = verdicts(
        *(spark, ("first", 5, 0, {1, 2, 3}), ("echo", 4, close, {3, 4, 5}), ("apart", 3, -close, {3, 6, 7, 8}))
    )
    assert found["echo"] == ("hold", ["near_duplicate"], "first", 3)
    assert found["apart"][0] == "publish"


def test_a_collection_is_held_only_for_one_that_is_published_itself(spark: SparkSession) -> None:
    # a ~ b and b ~ c, a and c are 30 degrees apart: b gives way to a, and c stands
    found = verdicts(spark, ("a", 3, 0, {1, 2, 3}), ("b", 2, 15, {3, 4, 5}), ("c", 1, 30, {5, 6, 7}))
    assert {name: verdict[0] for name, verdict in found.items()} == {"a": "publish", "b": "hold", "c": "publish"}


def test_with_equal_demand_the_larger_collection_stays(spark: SparkSession) -> None:
    found = verdicts(spark, ("a", 1, 0, {1, 2, 3}), ("z", 1, 0, {1, 2, 3, 4}))
    assert found["a"] == ("hold", ["near_duplicate"], "z", 3)


def test_every_query_has_a_page_or_the_first_reason_why_not(spark: SparkSession) -> None:
    candidates, items, vectors = frames(spark, ("thin", 9, 0, {1, 2}), ("fine", 1, 180, {4, 5, 6}))
    settled = gated(candidates, items, vectors, min_items=3, max_overlap=0.6, max_similarity=0.95)
    queries = build(QUERIES, spark, *({"query_id": f"q-{name}"} for name in ("thin", "fine", "rare", "rarer")))
    assert {(r.reason, r.queries, r["items"]) for r in fates(queries, settled).collect()} == {
        (None, 1, 3),
        ("too_few_items", 1, 2),
        ("too_little_evidence", 2, 0),
    }
