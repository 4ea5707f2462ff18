"""Text models: the real packaged one, and a folder that holds none."""

from pathlib import Path

import pytest

from geo_lib.embeddings.encoder import load_packaged, text_model
from geo_lib.errors import ModelError


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no modules\.json"):
        text_model(str(tmp_path))


def test_the_packaged_model_puts_like_texts_near_each_other() -> None:
    oak, desk, birthday = load_packaged().encode(["oak table", "wooden desk", "birthday balloons"])
    assert oak @ desk > 0.5 > oak @ birthday
