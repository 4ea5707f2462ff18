"""Which queries get a page: evidence, retrieval, the gate and its reasons."""

import hashlib
import math

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from geo_lib.collections.gate import fates, gated
from geo_lib.collections.retrieve import candidates, collected_items, collection_id
from geo_lib.spark import local_frame
from schemas.collections import COLLECTIONS
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
    known = build(
        COLLECTIONS, spark, {"query_id": "fits", "state": "publish"}, {"query_id": "searched", "state": "hold"}
    )
    found = candidates(queries, known, min_demand=10, min_images=3)
    assert sorted((row.query_id, row.has_page) for row in found.collect()) == [("fits", True), ("searched", False)]


def test_the_id_of_a_collection_hangs_on_its_query_alone(spark: SparkSession) -> None:
    rows = local_frame(spark, [("a",), ("b",), (None,)], "query_id string")
    ids = [row.id for row in rows.select(collection_id(rows["query_id"]).alias("id")).collect()]
    assert ids == [*(hashlib.sha256(f"collection\n{query}".encode()).hexdigest()[:16] for query in "ab"), None]


def test_items_are_once_per_content_those_with_most_to_speak_for_them_first(spark: SparkSession) -> None:
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
    asked = local_frame(
        spark,
        [("q", "c", "en", direction(0))],
        "query_id string, collection_id string, locale string, embedding array<float>",
    )
    carrying = local_frame(
        spark,
        [("q", "s1", 1, 1, direction(60)), ("q", "s2", 2, 3, direction(90)), ("q", "s3", 1, 1, direction(30))],
        "wish_id string, signature string, evidence int, neighbours int, of_image array<float>",
    )
    filling = local_frame(spark, [("q", "s4", 0.9)], "wish_id string, signature string, score double")
    rows = collected_items(asked, carrying, filling, images, family="f", top_n=9).orderBy("rank").collect()
    assert [(r.image_id, r.evidence, r.neighbours) for r in rows] == [
        ("i4", 2, 3), ("i3", 1, 1), ("i1", 1, 1), ("i5", 0, 0)
    ]  # fmt: skip
    assert [r.score for r in rows] == pytest.approx([0, 0.866025, 0.5, 0.9], abs=1e-6)
    assert collected_items(asked, carrying, filling, images, family="f", top_n=2).count() == 2


Entry = tuple[str, int, float, set[int]]


def frames(spark: SparkSession, *entries: Entry) -> tuple[DataFrame, DataFrame, DataFrame]:
    """Candidates, items and vectors of collections given as (name, demand, degrees, images)."""
    return (
        local_frame(
            spark,
            [(name, f"q-{name}", "en", name, demand, False) for name, demand, _, _ in entries],
            "collection_id string, query_id string, locale string, query string, demand bigint, has_page boolean",
        ),
        local_frame(
            spark,
            [(name, f"i{i}", n, 0.9, 1) for name, _, _, shown in entries for n, i in enumerate(sorted(shown), 1)],
            "collection_id string, image_id string, rank int, score double, evidence int",
        ),
        local_frame(
            spark,
            [(f"q-{name}", direction(degrees)) for name, _, degrees, _ in entries],
            "query_id string, embedding array<float>",
        ),
    )


def judge(
    candidates: DataFrame,
    items: DataFrame,
    vectors: DataFrame,
    *,
    speaks_for: dict[str, str] | None = None,
    unfounded: str | None = None,
    coherence: dict[str, float] | None = None,
) -> DataFrame:
    """The gate's verdict; ``speaks_for``: query to another that speaks for it, ``unfounded``: one that nothing but the
    model says, ``coherence``: by collection."""
    spark = candidates.sparkSession
    own = {row.query_id: row.query_id for row in candidates.collect()} | (speaks_for or {})
    return gated(
        candidates,
        local_frame(
            spark,
            [(query, wish, wish != unfounded) for query, wish in own.items()],
            "query_id string, wish_id string, founded boolean",
        ),
        items,
        local_frame(spark, list((coherence or {}).items()), "collection_id string, coherence double"),
        vectors,
        min_items=3,
        min_evidence_share=0.75,
        min_coherence=5.0,
        max_overlap=0.6,
        max_similarity=0.95,
    )


def verdicts(spark: SparkSession, *entries: Entry) -> dict[str, tuple[str, list[str], str | None, int]]:
    return by_name(judge(*frames(spark, *entries)))


def by_name(judged: DataFrame) -> dict[str, tuple[str, list[str], str | None, int]]:
    return {r.collection_id: (r.state, r.reasons, r.canonical_id, r["items"]) for r in judged.collect()}


def test_no_page_stands_on_what_only_the_model_says_and_nothing_confirms(spark: SparkSession) -> None:
    parts = frames(spark, ("a", 3, 0, {1, 2, 3}), ("b", 2, 90, {4, 5, 6}))
    found = by_name(judge(*parts, unfounded="q-b"))
    assert found == {"a": ("publish", [], None, 3), "b": ("hold", ["unconfirmed"], None, 3)}


def test_a_query_that_another_speaks_for_is_answered_by_whatever_answers_that_one(spark: SparkSession) -> None:
    parts = frames(
        spark, ("a", 3, 0, {1, 2, 3}), ("b", 2, 90, {1, 2, 3}), ("said", 1, 180, set()), ("lone", 1, 0, set())
    )
    found = by_name(judge(*parts, speaks_for={"q-said": "q-b", "q-lone": "q-nobody"}))
    assert found["b"] == ("hold", ["near_duplicate"], "a", 3)
    assert found["said"] == ("hold", ["same_wish"], "a", 0)
    assert found["lone"] == ("hold", ["same_wish"], None, 0)


def test_images_without_evidence_neither_carry_a_page_nor_fill_most_of_it(spark: SparkSession) -> None:
    candidates, items, vectors = frames(spark, ("thin", 9, 0, {1, 2, 3}), ("padded", 8, 90, {4, 5, 6, 7, 8}))
    without = F.col("image_id").isin("i3", "i7", "i8")
    found = by_name(judge(candidates, items.withColumn("evidence", F.when(without, 0).otherwise(1)), vectors))
    assert found["thin"][1] == ["too_few_items", "too_much_filled_up"]
    assert found["padded"][1] == ["too_much_filled_up"]  # 3 of 5


def test_images_that_have_no_more_in_common_than_chance_make_no_page(spark: SparkSession) -> None:
    parts = frames(spark, ("wallpaper", 9, 0, {1, 2, 3}), ("vase", 8, 90, {4, 5, 6}), ("unknown", 7, 180, {7, 8, 9}))
    found = by_name(judge(*parts, coherence={"wallpaper": 4.9, "vase": 5.0}))
    assert found["wallpaper"][:2] == ("hold", ["unlike_images"])
    assert found["vase"][0] == found["unknown"][0] == "publish"


def test_the_page_that_is_there_stays_when_another_comes_to_be_wanted_more(spark: SparkSession) -> None:
    candidates, items, vectors = frames(spark, ("new", 9, 0, {1, 2, 3}), ("old", 1, 90, {1, 2, 3}))
    candidates = candidates.withColumn("has_page", F.col("collection_id") == "old")
    assert by_name(judge(candidates, items, vectors))["new"] == ("hold", ["near_duplicate"], "old", 3)


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
    settled = judge(candidates, items, vectors)
    queries = build(QUERIES, spark, *({"query_id": f"q-{name}"} for name in ("thin", "fine", "rare", "rarer")))
    assert {(r.reason, r.queries, r["items"]) for r in fates(queries, settled).collect()} == {
        (None, 1, 3),
        ("too_few_items", 1, 2),
        ("too_little_evidence", 2, 0),
    }
