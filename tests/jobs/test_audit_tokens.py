"""The audit sees what the training set dropped for its length, and says what that cost."""

import pytest
from pyspark.sql import SparkSession

from geo_lib.vlm.settings import BaseVlm
from jobs.audit_tokens import JOB, AuditTokens
from jobs.run.job import Context
from schemas.evaluations import EVALUATIONS
from schemas.image_bytes import IMAGE_BYTES
from schemas.training_examples import TRAINING_EXAMPLES
from tests.builders import build
from tests.kit import TINY_BASE

pytestmark = pytest.mark.slow


@pytest.fixture
def examples(spark: SparkSession, context: Context) -> Context:
    """Three examples: one that is taught, one that a smaller picture would save, one whose words are too many."""
    rows = [("a", 60, None), ("b", 90, "too_long"), ("c", 120, "too_long")]
    built = [
        {"example_id": i, "signature": i, "text_tokens": words, "dropped": dropped, "style": ["boho vase"]}
        for i, words, dropped in rows
    ]
    common = {"locale": "en", "split": "train", "visual_tokens": 20, "response_tokens": 20}
    context.tables.write(TRAINING_EXAMPLES, build(TRAINING_EXAMPLES, spark, *built, **common))
    stored = [{"signature": i} for i, _, _ in rows]
    context.tables.write(IMAGE_BYTES, build(IMAGE_BYTES, spark, *stored, width=112, height=140))
    return context


def knobs(limit: int = 120) -> AuditTokens:
    return AuditTokens(BaseVlm(str(TINY_BASE), min_pixels=784, max_pixels=28 * 28 * 25, max_sequence_tokens=limit))


def test_what_the_limit_costs_is_counted_said_and_kept(examples: Context) -> None:
    counts = examples.run(JOB, knobs())
    assert (counts.rows_in, counts.kept, dict(counts.dropped)) == (3, 1, {"too_long": 2})
    assert counts.produced == {"saved_by_a_smaller_picture": 1, "queries_lost": 2}
    assert f"at max_pixels {10 * 784:,} instead of {25 * 784:,} every savable one would fit" in counts.report
    rows = {(r["arm"], r["segment"], r["metric"]): r["value"] for r in examples.tables.read(EVALUATIONS).collect()}
    assert rows["whole", "style", "too_long"] == round(2 / 3, 4)
    assert rows["prompt", "locale:en/style", "tokens_max"] == 120
    assert ("whole", "description", "too_long") not in rows


def test_auditing_again_writes_nothing_and_another_limit_another_answer(examples: Context) -> None:
    examples.run(JOB, knobs())
    before = examples.tables.version(EVALUATIONS)
    examples.run(JOB, knobs())
    assert examples.tables.version(EVALUATIONS) == before
    assert examples.run(JOB, knobs(limit=200)).kept == 3


def test_without_an_example_there_is_nothing_to_say(context: Context) -> None:
    counts = context.run(JOB, knobs())
    assert (counts.rows_in, counts.report) == (0, "there is no training example")
