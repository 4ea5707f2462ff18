"""Ways to say one wish, what speaks for an image, and what images have in common."""

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from geo_lib.collections.coherence import Background, backgrounds, coherence
from geo_lib.collections.evidence import (
    NO_BAR,
    at_home,
    by_score,
    fill_bar,
    founded,
    supported,
    unheard_locales,
    witnessed,
)
from geo_lib.collections.wishes import wishes
from geo_lib.spark import local_frame
from schemas.annotations import ANNOTATIONS
from schemas.images import IMAGES
from schemas.round_trips import ROUND_TRIPS
from tests.builders import build

pytestmark = pytest.mark.transform


def annotated(spark: SparkSession, **images_of: str) -> DataFrame:
    """Annotations: each query and the images that it stands on, a letter each."""
    return build(
        ANNOTATIONS,
        spark,
        *({"signature": s, "query_id": query, "sources": ["vlm"]} for query, of in images_of.items() for s in of),
        locale="en",
    )


def spoken_for(spark: SparkSession, *wanted: tuple[str, str, int, bool], **images_of: str) -> dict[str, str]:
    """Query to the one that speaks for it; ``wanted``: name, category, demand, has_page."""
    frame = local_frame(
        spark,
        [(name, "en", category, demand, has_page) for name, category, demand, has_page in wanted],
        "query_id string, locale string, category string, demand bigint, has_page boolean",
    )
    found = wishes(frame, annotated(spark, **images_of), min_overlap=0.5)
    return {row.query_id: row.wish_id for row in found.collect()}


def test_queries_on_the_same_images_are_one_wish_and_the_most_wanted_speaks(spark: SparkSession) -> None:
    found = spoken_for(
        *(spark, ("nook", "use_case", 5, False), ("corner", "use_case", 9, False), ("rug", "use_case", 1, False)),
        *(("chair", "description", 3, False), ("rare", "use_case", 1, False)),
        nook="abcd", corner="abce", rug="aefg", chair="abcd", rare="ab",
    )  # fmt: skip
    # 3 of 5 images have both; the rug shares 2 of 6; a chair is another kind of query; two images say nothing
    assert found == {"nook": "corner", "corner": "corner", "rug": "rug", "chair": "chair", "rare": "rare"}


def test_who_had_the_page_goes_on_speaking(spark: SparkSession) -> None:
    found = spoken_for(spark, ("old", "style", 1, True), ("new", "style", 9, False), old="abc", new="abc")
    assert found == {"old": "old", "new": "old"}


def test_a_query_joins_only_one_that_speaks_itself(spark: SparkSession) -> None:
    # b joins a; c shares enough with b alone, which speaks no more
    found = spoken_for(
        *(spark, ("a", "style", 3, False), ("b", "style", 2, False), ("c", "style", 1, False)),
        a="abcd", b="abcdef", c="cdefgh",
    )  # fmt: skip
    assert found == {"a": "a", "b": "a", "c": "c"}


def test_evidence_counts_wordings_once_for_every_source(spark: SparkSession) -> None:
    rows = build(
        ANNOTATIONS, spark,
        {"signature": "s", "query_id": "nook", "sources": ["console", "vlm"], "confirmed": True},
        {"signature": "s", "query_id": "corner", "sources": ["vlm"]},
        {"signature": "t", "query_id": "corner", "sources": ["vlm"]},
        {"signature": "t", "query_id": "other", "sources": ["vlm"]},
    )  # fmt: skip
    said = local_frame(spark, [("nook", "corner"), ("corner", "corner")], "query_id string, wish_id string")
    found = {(r.wish_id, r.signature): (r.evidence, r.heard) for r in witnessed(said, rows, unheard=[]).collect()}
    assert found == {("corner", "s"): (3, True), ("corner", "t"): (1, False)}


def test_a_lone_annotation_counts_when_images_like_it_carry_the_wish_too(spark: SparkSession) -> None:
    carrying = local_frame(
        spark,
        [("w", "a", 1, True), ("w", "b", 1, False), ("w", "c", 1, True), ("v", "d", 1, True), ("w", "e", 2, True)],
        "wish_id string, signature string, evidence int, heard boolean",
    )
    alike = local_frame(
        spark, [("a", "b"), ("a", "d"), ("b", "d"), ("c", "d"), ("d", "a")], "signature string, neighbour string"
    )
    found = {(r.signature, r.neighbours) for r in supported(carrying, alike, min_support=2).collect()}
    assert found == {("a", 1), ("e", 0)}


def test_what_only_the_model_says_of_an_image_and_of_those_like_it_is_no_evidence(spark: SparkSession) -> None:
    carrying = local_frame(
        spark,
        [("scrap", name, 1, False) for name in "abc"] + [("dog", "d", 1, False), ("dog", "e", 1, True)],
        "wish_id string, signature string, evidence int, heard boolean",
    )
    alike = local_frame(
        spark, [("a", "b"), ("a", "c"), ("b", "a"), ("d", "e"), ("e", "d")], "signature string, neighbour string"
    )
    found = {(r.wish_id, r.signature) for r in supported(carrying, alike, min_support=2).collect()}
    assert found == {("dog", "d"), ("dog", "e")}


def test_where_the_console_heard_nobody_the_models_word_is_enough_and_elsewhere_it_is_not(spark: SparkSession) -> None:
    rows = build(
        ANNOTATIONS, spark,
        *({"signature": s, "query_id": "table", "locale": "en", "sources": ["vlm"]} for s in "ab"),
        {"signature": "c", "query_id": "desk", "locale": "en", "sources": ["console", "vlm"], "confirmed": True},
        *({"signature": s, "query_id": "tisch", "locale": "de", "sources": ["vlm"]} for s in "de"),
        {"signature": "f", "query_id": "tisch", "locale": "de", "sources": ["vlm"]},
    )  # fmt: skip
    said = local_frame(spark, [(q, q) for q in ("table", "desk", "tisch")], "query_id string, wish_id string")
    alike = local_frame(spark, [("a", "b"), ("b", "a"), ("d", "e"), ("e", "d")], "signature string, neighbour string")
    assert unheard_locales(rows) == ["de"]
    carrying = witnessed(said, rows, unheard=["de"])
    found = {(r.wish_id, r.signature) for r in supported(carrying, alike, min_support=2).collect()}
    assert found == {("desk", "c"), ("tisch", "d"), ("tisch", "e")}


def test_a_locale_hears_nobody_by_what_was_routed_to_it_for_images_that_it_does_not_show(spark: SparkSession) -> None:
    rows = build(
        ANNOTATIONS, spark,
        *({"signature": s, "query_id": "tisch", "locale": "de", "sources": ["vlm"]} for s in "ab"),
        *({"signature": s, "query_id": "tisch", "locale": "de", "sources": ["console"], "confirmed": True}
          for s in "cd"),
    )  # fmt: skip
    shown = [("1", "a", "de"), ("2", "b", "de"), ("3", "b", "de"), ("4", "c", "en"), ("5", "b", "en")]
    images = build(IMAGES, spark, *({"image_id": i, "signature": s, "locale": at} for i, s, at in shown))
    found = at_home(rows, images)
    assert [row["signature"] for row in found.orderBy("signature").collect()] == ["a", "b"]
    assert unheard_locales(found) == ["de"]


def test_a_wish_is_founded_by_the_console_or_by_a_query_that_finds_its_image_again(spark: SparkSession) -> None:
    rows = build(
        ANNOTATIONS, spark,
        {"signature": "s", "query_id": "searched", "sources": ["console"], "confirmed": True},
        *({"signature": "s", "query_id": query, "sources": ["vlm"]} for query in ("found", "lost", "new", "alias")),
    )  # fmt: skip
    trips = build(
        ROUND_TRIPS, spark,
        {"signature": "s", "query_id": "found", "rank": 3, "retrieved": True},
        *({"signature": "s", "query_id": query, "rank": 80} for query in ("searched", "lost")),
        {"signature": "s", "query_id": "alias", "rank": 1, "retrieved": True},
    )  # fmt: skip
    said = [("searched", "searched"), ("found", "found"), ("lost", "lost"), ("new", "new"), ("mute", "mute"),
            ("alias", "voice"), ("voice", "voice")]  # fmt: skip
    wished = founded(local_frame(spark, said, "query_id string, wish_id string"), rows, trips)
    found = {row.query_id for row in wished.where("founded").collect()}
    assert found == {"searched", "found", "new", "alias", "voice"}
    assert wished.count() == len(said)


def test_the_bar_is_the_lowest_score_from_which_vectors_agree_with_annotations(spark: SparkSession) -> None:
    assert fill_bar({90: (10, 10), 80: (20, 18), 70: (40, 20)}, min_share=0.9) == 0.8
    assert fill_bar({90: (10, 10), 80: (20, 10)}, min_share=0.9) == NO_BAR
    assert fill_bar({90: (5, 5)}, min_share=0.9) == NO_BAR  # too few to tell
    assert fill_bar({}, min_share=0.9) == NO_BAR
    found = local_frame(
        spark, [("w", "a", 0.905), ("w", "b", 0.901), ("w", "c", 0.8)], "wish_id string, signature string, score double"
    )
    carrying = local_frame(spark, [("w", "a", 1)], "wish_id string, signature string, evidence int")
    assert by_score(found, carrying) == {90: (2, 1), 80: (1, 0)}


def test_images_drawn_at_random_are_about_one_deviation_alike_and_a_cluster_is_many() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(400, 16)).astype(np.float32)
    background = Background.of(vectors, 400)
    drawn = [background.coherence(vectors[random.choice(400, 12, replace=False)]) for _ in range(200)]
    assert np.mean([value for value in drawn if value is not None]) == pytest.approx(0, abs=0.3)
    assert np.std([value for value in drawn if value is not None]) == pytest.approx(1, abs=0.25)
    cluster = vectors[np.argsort(-(vectors @ vectors[0]))[:12]]
    assert (background.coherence(cluster) or 0) > 10


def test_the_whole_catalogue_or_a_single_image_tells_nothing() -> None:
    vectors = np.eye(5, dtype=np.float32)
    background = Background.of(vectors, 5)
    assert background.coherence(vectors) is None
    assert background.coherence(vectors[:1]) is None


def test_coherence_is_told_for_every_collection_in_its_locale(spark: SparkSession) -> None:
    random = np.random.default_rng(1)
    rows = [(f"s{n}", "en", vector.tolist()) for n, vector in enumerate(random.normal(size=(60, 8)))]
    rows += [
        (f"t{n}", "en", (np.eye(8)[0] + 0.1 * vector).tolist()) for n, vector in enumerate(random.normal(size=(6, 8)))
    ]
    vectors = local_frame(spark, rows, "signature string, locale string, embedding array<float>")
    items = local_frame(
        spark,
        [("alike", "en", f"t{n}") for n in range(6)] + [("any", "en", f"s{n}") for n in range(6)],
        "collection_id string, locale string, signature string",
    )
    found = {r.collection_id: r.coherence for r in coherence(items, vectors, backgrounds(vectors)).collect()}
    assert found["alike"] > 5 > found["any"]
