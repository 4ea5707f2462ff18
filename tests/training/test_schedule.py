"""The learning rate over a training."""

import math

import pytest

from geo_lib.training.schedule import warm_cosine


def test_the_rate_warms_up_linearly_peaks_and_falls_to_nothing_along_a_cosine() -> None:
    shares = [warm_cosine(step, 100, warmup_share=0.1) for step in range(101)]
    assert shares[:10] == pytest.approx([(n + 1) / 11 for n in range(10)])
    assert shares[10] == 1.0
    assert shares[55] == pytest.approx(0.5)
    assert shares[100] == pytest.approx(0.0)
    assert warm_cosine(0, 1, warmup_share=0.0) == 1.0
    assert all(math.isfinite(share) for share in shares)
