"""What a right answer is, from the truth or from the console: in one shape."""

import pytest
from pyspark.sql import SparkSession

from geo_lib.evaluation.truth import meant, retained, subjects_of
from geo_lib.evaluation.vlm_quality import Subject
from geo_lib.spark import local_frame
from schemas.training_examples import TRAINING_EXAMPLES
from schemas.truth_images import TRUTH_IMAGES
from schemas.truth_intents import TRUTH_INTENTS
from tests.builders import build

pytestmark = pytest.mark.transform
HELD_OUT = "signature string, locale string, prompt string"


def test_an_image_is_judged_by_what_was_meant_in_its_prompts_locale_and_one_without_is_none(
    spark: SparkSession,
) -> None:
    held_out = local_frame(spark, [("b", "en", "pb"), ("a", "de", "pa"), ("c", "en", "pc")], HELD_OUT)
    intents = build(
        TRUTH_INTENTS,
        spark,
        {"signature": "b", "locale": "en", "category": "style", "intent": "2", "paraphrases": ["boho", "in boho"]},
        {"signature": "b", "locale": "en", "category": "style", "intent": "1", "paraphrases": ["modern"]},
        {"signature": "b", "locale": "de", "category": "style", "intent": "1", "paraphrases": ["modern auf deutsch"]},
        {"signature": "a", "locale": "de", "category": "description", "intent": "1", "paraphrases": ["vase"]},
    )
    seen = build(
        TRUTH_IMAGES,
        spark,
        {"image_id": "b1", "signature": "b", "novel_combination": False},
        {"image_id": "b2", "signature": "b", "novel_combination": True},
    )
    rows = meant(held_out, intents, seen).orderBy("signature").collect()
    assert [row["prompt"] for row in rows] == ["pa", "pb"]
    assert subjects_of(rows) == [
        Subject("a", "de", {"description": [("vase",)], "style": [], "use_case": []}),
        Subject("b", "en", {"description": [], "style": [("modern",), ("boho", "in boho")], "use_case": []}, True),
    ]


def test_without_a_truth_every_retained_query_is_an_intent_that_is_said_in_one_way(spark: SparkSession) -> None:
    held_out = local_frame(spark, [("a", "en", "pa"), ("b", "en", "pb"), ("c", "en", "pc")], HELD_OUT)
    alone = {"use_case": ["for mum"], "from_oracle": ["for mum"]}
    queries = {"description": ["vase", "oak vase"], "style": [], "use_case": ["gift"]}
    beside = queries | {"style": ["boho vase"], "from_oracle": ["boho vase"]}
    examples = build(
        TRAINING_EXAMPLES,
        spark,
        {"example_id": "1", "signature": "a", "locale": "en", "split": "held_out", **beside},
        {"example_id": "2", "signature": "a", "locale": "de", "split": "held_out", **queries},
        {"example_id": "3", "signature": "b", "locale": "en", "split": "train", **queries},
        {"example_id": "4", "signature": "c", "locale": "en", "split": "held_out", **alone},
    )
    rows = retained(held_out, examples).collect()
    assert [row["prompt"] for row in rows] == ["pa"]
    said = {"description": [("vase",), ("oak vase",)], "style": [], "use_case": [("gift",)]}
    assert subjects_of(rows) == [Subject("a", "en", said)]
