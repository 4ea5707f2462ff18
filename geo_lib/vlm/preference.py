"""A tuned model that learns to prefer one answer to another, against what it was: DPO (Rafailov et al. 2023).

The reference is the model itself without its new adapters, so that one copy of the weights is enough.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_lib.errors import ModelError
from geo_lib.vlm.batches import Example
from geo_lib.vlm.features import VisualFeatures
from geo_lib.vlm.finetune import Recipe, refuse_visual_adapters

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import Qwen2VLForConditionalGeneration, Qwen2VLProcessor

    from geo_lib.vlm.trainer import Advance, Record

PREFERENCE_VERSION = 1
"""Raised when the same recipe would come out as another model."""


@dataclass(frozen=True, slots=True)
class PreferenceRecipe(Recipe):
    """How a tuned model learns to prefer. The defaults suit the tiny base; the paper names none."""

    epochs: int = 2
    learning_rate: float = 1e-4
    """A hundredth part and less of what tuned it: what it can say already is to stay."""
    batch_size: int = 8
    """Pairs, of two answers each."""
    beta: float = 0.1
    """How dear it is to differ from the reference: the higher, the nearer it stays."""

    def __post_init__(self) -> None:
        Recipe.__post_init__(self)  # slots make another class of this one, which super() does not know
        if self.beta <= 0:
            raise ValueError(f"beta must be above 0, not {self.beta}")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to one question; see schemas/preference_pairs.py."""

    signature: str
    prompt: str
    chosen: str
    rejected: str
    visual_tokens: int

    def example(self, answer: str) -> Example:
        """The question with one of both answers, as training has it."""
        return Example(self.signature, self.prompt, answer, self.visual_tokens)


@dataclass(frozen=True, slots=True)
class Preferred:
    """What came of it, in rewards: ``beta`` times the nats by which an answer is likelier than under the reference."""

    margins: list[float]
    """Per step: the chosen answers' mean reward less the rejected ones'."""
    held_out_margin: float | None
    """Over held-out pairs, after training; null where there are none."""
    held_out_share: float | None
    """The share of held-out pairs whose chosen answer has the higher reward."""


def prefer(
    model: "Qwen2VLForConditionalGeneration",
    processor: "Qwen2VLProcessor",
    *,
    train: Sequence[Pair],
    held_out: Sequence[Pair],
    images: Mapping[str, bytes],
    recipe: PreferenceRecipe,
    record: "Record" = lambda metrics, step: None,
    advance: "Advance" = lambda done, total, what: None,
) -> "tuple[PeftModel, Preferred]":
    """Train and return the model with new adapters, and how far it went; ``model`` itself is used up.

    ``images`` maps every signature to its bytes. Raises ``ModelError`` without a pair, or where pictures cost other
    tokens than the pairs say.
    """
    from geo_lib.vlm.preference_trainer import Collating, trainer_of

    if not train:
        raise ModelError(
            "there is no pair of answers to prefer one of; look at what prefer-vlm dropped, and why: it needs queries "
            "that pictures were shown for and nobody clicked"
        )
    with tempfile.TemporaryDirectory() as scratch:
        features = VisualFeatures(model, processor, images, keep=recipe.keep_visual_features)
        features.check([pair.example(pair.chosen) for pair in train])
        collate = Collating(processor, features)
        trainer = trainer_of(model, processor, train, collate, recipe, scratch, record=record, advance=advance)
        refuse_visual_adapters(trainer.model)
        trainer.train()
        apart = trainer.measured(held_out) if held_out else {}
        margins = [entry["rewards/margins"] for entry in trainer.state.log_history if "rewards/margins" in entry]
        found = Preferred(margins, apart.get("eval_rewards/margins"), apart.get("eval_rewards/accuracies"))
        return trainer.model.eval(), found
