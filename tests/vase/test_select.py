"""The final annotations: a weighted sum that can be counted by hand, in a total order."""

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from geo_lib.vase.select import annotated_images, chosen_annotations, with_collection
from schemas.annotations import ANNOTATIONS
from schemas.collections import COLLECTIONS
from schemas.image_embeddings import IMAGE_EMBEDDINGS
from schemas.images import IMAGES
from schemas.queries import QUERIES
from schemas.query_embeddings import QUERY_EMBEDDINGS
from tests.builders import build

pytestmark = pytest.mark.transform


def chosen(spark: SparkSession, *queries: dict[str, object], top_n: int = 7) -> list[Row]:
    """Annotations of one image that points north; each query names id, embedding, demand and confirmed."""
    shared = {"signature": "s", "locale": "en", "category": "style"}
    annotations = [
        shared | {"query_id": q["id"], "query": q["id"], "confirmed": q.get("confirmed", False), "position": n}
        for n, q in enumerate(queries, 1)
    ]
    vectors = [{"id": q["id"], "embedding": q.get("embedding", [0.0, 1.0])} for q in queries]
    picked = chosen_annotations(
        build(IMAGES, spark, {"image_id": "a", "locale": "en"}, {"image_id": "z", "locale": "de"}, signature="s"),
        build(ANNOTATIONS, spark, *annotations),
        build(QUERIES, spark, *({"query_id": q["id"], "demand": q.get("demand", 0)} for q in queries)),
        build(QUERY_EMBEDDINGS, spark, *vectors).withColumnRenamed("id", "query_id"),
        build(IMAGE_EMBEDDINGS, spark, {"id": "s", "embedding": [0.0, 1.0]}).withColumnRenamed("id", "signature"),
        relevance_weight=1.0,
        confirmed_weight=0.3,
        demand_weight=0.2,
        half_demand=100.0,
        top_n=top_n,
    )
    return picked.orderBy("image_id", "rank").collect()


def test_the_score_is_relevance_plus_confirmation_plus_saturating_demand(spark: SparkSession) -> None:
    rows = chosen(
        spark,
        {"id": "plain", "embedding": [0.6, 0.8]},
        {"id": "confirmed", "embedding": [0.6, 0.8], "confirmed": True},
        {"id": "wanted", "embedding": [0.6, 0.8], "demand": 100},
    )
    assert [(r.query_id, r.rank, r.score) for r in rows] == [
        ("confirmed", 1, 1.1),
        ("wanted", 2, 0.9),
        ("plain", 3, 0.8),
    ]


def test_equal_scores_keep_the_order_of_the_annotations(spark: SparkSession) -> None:
    assert [r.query_id for r in chosen(spark, {"id": "z"}, {"id": "a"})] == ["z", "a"]


def test_only_the_best_are_kept_and_only_for_images_of_the_locale(spark: SparkSession) -> None:
    rows = chosen(spark, {"id": "far", "embedding": [1.0, 0.0]}, {"id": "near"}, top_n=1)
    assert [(r.image_id, r.query_id, r.rank) for r in rows] == [("a", "near", 1)]


def published(spark: SparkSession) -> DataFrame:
    return build(
        COLLECTIONS,
        spark,
        {"collection_id": "c1", "query_id": "q1", "state": "publish"},
        {"collection_id": "c2", "query_id": "q2", "state": "hold", "canonical_id": "c1"},
        {"collection_id": "c3", "query_id": "q3", "state": "hold"},
    )


def test_an_annotation_leads_to_its_collection_or_to_the_one_that_stands_in_for_it(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("q1",), ("q2",), ("q3",), ("q4",)], "query_id string")
    linked = {r.query_id: r.collection_id for r in with_collection(rows, published(spark)).collect()}
    assert linked == {"q1": "c1", "q2": "c1", "q3": None, "q4": None}


def test_images_are_counted_by_whether_they_have_annotations_and_had_any_to_choose_from(spark: SparkSession) -> None:
    images = build(IMAGES, spark, *({"image_id": i, "signature": f"s{i}"} for i in "abc"), locale="en")
    annotations = build(ANNOTATIONS, spark, {"signature": "sa"}, {"signature": "sa"}, {"signature": "sb"}, locale="en")
    chosen = spark.createDataFrame([("a", "c1"), ("a", None)], "image_id string, collection_id string")
    figures = annotated_images(images, annotations, chosen).collect()
    assert [tuple(row) for row in figures] == [(3, 1, 1, 2, 1)]
    assert tuple(annotated_images(images, annotations, chosen.limit(0)).collect()[0]) == (3, 0, 1, 0, 0)
