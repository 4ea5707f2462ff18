"""The final annotations: a weighted sum that can be counted by hand, in a total order."""

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from geo_lib.queries.round_trip import with_trips
from geo_lib.spark import local_frame
from geo_lib.vase.select import annotated_images, chosen_annotations, with_collection
from schemas.annotations import ANNOTATIONS
from schemas.collections import COLLECTIONS
from schemas.images import IMAGES
from schemas.queries import QUERIES
from schemas.query_embeddings import QUERY_EMBEDDINGS
from schemas.round_trips import ROUND_TRIPS
from tests.builders import build

pytestmark = pytest.mark.transform


def chosen(spark: SparkSession, *queries: dict[str, object]) -> list[Row]:
    """Annotations of one image; each query names id, embedding, demand, confirmed, retrieved, category and words."""
    annotations = [
        {"query_id": q["id"], "query": q["id"], "confirmed": q.get("confirmed", False), "position": n}
        | {"category": q.get("category", "style")}
        for n, q in enumerate(queries, 1)
    ]
    vectors = [{"id": q["id"], "embedding": q.get("embedding", [0.0, 1.0])} for q in queries]
    known = [{"query_id": q["id"], "demand": q.get("demand", 0), "words": q.get("words", q["id"])} for q in queries]
    trips = [{"query_id": q["id"], "retrieved": q["retrieved"]} for q in queries if "retrieved" in q]
    picked = chosen_annotations(
        build(IMAGES, spark, {"image_id": "a", "locale": "en"}, {"image_id": "z", "locale": "de"}, signature="s"),
        with_trips(
            build(ANNOTATIONS, spark, *annotations, signature="s", locale="en"),
            build(ROUND_TRIPS, spark, *trips, signature="s", locale="en"),
        ),
        build(QUERIES, spark, *known),
        build(QUERY_EMBEDDINGS, spark, *vectors).withColumnRenamed("id", "query_id"),
        relevance_weight=1.0,
        confirmed_weight=0.3,
        demand_weight=0.2,
        half_demand=100.0,
        unconfirmed_weight=0.05,
        quotas={"description": 2, "style": 3, "use_case": 1},
    )
    return picked.orderBy("image_id", "rank").collect()


def test_the_score_is_relevance_to_the_other_queries_plus_confirmation_plus_saturating_demand(
    spark: SparkSession,
) -> None:
    rows = chosen(
        spark,
        {"id": "plain", "embedding": [0.0, 1.0]},
        {"id": "confirmed", "embedding": [1.0, 0.0], "confirmed": True},
        {"id": "wanted", "embedding": [0.6, 0.8], "demand": 100},
    )
    # plain: (0 + 0.8) / 2; confirmed: (0 + 0.6) / 2 + 0.3; wanted: (0.8 + 0.6) / 2 + 0.1
    assert [(r.query_id, r.rank, r.score) for r in rows] == [
        ("wanted", 1, 0.8),
        ("confirmed", 2, 0.6),
        ("plain", 3, 0.4),
    ]


def test_the_models_word_ranks_lower_where_nothing_confirms_it_and_stays(spark: SparkSession) -> None:
    rows = chosen(
        spark,
        {"id": "lost", "retrieved": False},
        {"id": "found", "retrieved": True},
        {"id": "new", "category": "description"},
        {"id": "searched", "retrieved": False, "confirmed": True},
    )
    assert {r.query_id: (r.score, r.retrieved) for r in rows} == {
        "searched": (1.3, False), "found": (1.0, True), "new": (1.0, None), "lost": (0.95, False)
    }  # fmt: skip


def test_a_query_that_stands_alone_agrees_with_nothing(spark: SparkSession) -> None:
    assert [r.score for r in chosen(spark, {"id": "alone"})] == [0.0]


def test_equal_scores_keep_the_order_of_the_annotations(spark: SparkSession) -> None:
    assert [r.query_id for r in chosen(spark, {"id": "z"}, {"id": "a"})] == ["z", "a"]


def test_each_category_has_its_quota_and_only_images_of_the_locale_are_annotated(spark: SparkSession) -> None:
    rows = chosen(spark, *({"id": f"q{n}", "demand": n, "category": "description"} for n in range(4)))
    assert [(r.image_id, r.query_id, r.rank) for r in rows] == [("a", "q3", 1), ("a", "q2", 2)]


def test_of_queries_that_share_half_their_words_one_stays_and_what_an_image_is_for_is_not_lost(
    spark: SparkSession,
) -> None:
    rows = chosen(
        spark,
        {"id": "oak table", "words": "oak tabl", "category": "description", "demand": 900},
        {"id": "style an oak table", "words": "oak style tabl", "category": "use_case"},
        {"id": "table in oak tones", "words": "oak tabl tone", "category": "style", "demand": 500},
        {"id": "walnut look", "words": "look walnut", "category": "style"},
    )
    assert sorted(r.query_id for r in rows) == ["style an oak table", "walnut look"]


def published(spark: SparkSession) -> DataFrame:
    return build(
        COLLECTIONS,
        spark,
        {"collection_id": "c1", "query_id": "q1", "state": "publish"},
        {"collection_id": "c2", "query_id": "q2", "state": "hold", "canonical_id": "c1"},
        {"collection_id": "c3", "query_id": "q3", "state": "hold"},
    )


def test_an_annotation_leads_to_its_collection_or_to_the_one_that_stands_in_for_it(spark: SparkSession) -> None:
    rows = local_frame(spark, [("q1",), ("q2",), ("q3",), ("q4",)], "query_id string")
    linked = {r.query_id: r.collection_id for r in with_collection(rows, published(spark)).collect()}
    assert linked == {"q1": "c1", "q2": "c1", "q3": None, "q4": None}


def test_images_are_counted_by_whether_they_have_annotations_and_had_any_to_choose_from(spark: SparkSession) -> None:
    images = build(IMAGES, spark, *({"image_id": i, "signature": f"s{i}"} for i in "abc"), locale="en")
    annotations = build(ANNOTATIONS, spark, {"signature": "sa"}, {"signature": "sa"}, {"signature": "sb"}, locale="en")
    chosen = local_frame(spark, [("a", "c1"), ("a", None)], "image_id string, collection_id string")
    figures = annotated_images(images, annotations, chosen).collect()
    assert [tuple(row) for row in figures] == [(3, 1, 1, 2, 1)]
    assert tuple(annotated_images(images, annotations, chosen.limit(0)).collect()[0]) == (3, 0, 1, 0, 0)
