"""Heads from labels: how they are fitted, and what they lose on phrasings that they have not seen."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from geo_lib.embeddings.encoder import remembering, text_model
from geo_lib.queries.eligibility.features import Features
from geo_lib.queries.eligibility.heads import FIT, HEADS
from geo_lib.queries.eligibility.labels import Label, of_head, places_of, rows_of
from geo_lib.queries.eligibility.model import EligibilityModel, encoder_version, save_heads
from geo_lib.training.linear import LEAST_GROUPS, HeadRecipe, LinearHead, fitted, groups_per_class, loss_of_shares


def learnable(labels: Sequence[Label], heads: Sequence[str] = tuple(HEADS)) -> list[str]:
    """Those of ``heads`` that there are phrasings enough for, of their kind and of fit texts."""
    return [name for name in heads if min(phrasings_of(labels, name).values()) >= LEAST_GROUPS]


def phrasings_of(labels: Sequence[Label], head: str) -> dict[str, int]:
    rows = rows_of(of_head(labels, head), head, None)
    return groups_per_class(rows.labels, rows.groups, classes=(FIT, head))


def fit_linear(
    labels: Sequence[Label], folder: Path, *, encoder: str, recipe: HeadRecipe, heads: Sequence[str]
) -> None:
    """Fit a linear head for each of ``heads``, and leave them in ``folder``."""
    model = text_model(encoder)
    vectors = Features(remembering(encoder)).of([label.text for label in labels])
    made: dict[str, LinearHead] = {}
    for name in heads:
        made[name] = fitted(
            rows_of(of_head(labels, name), name, vectors[places_of(labels, name)]),
            classes=(FIT, name),
            encoder=encoder,
            encoder_version=encoder_version(model),
            recipe=recipe,
        )
    save_heads(made, folder)


def losses_of(model: EligibilityModel, labels: Sequence[Label]) -> dict[str, float]:
    """What each head loses on these labels, fit ones and those of its kind weighing alike; one that the model lacks
    knows nothing, and loses what a coin does."""
    shares = model.probabilities([label.text for label in labels])
    losses = {}
    for name in HEADS:
        if all(phrasings_of(labels, name).values()):
            rows = rows_of(of_head(labels, name), name, None)
            losses[name] = (
                loss_of_shares(shares[name][places_of(labels, name)], rows, classes=(FIT, name))
                if name in shares
                else math.log(2)
            )
    return losses


def sure_lines(thresholds: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    """A line per head: from which probability on it is sure, in each language."""
    lines = []
    for name, of_it in thresholds.items():
        sure = ", ".join(f"{at} {classes[name]:.3f}" for at, classes in sorted(of_it.items()) if name in classes)
        lines.append(f"{name:14} sure from {sure or 'nothing: it stops nothing'}")
    return lines
