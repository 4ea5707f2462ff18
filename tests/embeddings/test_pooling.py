"""One vector for several texts."""

from collections.abc import Sequence

import numpy as np
import pytest

from geo_lib.embeddings.pooling import pooled
from geo_lib.embeddings.vectors import Vectors
from geo_lib.errors import ModelError


class Broken:
    """Answers with vectors of the wrong length: no real encoder does it on demand."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.full((len(texts), 4), 0.7, dtype=np.float32)


class Compass:
    """Four directions, so that means can be counted by hand."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.array([{"n": (0, 1), "s": (0, -1), "e": (1, 0), "w": (-1, 0)}[t] for t in texts], dtype=np.float32)


def test_an_image_points_where_its_texts_point_on_average() -> None:
    north_east = pooled(Compass(), [["n", "e"], ["n"]])
    assert north_east == pytest.approx(np.array([[0.5**0.5, 0.5**0.5], [0, 1]]), abs=1e-6)


def test_texts_that_cancel_out_are_refused() -> None:
    with pytest.raises(ModelError, match="cancel out"):
        pooled(Compass(), [["n", "s"]])


def test_an_encoder_that_does_not_give_unit_vectors_is_caught() -> None:
    with pytest.raises(ModelError, match=r"'lamp' is 0\.4 off unit length"):
        pooled(Broken(), [["lamp"]])
