"""Annotations are measured apart for pictures that the console knows and for those that the model was not taught."""

import pytest

from geo_lib.arms import VLM
from jobs.evaluate_annotations import JOB, EvaluateAnnotations
from jobs.run.job import Context
from schemas.evaluations import EVALUATIONS
from schemas.image_annotations import IMAGE_ANNOTATIONS
from schemas.images import IMAGES
from schemas.queries import QUERIES
from schemas.query_performance import QUERY_PERFORMANCE
from schemas.training_examples import TRAINING_EXAMPLES
from schemas.truth_intents import TRUTH_INTENTS
from tests.builders import build

VASE, DESK = "vase", "desk"


@pytest.fixture
def annotated(context: Context) -> Context:
    """Four pictures: the console knows a; the model was tuned on b's twin of other bytes; nobody knows c and d. All are
    called vase, which the console says of a alone, and finds b again and not d, which is a desk; nothing is said of
    e."""
    spark, tables = context.spark, context.tables
    rows = [{"image_id": s, "signature": s, "split_key": "thing-b" if s == "b" else s, "locale": "en"} for s in "abcde"]
    tables.write(IMAGES, build(IMAGES, spark, *rows))
    tables.write(
        QUERY_PERFORMANCE,
        build(QUERY_PERFORMANCE, spark, {"signature": "a", "query": VASE}, attribution="unique_page_image"),
    )
    example = {"example_id": "x", "signature": "twin", "split_key": "thing-b", "split": "train", "locale": "en"}
    tokens = {"visual_tokens": 1, "text_tokens": 1, "response_tokens": 1}
    tables.write(TRAINING_EXAMPLES, build(TRAINING_EXAMPLES, spark, example, **tokens))
    query = {"query_id": VASE, "query": VASE, "words": VASE, "locale": "en", "category": "description", "images": 1}
    tables.write(QUERIES, build(QUERIES, spark, query))
    said = [
        {"image_id": s, "query_id": VASE, "query": VASE, "category": "description", "rank": 1, "arm": VLM}
        | {"confirmed": s == "a", "retrieved": {"a": True, "b": True, "c": None, "d": False}[s]}
        for s in "abcd"
    ]
    tables.write(IMAGE_ANNOTATIONS, build(IMAGE_ANNOTATIONS, spark, *said))
    intent = {"locale": "en", "category": "description", "intent": "look"}
    things = {"a": VASE, "b": VASE, "c": VASE, "d": DESK}
    wanted = [intent | {"signature": s, "head": thing, "paraphrases": [thing]} for s, thing in things.items()]
    tables.truth.write(TRUTH_INTENTS, build(TRUTH_INTENTS, spark, *wanted))
    return context


def test_a_picture_counts_as_taught_when_the_thing_that_it_shows_was(annotated: Context) -> None:
    counts = annotated.run(JOB, EvaluateAnnotations())
    assert (counts.rows_in, counts.kept, dict(counts.dropped)) == (5, 4, {"no_annotation": 1})
    rows = annotated.tables.read(EVALUATIONS).where("segment = 'overall' and metric = 'annotations_right'").collect()
    assert {row["arm"]: (row["value"], row["n"]) for row in rows} == {
        "all_images": (0.75, 4), "with_history": (1.0, 1), "without_history": (pytest.approx(2 / 3, abs=1e-3), 3),
        "neither_history_nor_training": (0.5, 2), "model_alone_retrieved": (1.0, 1),
        "model_alone_not_retrieved": (0.0, 1),
    }  # fmt: skip
    kept = annotated.tables.read(EVALUATIONS).where("metric = 'images_with_any'").collect()
    assert {row["arm"]: row["n"] for row in kept}["neither_history_nor_training"] == 3
