"""The loss on answers (paper, Eq. 2): their negative log-likelihood, given image and prompt, and nothing else's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo_lib.vlm.batches import IGNORED, Encoding

if TYPE_CHECKING:
    from geo_lib.vlm.features import VisualFeatures


@dataclass(frozen=True, slots=True)
class Loss:
    """Negative log-likelihood of answers, in nats."""

    per_token: float
    per_example: float
    """Eq. 2 over the examples: comparable between models of different tokenizers."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Nats over answers, and of how much they are the sum."""

    nats: float = 0.0
    tokens: int = 0
    examples: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.nats + other.nats, self.tokens + other.tokens, self.examples + other.examples)

    def loss(self) -> Loss:
        return Loss(self.nats / self.tokens, self.nats / self.examples)


def counted(nats: float, labels: Any) -> Tally:
    """The tally of one batch; an example without any label is none."""
    answered = labels != IGNORED
    return Tally(nats, int(answered.sum()), int(answered.any(dim=1).sum()))


def tallied(
    model: Any, encoded: Encoding, features: "VisualFeatures", *, batch_size: int, part: int = 0, parts: int = 1
) -> Tally:
    """The loss over examples, in evaluation mode and without gradients; of several processes each has a part of it."""
    import torch

    model.eval()
    by_length = sorted(range(len(encoded)), key=encoded.lengths.__getitem__)[part::parts]
    tally = Tally()
    with torch.no_grad():
        for start in range(0, len(by_length), batch_size):
            batch = encoded.collate([encoded[place] for place in by_length[start : start + batch_size]])
            tally += counted(float(nats_of(model, features.beside(batch))), batch["labels"])
    return tally


def nats_of(model: Any, inputs: dict[str, Any]) -> Any:
    """Summed negative log-likelihood of the labelled tokens (Eq. 2), as a tensor.

    Logits are made from where the first answer begins: over the prompts they would cost memory and say nothing.
    """
    import torch

    inputs = dict(inputs)
    labels = inputs.pop("labels")
    labelled = (labels != IGNORED).any(dim=0).nonzero()
    first = int(labelled[0]) if len(labelled) else labels.shape[1] - 1
    with _last_layer_from(model, first - 1):
        logits = model(**inputs, use_cache=False, logits_to_keep=labels.shape[1] - first + 1).logits[:, :-1]
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1).float(), labels[:, first:].flatten(), ignore_index=IGNORED, reduction="sum"
    )


@contextmanager
def _last_layer_from(model: Any, place: int) -> Iterator[None]:
    """Within the block the last layer gives the positions from ``place`` on, and spares its feed-forward the others.

    Earlier positions are attended to and lead to no logits. A layer that is checkpointed is left whole: it is computed
    again after the block.
    """
    from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VLTextModel

    layer = next(module for module in model.modules() if isinstance(module, Qwen2VLTextModel)).layers[-1]
    if layer.gradient_checkpointing:
        yield
        return

    def forward(hidden_states: Any, **others: Any) -> Any:
        attended, _ = layer.self_attn(hidden_states=layer.input_layernorm(hidden_states), **others)
        kept = (hidden_states + attended)[:, place:]
        return kept + layer.mlp(layer.post_attention_layernorm(kept))

    layer.forward = forward
    try:
        yield
    finally:
        del layer.forward
