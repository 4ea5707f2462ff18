"""A model that prefers what was clicked is registered beside the tuned one, and serves where that is asked for."""

import subprocess
import sys

import pytest
from pyspark.sql import SparkSession

from geo_lib.errors import ModelError
from geo_lib.models import VLM, ModelFiles
from geo_lib.vlm.parity import Parity
from geo_lib.vlm.preference import PreferenceRecipe
from geo_lib.vlm.settings import BaseVlm
from jobs.prefer_vlm import JOB, PreferVlm
from jobs.run.job import Context
from jobs.run.workflow import ROOT
from schemas.preference_pairs import PREFERENCE_PAIRS
from schemas.query_performance import QUERY_PERFORMANCE
from tests.builders import build
from tests.jobs.teaching import teach
from tests.kit import TINY_BASE


def _platform(spark: SparkSession, context: Context, *, clicks: int = 0) -> None:
    """Six training examples and two held-out ones, each shown for the first query of the next."""
    pictures = teach(context, 8)
    seen = [
        {"signature": p.signature, "query": query}
        for p, other in zip(pictures, pictures[1:] + pictures[:1], strict=True)
        for queries in other.queries.values()
        for query in queries[:1]
    ]
    performance = build(
        QUERY_PERFORMANCE, spark, *seen, impressions=20, clicks=clicks, attribution="primary_image"
    )  # fmt: skip
    context.tables.write(QUERY_PERFORMANCE, performance)


def _registered(context: Context, tuned: ModelFiles) -> None:
    context.models.register(VLM, tuned)
    context.models.point("vlm@champion", tuned.model_version)


def knobs(*, pairs: int = 100, promote: bool = False) -> PreferVlm:
    return PreferVlm(
        pairs=pairs,
        promote=promote,
        vlm=BaseVlm(str(TINY_BASE)),
        recipe=PreferenceRecipe(epochs=4, batch_size=3, lora_rank=4, learning_rate=1e-3),
        parity=Parity(examples=0),
    )


def test_unless_asked_for_it_reads_nothing_and_leaves_nothing(context: Context) -> None:
    counts = context.run(JOB, PreferVlm())
    assert (counts.rows_in, counts.kept, counts.produced) == (0, 0, {})
    assert "set prefer_vlm.pairs" in counts.report
    assert not context.tables.exists(PREFERENCE_PAIRS)
    assert context.models.find("vlm@preferred") is None


def test_unless_asked_for_it_loads_no_library_that_trains() -> None:
    code = "import sys, jobs.prefer_vlm as j; j.run(None, j.PreferVlm()); print({'torch', 'trl'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_knobs_that_cannot_be_are_named() -> None:
    with pytest.raises(ValueError, match="pairs must not be negative"):
        PreferVlm(pairs=-1)
    with pytest.raises(ValueError, match="beta must be above 0, not 0"):
        PreferenceRecipe(beta=0)


def test_without_a_tuned_model_there_is_nothing_to_start_from_and_the_sentence_says_so(
    spark: SparkSession, context: Context
) -> None:
    with pytest.raises(ModelError, match="no model carries the alias vlm@champion"):
        context.run(JOB, knobs())


@pytest.mark.slow
def test_where_nobody_ignored_anything_there_is_no_model_and_the_report_says_what_lacks(
    spark: SparkSession, context: Context, tuned_vlm: ModelFiles
) -> None:
    _platform(spark, context, clicks=1)
    _registered(context, tuned_vlm)
    counts = context.run(JOB, knobs())
    assert (counts.rows_in, counts.kept, counts.dropped) == (8, 0, {"nothing_ignored": 8})
    assert "no model: none of 8 training examples has a query" in counts.report
    assert context.models.find("vlm@preferred") is None


@pytest.mark.slow
def test_a_preferred_model_is_made_once_and_serves_where_that_is_asked_for(
    spark: SparkSession, context: Context, tuned_vlm: ModelFiles
) -> None:
    _platform(spark, context)
    _registered(context, tuned_vlm)
    counts = context.run(JOB, knobs())
    preferred = context.models.resolve("vlm@preferred")
    assert (counts.rows_in, counts.kept) == (8, 8)
    assert (counts.produced["train_pairs"], counts.produced["held_out_pairs"]) == (6, 2)
    assert counts.produced["trained"] == 1
    assert preferred.model_version.startswith(f"{tuned_vlm.model_version}-preferred-")
    assert preferred.digest != tuned_vlm.digest
    assert context.models.resolve("vlm@champion").model_version == tuned_vlm.model_version
    for row in context.tables.read(PREFERENCE_PAIRS).collect():
        assert len(row["retained"]) == len(row["ignored"]) >= 1
        assert not set(row["ignored"]) & set(row["retained"])

    serving = context.run(JOB, knobs(promote=True))
    assert serving.produced["trained"] == 0
    assert context.models.resolve("vlm@champion") == preferred
    again = context.run(JOB, knobs(promote=True))
    assert again.produced["trained"] == 0, "made from the tuned model again, and not from itself"
    context.run(JOB, knobs(promote=False))
    assert context.models.resolve("vlm@champion").model_version == tuned_vlm.model_version
