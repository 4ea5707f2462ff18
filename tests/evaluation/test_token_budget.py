"""What the limit costs, on examples whose tokens are known."""

from collections.abc import Mapping
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from geo_lib.evaluation.token_budget import Budget, budget_lines, budget_rows, budgets, priced
from geo_lib.serving.visual_tokens import PixelBounds
from geo_lib.spark import local_frame
from schemas.training_examples import TRAINING_EXAMPLES
from tests.builders import build

pytestmark = pytest.mark.transform

PAPER = PixelBounds(min_pixels=175_616, max_pixels=602_112)
LIMIT = 1024
PIN = (736, 1104)
"""A tall pin, whose picture costs 726 tokens."""


def example(example_id: str, words: int, *, visual: int = 726, **columns: Any) -> dict[str, Any]:
    """An English example with a picture of its own and a query of each category unless ``columns`` say otherwise."""
    queries = {"description": ["a"], "style": ["b"], "use_case": ["c"]}
    counted = {"visual_tokens": visual, "text_tokens": words, "response_tokens": 24}
    return {"example_id": example_id, "signature": example_id, "locale": "en"} | queries | counted | columns


def rows_of(
    spark: SparkSession, *examples: dict[str, Any], size: tuple[int, int] = PIN, bounds: PixelBounds = PAPER
) -> DataFrame:
    sized = [(e["signature"], *size) for e in examples]
    sizes = local_frame(spark, sized, "signature string, width int, height int")
    return priced(build(TRAINING_EXAMPLES, spark, *examples), sizes, bounds=bounds, limit=LIMIT)


def measured(spark: SparkSession, *examples: dict[str, Any]) -> Mapping[str, Budget]:
    return {b.segment: b for b in budgets(rows_of(spark, *examples))}


def test_an_example_at_the_limit_fits_and_one_beyond_it_is_shown_smaller_as_far_as_the_bounds_allow(
    spark: SparkSession,
) -> None:
    at_limit, beyond = example("fits", 274), example("long", 275)
    smallest, words_alone = example("smallest", 776), example("wordy", 777)
    rows = {r["example_id"]: r for r in rows_of(spark, at_limit, beyond, smallest, words_alone).collect()}
    assert {i: (r["whole"], r["is_too_long"], r["fits_at"]) for i, r in rows.items()} == {
        "fits": (1024, False, None),
        "long": (1025, True, 725 * 784),
        "smallest": (1526, True, 224 * 784),
        "wordy": (1527, True, None),
    }
    assert PixelBounds(PAPER.min_pixels, 725 * 784).visual_tokens(*PIN) <= 725


def test_a_strip_that_is_one_token_wide_is_not_saved_by_pixels_that_it_does_not_have(spark: SparkSession) -> None:
    strip, loose = (140, 28_000), PixelBounds(784, 602_112)
    examples = example("roomy", 700, visual=391), example("tight", 900, visual=391)
    rows = rows_of(spark, *examples, size=strip, bounds=loose).collect()
    assert PixelBounds(784, 100 * 784).visual_tokens(*strip) == 141
    assert {r["example_id"]: r["fits_at"] for r in rows} == {"roomy": 300 * 784, "tight": None}


def test_a_category_loses_the_queries_of_its_own_too_long_examples_and_no_others(spark: SparkSession) -> None:
    plain = example("a", 100)
    long = example("b", 300, style=[], use_case=["c", "d"], locale="de")
    by_segment = measured(spark, plain, long)
    assert list(by_segment) == [
        "overall",
        *("description", "style", "use_case"),
        *("locale:de", "locale:de/description", "locale:de/use_case"),
        *("locale:en", "locale:en/description", "locale:en/style", "locale:en/use_case"),
    ]
    lost = {name: (b.examples, b.too_long, b.queries_too_long, b.queries) for name, b in by_segment.items()}
    assert lost["overall"] == (2, 1, 3, 6)
    assert lost["style"] == (1, 0, 0, 1)
    assert lost["use_case"] == (2, 1, 2, 3)
    assert lost["locale:de"] == (1, 1, 3, 3)
    assert by_segment["overall"].saved == by_segment["locale:de"].saved == 1


def test_tokens_have_their_median_99th_percentile_and_most_by_part(spark: SparkSession) -> None:
    overall = measured(spark, *(example(str(n), n, visual=700) for n in range(1, 102)))["overall"]
    assert overall.tokens == {
        "visual": (700, 700, 700),
        "prompt": (51, 100, 101),
        "response": (24, 24, 24),
        "whole": (775, 824, 825),
    }


def test_every_figure_becomes_a_row_and_a_segment_a_line(spark: SparkSession) -> None:
    by_segment = measured(spark, example("a", 100), example("b", 300, style=[]))
    rows = {tuple(row[1:4]): (row[4], row[7], row[8]) for row in budget_rows(list(by_segment.values()))}
    assert rows["whole", "overall", "too_long"] == (0.5, 2, "examples")
    assert rows["whole", "overall", "queries_lost"] == (0.4, 5, "queries")
    assert rows["whole", "overall", "saved_by_a_smaller_picture"] == (1.0, 1, "examples")
    assert rows["whole", "style", "queries_lost"] == (0.0, 1, "queries")
    assert ("whole", "style", "saved_by_a_smaller_picture") not in rows, "of nothing there is no share"
    assert rows["visual", "locale:en", "tokens_p50"] == (726.0, 2, "examples")
    lines = budget_lines(list(by_segment.values()))
    assert lines[1].split()[:3] == ["overall", "2", "726/726/726"]
    assert lines[1].endswith("2 of 5, 40.0%")
    assert len(lines) == 1 + len(by_segment)
