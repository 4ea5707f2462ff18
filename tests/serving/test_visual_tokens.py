"""What an image costs, against the processor's own arithmetic and the paper's figures."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from geo_lib.serving.visual_tokens import PixelBounds, visual_tokens
from geo_lib.spark import local_frame

DEFAULT = PixelBounds(min_pixels=56 * 56, max_pixels=28 * 28 * 1280)
PAPER = PixelBounds(min_pixels=175_616, max_pixels=602_112)

sides = st.integers(1, 4_000)


def test_a_small_square_costs_64_tokens_and_two_markers_by_default_and_225_within_the_papers_bounds() -> None:
    assert DEFAULT.visual_tokens(224, 224) + 2 == 66
    assert PAPER.visual_tokens(224, 224) == 225


def test_a_tall_pin_leaves_under_300_of_1024_tokens_to_words() -> None:
    assert PAPER.visual_tokens(736, 1104) == 726


def test_the_papers_bounds_are_224_and_768_tokens() -> None:
    assert (PAPER.min_pixels // 784, PAPER.max_pixels // 784) == (224, 768)
    assert (896 * 672, PAPER.visual_tokens(896, 672)) == (602_112, 768)
    assert PAPER.visual_tokens(4000, 3000) <= 768


@settings(deadline=None)  # the first call imports transformers
@given(width=sides, height=sides, bounds=st.sampled_from([DEFAULT, PAPER, PixelBounds(3136, 19600)]))
def test_the_count_is_the_processors_own(width: int, height: int, bounds: PixelBounds) -> None:
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

    assume(max(width, height) <= 200 * min(width, height))
    resized = smart_resize(height, width, factor=28, min_pixels=bounds.min_pixels, max_pixels=bounds.max_pixels)
    assert bounds.visual_tokens(width, height) == resized[0] * resized[1] // 784


@pytest.mark.transform
def test_the_column_counts_as_python_does_and_is_null_for_a_strip_that_no_model_takes(spark: SparkSession) -> None:
    sizes = [(1, 1), (14, 14), (42, 70), (70, 42), (98, 126), (224, 224), (736, 1104), (3999, 20), (13, 900)]
    for bounds in (DEFAULT, PAPER):
        df = local_frame(spark, [*sizes, (1, 201)], "width int, height int")
        rows = df.select("width", "height", visual_tokens(F.col("width"), F.col("height"), bounds)).collect()
        counted = {(r[0], r[1]): r[2] for r in rows}
        assert counted.pop((1, 201)) is None
        assert counted == {size: bounds.visual_tokens(*size) for size in sizes}


@pytest.mark.transform
def test_a_row_may_have_a_bound_of_its_own(spark: SparkSession) -> None:
    df = local_frame(spark, [(736, 1104, n * 784) for n in (224, 500, 768)], "width int, height int, most int")
    counted = visual_tokens(F.col("width"), F.col("height"), PAPER, max_pixels=F.col("most"))
    rows = df.select("most", counted.alias("tokens")).collect()
    of_each = {
        most: PixelBounds(PAPER.min_pixels, most).visual_tokens(736, 1104) for most in (175_616, 392_000, 602_112)
    }
    assert {r["most"]: r["tokens"] for r in rows} == of_each


def test_a_strip_beyond_the_aspect_ratio_is_refused_with_its_size() -> None:
    with pytest.raises(ValueError, match="201 x 1"):
        DEFAULT.visual_tokens(201, 1)


def test_bounds_that_no_image_can_meet_are_refused() -> None:
    with pytest.raises(ValueError, match="min_pixels <= max_pixels"):
        PixelBounds(min_pixels=10_000, max_pixels=5_000)
