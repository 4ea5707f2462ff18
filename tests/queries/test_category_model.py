"""The model is believed where it is sure, the rules where it is not, and where there is none."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geo_lib.embeddings.encoder import PACKAGED, text_model
from geo_lib.embeddings.vectors import Vectors
from geo_lib.errors import ModelError
from geo_lib.models import ModelFiles
from geo_lib.queries.category_model import CategoryModel, Told, category_model, loader, told
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.training.linear import LinearHead

STYLISH, PURPOSEFUL = "walk with the dog at dawn", "gift ideas"
HEAD = LinearHead(
    classes=CATEGORIES,
    weights=np.array([[0, 0], [4, 0], [0, 1]], np.float32),
    bias=np.zeros(3, np.float32),
    temperature=1.0,
    thresholds={"en": {"style": 0.9, "use_case": 0.9}},
    encoder=PACKAGED,
    encoder_version="v1",
)
"""Sure of a style along the first axis, unsure of a use case along the second, and of English alone."""


class TwoAxes:
    """An encoder that knows one text; every other one lies along the second axis."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.array([[1, 0] if text == STYLISH else [0, 1] for text in texts], np.float32)


def model() -> CategoryModel:
    return CategoryModel(HEAD, TwoAxes())


def test_what_the_model_is_sure_of_is_its_with_its_confidence_and_the_rest_is_of_the_rules() -> None:
    sure, unsure = told([("en", "Walk with the  DOG at dawn!"), ("en", PURPOSEFUL)], model)
    assert (sure.category, round(sure.confidence or 0, 3)) == ("style", 0.965)
    assert unsure == Told("use_case", None)


def test_in_a_language_without_labels_the_rules_tell_all() -> None:
    (answer,) = told([("de", "gartenfest ideen")], model)
    assert answer == Told("use_case", None)


def test_without_a_model_the_rules_tell_all_and_nothing_is_loaded_for_nothing() -> None:
    assert told([("en", "red chair"), ("en", PURPOSEFUL)]) == [Told("description", None), Told("use_case", None)]
    assert loader(None) is None

    def never() -> CategoryModel:
        raise AssertionError("nothing was asked")

    assert told([], never) == []


@pytest.mark.slow
def test_a_registered_model_is_loaded_with_its_encoder_and_left_alone_when_that_is_another_by_now(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = text_model(PACKAGED).model_version
    wide = replace(HEAD, weights=np.ones((3, 384), np.float32), encoder_version=now)
    wide.save(tmp_path)
    load = loader(ModelFiles("m", str(tmp_path), "digest"))
    assert load is not None
    assert [it.confidence for it in told([("en", "a chair to sit in")], load)] == [None]
    older = tmp_path / "older"
    older.mkdir()
    replace(wide, encoder_version="v0").save(older)
    with pytest.raises(ModelError, match=f"vectors of packaged v0, which is {now} by now; run geo train-categories"):
        category_model(str(older))
    assert loader(ModelFiles("m", str(older), "digest")) is None
    assert "rules alone tell categories: categories@champion was trained on vectors of packaged v0" in caplog.text
