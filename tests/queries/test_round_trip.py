"""Round trips in Spark: the same ranks however they are spread, wordings taken out together, each locale by itself."""

from dataclasses import replace

import pytest
from pyspark.sql import DataFrame, SparkSession

from geo_lib.queries import round_trip
from geo_lib.queries.round_trip import RoundTrip, is_unconfirmed, round_trips, with_trips
from geo_lib.spark import local_frame
from schemas.annotations import ANNOTATIONS
from schemas.round_trips import ROUND_TRIPS
from tests.builders import build

pytestmark = pytest.mark.transform

VECTORS = {"sofa": [1.0, 0.0], "couch": [0.96, 0.28], "soft": [0.8, 0.6], "lamp": [0.0, 1.0], "light": [0.28, 0.96]}
CARRIES = {"a": ("sofa", "couch", "soft"), "b": ("lamp", "light"), "c": ("sofa", "lamp", "light"), "d": ("sofa",)}
GOES_BY = {"couch": "sofa"}


def found(spark: SparkSession, trip: RoundTrip, locale: str = "en") -> dict[tuple[str, str], tuple[int | None, int]]:
    rows = [(s, locale, q) for s, carried in CARRIES.items() for q in carried]
    rows += [("z", "de", "lamp"), ("z", "de", "light")]
    answer = round_trips(
        local_frame(spark, rows, "signature string, locale string, query_id string"),
        local_frame(spark, list(VECTORS.items()), "query_id string, embedding array<float>"),
        local_frame(spark, [(q, GOES_BY.get(q, q)) for q in VECTORS], "query_id string, canonical_id string"),
        trip=trip,
    )
    trips = ROUND_TRIPS.conform(answer).where("locale = 'en'").collect()
    return {(row.signature, row.query_id): (row["rank"], row["images"]) for row in trips}


def test_a_query_is_ranked_without_all_of_its_wordings(spark: SparkSession) -> None:
    trips = found(spark, RoundTrip(k=1))
    # by what is left (a: soft, c: lamp and light, d: nothing), against b: lamp and light
    assert trips["a", "sofa"] == (1, 4)
    assert trips["c", "sofa"] == (2, 4)
    assert trips["d", "sofa"] == (None, 4)
    assert ("a", "couch") not in trips


def test_ranks_do_not_hang_on_how_queries_are_spread(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = found(spark, RoundTrip())
    monkeypatch.setattr(round_trip, "_BLOCK", 1)
    monkeypatch.setattr(round_trip, "_AT_ONCE", 1)
    spread = {"spark.sql.shuffle.partitions": "5", "spark.sql.adaptive.enabled": "false"}
    before = {name: spark.conf.get(name) for name in spread}
    try:
        for name, value in spread.items():
            spark.conf.set(name, value)
        assert found(spark, RoundTrip()) == at_once
    finally:
        for name, was in before.items():
            assert was is not None
            spark.conf.set(name, was)


def test_only_the_nearest_k_count_as_found_again_and_fewer_images_may_be_compared(spark: SparkSession) -> None:
    some = found(spark, replace(RoundTrip(k=1), most_images=2))
    assert {images for _, images in some.values()} == {2}
    assert len(some) == len(found(spark, RoundTrip()))


def test_what_the_console_has_needs_no_round_trip_and_what_nobody_asked_about_is_not_lost(spark: SparkSession) -> None:
    said: DataFrame = build(
        ANNOTATIONS, spark,
        {"signature": "s", "query_id": "searched", "confirmed": True, "sources": ["console"]},
        *({"signature": "s", "query_id": query, "sources": ["vlm"]} for query in ("found", "lost", "new")),
    )  # fmt: skip
    trips = build(
        ROUND_TRIPS, spark,
        {"signature": "s", "query_id": "found", "rank": 1, "retrieved": True},
        {"signature": "s", "query_id": "lost", "rank": 99},
        {"signature": "s", "query_id": "searched", "rank": 99},
    )  # fmt: skip
    rows = with_trips(said, trips).withColumn("lost", is_unconfirmed()).collect()
    assert {row.query_id: row.lost for row in rows} == {"searched": False, "found": False, "lost": True, "new": False}
