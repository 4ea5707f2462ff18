"""A sure yes stops a text, the first head's in their order; a head without a threshold stops nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from geo_lib.errors import ModelError
from geo_lib.models import ModelFiles
from geo_lib.queries.checks.check import Said
from geo_lib.queries.checks.learned import learned_check
from geo_lib.queries.eligibility.heads import HEADS, REASONS
from geo_lib.queries.eligibility.labels import Label
from geo_lib.queries.eligibility.model import eligibility_model, loader, objections
from geo_lib.queries.eligibility.training import fit_linear, learnable, losses_of
from geo_lib.training.linear import HeadRecipe, Scores, Thresholds


@dataclass
class Fixed:
    """Heads that say what they are told to."""

    said: Mapping[str, float]
    thresholds: Mapping[str, Thresholds] = field(
        default_factory=lambda: {"grey": {"en": {"grey": 0.9}}, "brand": {"en": {"brand": 0.6}, "de": {}}}
    )

    def probabilities(self, texts: Sequence[str]) -> Mapping[str, Scores]:
        return {name: np.array([[1 - share, share]] * len(texts)) for name, share in self.said.items()}


@pytest.mark.parametrize(
    ("said", "locale", "first"),
    [
        ({"grey": 0.95, "brand": 0.7}, "en", "brand"),
        ({"grey": 0.95, "brand": 0.5}, "en", "grey"),
        ({"grey": 0.8, "brand": 0.5}, "en", None),
        ({"grey": 0.99, "brand": 0.99}, "de", None),
    ],
)
def test_the_first_sure_head_objects_and_none_that_has_no_threshold_there(
    said: dict[str, float], locale: str, first: str | None
) -> None:
    assert objections(Fixed(said), [(locale, "x")]) == [first]
    check = learned_check(lambda: Fixed(said))
    assert check.reasons([Said(locale, "x", "x")]) == [None if first is None else REASONS[first]]
    assert check.stage == "eligibility"


def test_every_head_has_a_reason_code() -> None:
    assert list(REASONS) == list(HEADS)


def label(text: str, *kinds: str, locale: str = "en") -> Label:
    return Label(locale, text, frozenset(kinds), text, "train")


LOOKS = ("red", "boho", "small", "diy")
OTHERS = ("drawing", "poster", "model", "photo")
"""Of a casino they are fit: or all would be so far apart that nothing less than certain would do."""
LABELS = [
    *[label(f"{thing} {look}") for thing in ("vase", "sofa", "lamp", "rug") for look in LOOKS],
    *[label(f"{other} of a casino") for other in OTHERS],
    *[
        label(f"{deed} casino {what}", "grey")
        for deed in ("win", "best", "online", "new")
        for what in ("bonus", "slots")
    ],
    *[label("best vase bonus", "grey"), label("new online casino lamp")],  # or it would never be less than certain
]


def test_heads_are_kept_and_found_again_and_another_encoder_makes_them_unfit(tmp_path: Path) -> None:
    assert learnable(LABELS) == ["grey"]
    assert learnable(LABELS, ["brand"]) == []
    recipe = HeadRecipe(strength=10.0, least_precision=0.8)
    fit_linear(LABELS, tmp_path, encoder="packaged", recipe=recipe, heads=["grey"])
    model = eligibility_model(str(tmp_path))
    assert objections(model, [("en", "best casino spins"), ("en", "green vase"), ("fr", "best casino spins")]) == [
        "grey", None, None,
    ]  # fmt: skip
    unseen = [label("casino tricks", "grey"), label("blue rug"), label("open gmail", "weak_intent")]
    losses = losses_of(model, unseen)
    assert losses["grey"] < 0.3
    assert losses["weak_intent"] == pytest.approx(np.log(2)), "it has no such head"
    assert loader(ModelFiles("m", str(tmp_path), "d")) is not None

    head = tmp_path / "grey" / "head.json"
    head.write_text(json.dumps(json.loads(head.read_text()) | {"encoder_version": "another+1"}))
    assert loader(ModelFiles("m", str(tmp_path), "d")) is None
    eligibility_model.cache_clear()
    with pytest.raises(ModelError, match=r"another\+1.*run geo train-eligibility"):
        eligibility_model(str(tmp_path))
