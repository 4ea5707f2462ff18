"""Means of means, and intervals that follow from the seed alone."""

import pytest

from geo_lib.evaluation.intervals import macro_mean


def test_categories_weigh_alike_however_many_signatures_have_them() -> None:
    estimate = macro_mean([[1.0, 0.0], [1.0, None], [1.0, None]], seed=0)
    assert estimate is not None
    assert (estimate.value, estimate.n) == (0.5, 3)


def test_the_papers_overall_is_the_macro_mean_of_its_categories() -> None:
    estimate = macro_mean([[0.63, 0.40, 0.34]], seed=0)
    assert estimate is not None
    assert round(estimate.value, 2) == 0.46


def test_equal_scores_leave_no_doubt_and_one_signature_gives_no_interval() -> None:
    same = macro_mean([[0.5]] * 10, seed=0)
    one = macro_mean([[0.5]], seed=0)
    assert same is not None
    assert one is not None
    assert (same.ci_low, same.ci_high) == (0.5, 0.5)
    assert (one.ci_low, one.ci_high) == (None, None)


def test_the_interval_is_near_the_normal_one_and_depends_on_the_seed_alone() -> None:
    scores = [[float(n % 2)] for n in range(100)]
    estimate = macro_mean(scores, seed=1)
    assert estimate is not None
    assert estimate.ci_low == pytest.approx(0.5 - 1.96 * 0.05, abs=0.02)
    assert estimate.ci_high == pytest.approx(0.5 + 1.96 * 0.05, abs=0.02)
    assert macro_mean(scores, seed=1) == estimate


def test_a_signature_is_drawn_whole() -> None:
    """Perfectly opposed categories: the mean over a signature is always a half, so there is no spread."""
    opposed = macro_mean([[1.0, 0.0], [0.0, 1.0]] * 20, seed=0)
    assert opposed is not None
    assert (opposed.ci_low, opposed.ci_high) == (0.5, 0.5)


@pytest.mark.parametrize("scores", [[], [[None, None]]])
def test_nothing_to_average_is_no_estimate(scores: list[list[float | None]]) -> None:
    assert macro_mean(scores, seed=0) is None
