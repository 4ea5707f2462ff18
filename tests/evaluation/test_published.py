"""What counts as right on a page, and how pages stand to what people want."""

import pytest
from pyspark.sql import Row, SparkSession

from geo_lib.evaluation.intervals import pooled_share
from geo_lib.evaluation.published import (
    Coverage,
    Part,
    against_a_second_source,
    against_truth,
    coverage,
    measure_parts,
    parts,
    wanted_words,
)
from geo_lib.queries.text import same_words_key
from geo_lib.spark import local_frame
from schemas.annotations import ANNOTATIONS
from schemas.truth_intents import TRUTH_INTENTS
from tests.builders import build


@pytest.mark.transform
def test_right_is_what_people_would_ask_for_the_image_by_in_any_order_of_its_words(spark: SparkSession) -> None:
    intents = build(
        TRUTH_INTENTS, spark,
        {"signature": "s", "locale": "en", "category": "description", "intent": "look", "head": "red vase",
         "paraphrases": ["red vase", "vase in red"]},
    )  # fmt: skip
    shown = local_frame(
        spark,
        [
            (text, "s" if text != "red vases of t" else "t", "en", same_words_key(text, locale="en"))
            for text in ("red vases", "blue vase", "red vases of t")
        ],
        "query string, signature string, locale string, words string",
    )
    judged = against_truth(shown, wanted_words(intents))
    assert {r["query"]: r.is_right for r in judged.collect()} == {
        "red vases": True, "blue vase": False, "red vases of t": False,
    }  # fmt: skip


@pytest.mark.transform
def test_without_a_truth_an_image_is_right_where_two_sources_agree(spark: SparkSession) -> None:
    annotations = build(
        ANNOTATIONS, spark,
        {"signature": "s", "query_id": "q", "sources": ["console", "vlm"]},
        {"signature": "t", "query_id": "q", "sources": ["vlm"]},
    )  # fmt: skip
    shown = local_frame(spark, [("s", "q"), ("t", "q"), ("u", "q")], "signature string, query_id string")
    judged = against_a_second_source(shown, annotations)
    assert {r.signature: r.is_right for r in judged.collect()} == {"s": True, "t": False, "u": False}


@pytest.mark.transform
def test_images_are_counted_by_page_and_category(spark: SparkSession) -> None:
    judged = local_frame(
        spark,
        [("b", "en", "style", True), ("b", "en", "style", False), ("a", "de", "use_case", True)],
        "page string, locale string, category string, is_right boolean",
    )
    assert parts(judged, by="page") == [
        Part("a", "de", {"use_case": 1}, {"use_case": 1}),
        Part("b", "en", {"style": 1}, {"style": 2}),
    ]


def test_a_large_page_weighs_more_than_a_small_one() -> None:
    found = [Part("a", "en", {"style": 10}, {"style": 30}), Part("b", "de", {"style": 10}, {"style": 10})]
    values = {m.segment: m.estimate.value for m in measure_parts("x", found, seed=0)}
    assert values == {"overall": 0.5, "style": 0.5, "locale:de": 1.0, "locale:en": 0.3333}


def test_the_interval_of_a_pooled_share_holds_it_and_narrows_with_the_parts() -> None:
    few, many = (pooled_share([(n % 3, 2) for n in range(size)], seed=0) for size in (12, 300))
    assert few is not None
    assert many is not None
    assert few.value == many.value == 0.5
    assert few.ci_low < many.ci_low < 0.5 < many.ci_high < few.ci_high  # type: ignore[operator]
    assert pooled_share([(0, 0)], seed=0) is None


def test_pages_are_held_against_the_wishes_that_enough_images_have() -> None:
    def way(intent: str, words: str, images: int) -> Row:
        return Row(locale="en", category="style", intent=intent, head=intent, words=words, images=images)

    ways = [way("tone", "red", 9), way("tone", "crimson", 9), way("look", "boho", 9), way("rare", "odd", 2)]
    pages = [
        Row(locale="en", words=words, items=items)
        for words, items in (("red", 20), ("crimson", 10), ("odd", 9), ("wallpap", 8))
    ]
    assert coverage(pages, ways, min_images=8) == Coverage(wishes=2, with_page=1, pages=4, repeating=1, unwanted=1)
