"""A head on vectors that a person can follow: three directions, with or without doubt between them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geo_lib.errors import ModelError
from geo_lib.training.linear import HeadRecipe, LinearHead, Rows, fitted, groups_per_class, loss_of

CLASSES = ("a", "b", "c")


def rows_of(labels: str, *, noise: float = 0.05, groups: Sequence[str] | None = None, seed: int = 1) -> Rows:
    """A row per letter, along its class's own axis but for some noise; a group per row unless ``groups`` says."""
    random = np.random.default_rng(seed)
    axes = np.eye(4)[[CLASSES.index(label) for label in labels]]
    vectors = axes + random.normal(0, noise, axes.shape)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    own = [f"g{n}" for n in range(len(labels))]
    return Rows(vectors.astype(np.float32), list(labels), groups or own, ["en"] * len(labels))


def head_of(rows: Rows, classes: Sequence[str] = CLASSES, recipe: HeadRecipe | None = None) -> LinearHead:
    return fitted(rows, classes=classes, encoder="packaged", encoder_version="v1", recipe=recipe or HeadRecipe())


@pytest.fixture(scope="module")
def clear() -> LinearHead:
    return head_of(rows_of("abc" * 20))


def test_what_lies_along_a_class_is_that_class_and_sure(clear: LinearHead) -> None:
    verdicts = clear.verdicts(np.eye(4, dtype=np.float32)[:3], ["en"] * 3)
    assert [(v.label, v.is_sure) for v in verdicts] == [("a", True), ("b", True), ("c", True)]
    assert all(v.confidence > 0.9 for v in verdicts)


def test_probabilities_are_those_of_the_classes_and_sum_to_one(clear: LinearHead) -> None:
    probabilities = clear.probabilities(rows_of("cab").vectors)
    assert probabilities.shape == (3, 3)
    assert probabilities.sum(axis=1) == pytest.approx([1, 1, 1])
    assert probabilities.argmax(axis=1).tolist() == [2, 0, 1]


def test_nothing_is_sure_in_a_segment_that_no_row_was_of(clear: LinearHead) -> None:
    (verdict,) = clear.verdicts(np.eye(4, dtype=np.float32)[:1], ["fr"])
    assert (verdict.label, verdict.is_sure) == ("a", False)


def test_where_no_confidence_is_right_often_enough_nothing_is_sure() -> None:
    rows = rows_of("abc" * 30)
    shuffled = np.random.default_rng(2).permutation(rows.labels).tolist()
    guessing = head_of(replace(rows, labels=shuffled))
    verdicts = guessing.verdicts(rows.vectors, rows.segments)
    assert sum(v.is_sure for v in verdicts) < 0.1 * len(verdicts)


def test_what_was_held_out_and_sure_is_right_as_often_as_was_asked() -> None:
    rows = rows_of("abc" * 200, noise=0.6)
    fresh = rows_of("abc" * 200, noise=0.6, seed=2)
    sure: dict[float, int] = {}
    for least in (0.8, 0.95):
        verdicts = head_of(rows, recipe=HeadRecipe(least_precision=least)).verdicts(fresh.vectors, fresh.segments)
        right = [v.label == label for v, label in zip(verdicts, fresh.labels, strict=True) if v.is_sure]
        assert sum(right) / len(right) == pytest.approx(least, abs=0.05)
        sure[least] = len(right)
    assert len(fresh.labels) > sure[0.8] > sure[0.95] > 100


def test_of_what_is_told_with_a_confidence_that_share_is_right() -> None:
    head, fresh = head_of(rows_of("abc" * 200, noise=0.6)), rows_of("abc" * 400, noise=0.6, seed=3)
    verdicts = head.verdicts(fresh.vectors, fresh.segments)
    confidence = np.array([v.confidence for v in verdicts])
    right = np.array([v.label == label for v, label in zip(verdicts, fresh.labels, strict=True)])
    for low, high in ((0.4, 0.7), (0.7, 0.9), (0.9, 1.0)):
        mine = (confidence >= low) & (confidence < high)
        assert right[mine].mean() == pytest.approx(confidence[mine].mean(), abs=0.08)


def test_the_same_rows_make_the_same_head_and_a_group_counts_once_however_often_it_is_filled() -> None:
    rows = rows_of("abc" * 6, noise=0.4)
    once, again = head_of(rows), head_of(rows)
    assert np.array_equal(once.weights, again.weights)
    assert (once.temperature, once.thresholds) == (again.temperature, again.thresholds)
    filled = [0] * 50 + list(range(1, 18))
    repeated = Rows(
        rows.vectors[filled], [rows.labels[n] for n in filled], [rows.groups[n] for n in filled], ["en"] * len(filled)
    )
    assert np.allclose(head_of(repeated).weights, once.weights, atol=1e-2)
    assert loss_of(once, repeated) == pytest.approx(loss_of(once, rows))


def test_where_rows_weigh_alike_a_slip_within_a_group_weighs_one_row_and_no_whole_group() -> None:
    """Ten groups of ten each; one row of ``b``'s was called ``a``."""
    groups = [f"g{n // 10}" for n in range(200)]
    rows = rows_of("a" * 100 + "b" * 100, groups=groups)
    slipped = replace(rows, labels=["a"] * 101 + ["b"] * 99)
    sure = {}
    for alike in (False, True):
        head = head_of(slipped, ("a", "b"), HeadRecipe(least_precision=0.98, rows_alike=alike))
        sure[alike] = sum(v.is_sure for v in head.verdicts(rows.vectors, rows.segments))
    assert sure[True] == 200
    assert sure[False] < 150


def test_two_classes_have_a_head_too() -> None:
    rows = rows_of("ab" * 20)
    head = head_of(rows, classes=("a", "b"))
    assert head.weights.shape == (2, 4)
    assert [v.label for v in head.verdicts(rows.vectors, rows.segments)] == rows.labels


def test_the_loss_is_the_logarithm_of_the_classes_where_nothing_is_known() -> None:
    rows = rows_of("aaab")
    blank = replace(head_of(rows_of("abc" * 4)), weights=np.zeros((3, 4), np.float32), bias=np.zeros(3, np.float32))
    assert loss_of(blank, rows) == pytest.approx(np.log(3))


def test_a_class_in_a_single_group_is_refused_by_name() -> None:
    rows = rows_of("aabbc")
    assert groups_per_class(rows.labels, rows.groups, classes=CLASSES) == {"a": 2, "b": 2, "c": 1}
    with pytest.raises(ModelError, match="2 groups or more, and c has less"):
        head_of(rows)


def test_a_head_comes_back_from_its_folder_as_it_was_and_nothing_in_it_is_pickled(
    clear: LinearHead, tmp_path: Path
) -> None:
    clear.save(tmp_path)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".json", ".safetensors"]
    back = LinearHead.load(tmp_path)
    vectors = rows_of("abcabc", noise=0.5).vectors
    assert back.verdicts(vectors, ["en"] * 6) == clear.verdicts(vectors, ["en"] * 6)
    assert (back.encoder, back.encoder_version, back.classes) == ("packaged", "v1", CLASSES)


def test_a_folder_without_a_head_or_with_another_is_refused(clear: LinearHead, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no linear head"):
        LinearHead.load(tmp_path)
    clear.save(tmp_path)
    rest = tmp_path / "head.json"
    said = json.loads(rest.read_text())
    rest.write_text(json.dumps({name: value for name, value in said.items() if name != "temperature"}))
    with pytest.raises(ModelError, match=r"of another make: .*temperature"):
        LinearHead.load(tmp_path)
    rest.write_text(json.dumps(said | {"classes": ["a", "b"]}))
    with pytest.raises(ModelError, match="3 rows of weights for 2 classes"):
        LinearHead.load(tmp_path)


@pytest.mark.parametrize(
    ("knob", "value"), [("strength", 0.0), ("folds", 1), ("least_precision", 0.0), ("least_precision", 1.1)]
)
def test_a_recipe_that_no_head_can_follow_is_refused(knob: str, value: float) -> None:
    with pytest.raises(ValueError, match=knob):
        HeadRecipe(**{knob: value})  # type: ignore[arg-type]
