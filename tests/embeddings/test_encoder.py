"""Text models: the real packaged one, and a folder that holds none."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from geo_lib.embeddings.encoder import Remembering, load_packaged, text_model
from geo_lib.embeddings.vectors import Vectors
from geo_lib.errors import ModelError


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no modules\.json"):
        text_model(str(tmp_path))


def test_the_packaged_model_puts_like_texts_near_each_other() -> None:
    oak, desk, birthday = load_packaged().encode(["oak table", "wooden desk", "birthday balloons"])
    assert oak @ desk > 0.5 > oak @ birthday


def test_what_was_encoded_once_is_remembered_in_whatever_order_it_is_asked_for() -> None:
    asked: list[str] = []

    class Lengths:
        def encode(self, texts: Sequence[str]) -> Vectors:
            asked.extend(texts)
            return np.array([[len(text), 1] for text in texts], np.float32)

    encoder = Remembering(Lengths())
    assert encoder.encode(["bb", "a", "bb"])[:, 0].tolist() == [2, 1, 2]
    assert encoder.encode(["ccc", "a"])[:, 0].tolist() == [3, 1]
    assert asked == ["bb", "a", "ccc"]
