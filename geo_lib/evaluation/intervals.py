"""Means over signatures with bootstrap intervals. Signatures are drawn, never single queries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Draws = Callable[[NDArray[Any]], NDArray[np.float64]]
"""From how often each row is drawn, a row per resample, to each resample's value."""

RESAMPLES = 2000
DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval; no interval for fewer than two signatures."""

    value: float
    ci_low: float | None
    ci_high: float | None
    n: int


def macro_mean(scores: Sequence[Sequence[float | None]], *, seed: int, resamples: int = RESAMPLES) -> Estimate | None:
    """The mean of the columns' means, with a percentile bootstrap over rows.

    One row per signature and one column per category; null where a signature has nothing in a category.
    A column without any value is left out. Null when nothing has a value.
    """
    table = np.array([[np.nan if value is None else value for value in row] for row in scores], dtype=float)
    if table.size == 0 or np.isnan(table).all():
        return None
    table = table[:, ~np.isnan(table).all(axis=0)]
    table = table[~np.isnan(table).all(axis=1)]
    n = len(table)
    value = round(float(_mean_of_means(table, np.ones((1, n)))[0]), DECIMALS)
    return _estimate(value, n, lambda times_drawn: _mean_of_means(table, times_drawn), seed=seed, resamples=resamples)


def _mean_of_means(table: NDArray[np.float64], weights: NDArray[Any]) -> NDArray[np.float64]:
    """For each row of ``weights``, one weight per row of ``table``: the mean of the columns' weighted means."""
    known = ~np.isnan(table)
    counts = weights @ known
    sums = weights @ np.where(known, table, 0.0)
    means = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    result: NDArray[np.float64] = np.nanmean(means, axis=1)
    return result


def pooled_share(parts: Sequence[tuple[float, float]], *, seed: int, resamples: int = RESAMPLES) -> Estimate | None:
    """The sum of the first over the sum of the second of all ``parts``, with a percentile bootstrap over parts.

    A part is what belongs together, as the right and all images of one page; ``n`` is how many there are. Null when
    the second sum is 0.
    """
    table = np.array(parts, dtype=float).reshape(-1, 2)
    whole = table[:, 1].sum()
    if whole <= 0:
        return None
    value, n = round(float(table[:, 0].sum() / whole), DECIMALS), len(table)
    return _estimate(value, n, lambda times_drawn: _ratio_of_sums(table, times_drawn), seed=seed, resamples=resamples)


def _estimate(value: float, n: int, of_draws: Draws, *, seed: int, resamples: int) -> Estimate:
    """``value`` with the interval that a percentile bootstrap over its ``n`` rows gives; none for fewer than two."""
    if n < 2:
        return Estimate(value, None, None, n)
    times_drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    low, high = np.nanquantile(of_draws(times_drawn), [0.025, 0.975])
    return Estimate(value, round(float(low), DECIMALS), round(float(high), DECIMALS), n)


def _ratio_of_sums(table: NDArray[np.float64], weights: NDArray[Any]) -> NDArray[np.float64]:
    """For each row of ``weights``, one weight per row of ``table``: sum of the first column over that of the second."""
    drawn = weights @ table
    ratios: NDArray[np.float64] = np.divide(
        drawn[:, 0], drawn[:, 1], out=np.full(len(drawn), np.nan), where=drawn[:, 1] > 0
    )
    return ratios
