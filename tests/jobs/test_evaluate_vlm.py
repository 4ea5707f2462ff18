"""Five arms answer for the same held-out images; what the job measures is what the notebook draws."""

from collections.abc import Sequence
from itertools import count

import pytest
from pyspark.sql import SparkSession

from geo_lib.errors import QualityError, TooManyFailedError
from geo_lib.models import ModelFiles, base_files
from geo_lib.serving.settings import AskedVlm
from geo_lib.training.split import HeldOut, split_of
from jobs import annotate_images
from jobs.annotate_images import AnnotateImages
from jobs.evaluate_vlm import JOB, EvaluateVlm
from jobs.run.job import Context
from schemas.evaluations import EVALUATIONS
from schemas.image_bytes import IMAGE_BYTES
from schemas.images import IMAGES
from schemas.training_examples import TRAINING_EXAMPLES
from schemas.truth_images import TRUTH_IMAGES
from schemas.truth_intents import TRUTH_INTENTS
from tests.builders import build
from tests.kit import PROMPT, TINY_BASE, Drawn, drawn

pytestmark = pytest.mark.slow

ARMS = ["tuned", "shuffled_images", "most_frequent", "nearest_training_image", "untuned_base"]


def split_key(split: str, number: int) -> str:
    keys = (f"key-{n}" for n in count())
    return [
        key for key, _ in zip((k for k in keys if split_of(k, HeldOut()) == split), range(number + 1), strict=False)
    ][-1]


@pytest.fixture
def platform(spark: SparkSession, context: Context, tuned_vlm: ModelFiles) -> Context:
    """Held out: five pictures that the model of the tests knows by heart. In training: three others."""
    base = base_files(str(TINY_BASE), cache="unused")
    for files, alias in ((tuned_vlm, "vlm@champion"), (base, "vlm@base")):
        context.models.register("vlm", files)
        context.models.point(alias, files.model_version)
    known, others = drawn(5), drawn(3, first=100)
    catalogue = [(p, "held_out", n) for n, p in enumerate(known)] + [(p, "train", n) for n, p in enumerate(others)]
    images = [
        {"image_id": f"i{split}{n}", "signature": p.signature, "split_key": split_key(split, n), "locale": "en"}
        for p, split, n in catalogue
    ]
    tables = context.tables
    tables.write(IMAGES, build(IMAGES, spark, *images))
    stored = [{"signature": p.signature, "bytes": bytearray(p.content)} for p, _, _ in catalogue]
    tables.write(IMAGE_BYTES, build(IMAGE_BYTES, spark, *stored, width=112, height=112))
    examples = [
        {"example_id": p.signature[:32], "signature": p.signature, "split": split, "locale": "en", "prompt": PROMPT}
        | {c: list(queries) for c, queries in p.queries.items()}
        for p, split, _ in catalogue
    ]
    tokens = {"visual_tokens": 1, "text_tokens": 1, "response_tokens": 1}
    tables.write(TRAINING_EXAMPLES, build(TRAINING_EXAMPLES, spark, *examples, **tokens))
    context.run(annotate_images.JOB, AnnotateImages())
    return context


def write_truth(context: Context, pictures: Sequence[Drawn]) -> None:
    spark, truth = context.tables.spark, context.tables.truth
    seen = [
        {"image_id": p.signature, "signature": p.signature, "locale": "en", "novel_combination": n == 0}
        for n, p in enumerate(pictures)
    ]
    intents = [
        {
            "signature": p.signature,
            "locale": "en",
            "category": c,
            "intent": f"{n}",
            "paraphrases": ["other", q],
            "head": q,
        }
        for p in pictures
        for c, queries in p.queries.items()
        for n, q in enumerate(queries)
    ]
    truth.write(TRUTH_IMAGES, build(TRUTH_IMAGES, spark, *seen))
    truth.write(TRUTH_INTENTS, build(TRUTH_INTENTS, spark, *intents))


def measured(context: Context, evaluation: str) -> dict[tuple[str, str], float]:
    rows = context.tables.read(EVALUATIONS).where(f"evaluation = '{evaluation}'").collect()
    return {(r["arm"], r["segment"]): r["value"] for r in rows}


def test_a_model_that_knows_the_pictures_beats_the_same_model_shown_others_and_every_arm_is_printed(
    platform: Context,
) -> None:
    write_truth(platform, drawn(5))
    with pytest.raises(QualityError, match=r"tuned scores .* and min_gain_over_shuffled asks for 1.500"):
        platform.run(JOB, EvaluateVlm(min_score=0.5, min_gain_over_shuffled=1.5))
    refused = platform.tables.version(EVALUATIONS)
    counts = platform.run(JOB, EvaluateVlm(min_score=0.5, min_gain_over_shuffled=0.25))
    values = measured(platform, "vlm_quality")
    assert (counts.rows_in, counts.kept) == (5, 5)
    assert values["tuned", "overall"] >= 0.9
    assert values["tuned", "overall"] - values["shuffled_images", "overall"] >= 0.25
    assert values["tuned", "overall"] > max(values[arm, "overall"] for arm in ARMS[2:])
    assert values["paper_table_2", "overall"] == 0.46
    assert {segment for arm, segment in values if arm == "tuned"} == {
        "overall", "description", "style", "use_case", "novel_combinations", "locale:en",
    }  # fmt: skip
    assert [line.split()[0] for line in counts.report.splitlines()[2:]] == ARMS

    assert platform.tables.version(EVALUATIONS) == refused, "a model that is not good enough leaves its rows, too"


def test_an_arm_whose_engine_fails_stops_the_job_instead_of_scoring_zero(platform: Context) -> None:
    no_room_for_a_prompt = EvaluateVlm(vlm=AskedVlm(max_model_len=280))
    with pytest.raises(TooManyFailedError, match=r"5 of 5 answers of the arm shuffled_images.*too_many_tokens 5"):
        platform.run(JOB, no_room_for_a_prompt)
    assert platform.tables.read(EVALUATIONS).isEmpty()


def test_without_a_truth_the_console_stands_in_and_the_evaluation_says_so(platform: Context) -> None:
    counts = platform.run(JOB, EvaluateVlm(signatures=3))
    assert (counts.rows_in, counts.kept, counts.dropped) == (5, 3, {"no_truth": 0, "beyond_the_sample": 2})
    assert counts.report.count(", 0 without an answer") == 3
    values = measured(platform, "vlm_quality_console")
    assert {arm for arm, _ in values} == {*ARMS, "paper_table_2"}
    assert values["tuned", "overall"] >= 0.9
    assert measured(platform, "vlm_quality") == {}


def test_a_preferred_model_that_does_not_serve_is_an_arm_of_its_own_with_its_gain_image_by_image(
    platform: Context,
) -> None:
    write_truth(platform, drawn(5))
    platform.models.point("vlm@preferred", platform.models.resolve("vlm@base").model_version)
    counts = platform.run(JOB, EvaluateVlm())
    values = measured(platform, "vlm_quality")
    assert values["preferred", "overall"] == values["untuned_base", "overall"]
    gain = values["preferred", "overall"] - values["tuned", "overall"]
    assert values["preferred_above_tuned", "overall"] == pytest.approx(gain, abs=1e-3)
    assert "preferred_above_tuned" in counts.report

    platform.models.point("vlm@preferred", platform.models.resolve("vlm@champion").model_version)
    platform.run(JOB, EvaluateVlm())
    assert not {"preferred", "preferred_above_tuned"} & {arm for arm, _ in measured(platform, "vlm_quality")}
