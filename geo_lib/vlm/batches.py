"""Examples as tensors: token ids with the loss confined to the answer, images as the frozen tower sees them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geo_lib.errors import ModelError
from geo_lib.pictures import upright
from geo_lib.serving.chat import chat

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import Qwen2VLForConditionalGeneration, Qwen2VLProcessor

AT_ONCE = 16
"""Images that pass the vision tower together: one at a time wastes time, many at a time memory."""

IGNORED = -100
"""Label of a token that the loss leaves out: cross-entropy's own convention."""


@dataclass(frozen=True, slots=True)
class Example:
    """One conversation to learn from; see schemas/training_examples.py."""

    signature: str
    prompt: str
    response: str
    visual_tokens: int


@dataclass(frozen=True, slots=True)
class Encoded:
    """An example as token ids; ``labels`` is ``IGNORED`` everywhere but on the answer and its end of turn."""

    signature: str
    input_ids: list[int]
    labels: list[int]

    @property
    def answer_tokens(self) -> int:
        return sum(label != IGNORED for label in self.labels)


def encode(processor: "Qwen2VLProcessor", example: Example) -> Encoded:
    """Prompt and answer are tokenised apart, so that the answer starts where generation will start."""
    tokenizer = processor.tokenizer
    one_placeholder = chat(tokenizer, example.prompt)
    prompt = one_placeholder.replace(processor.image_token, processor.image_token * example.visual_tokens, 1)
    asked = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    answered = tokenizer(example.response + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
    return Encoded(example.signature, asked + answered, [IGNORED] * len(asked) + answered)


def bucketed(lengths: Sequence[int], *, batch_size: int, seed: int) -> list[list[int]]:
    """Indices in batches of examples of like length, in an order that depends on ``seed`` alone.

    Shuffled first and sorted only within windows of sixteen batches, so that batches differ from
    epoch to epoch and little of them is padding.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(lengths))
    window = 16 * batch_size
    batches: list[list[int]] = []
    for start in range(0, len(order), window):
        near = sorted(order[start : start + window].tolist(), key=lambda i: (lengths[i], i))
        batches += [near[i : i + batch_size] for i in range(0, len(near), batch_size)]
    return [batches[i] for i in random.permutation(len(batches))]


class VisualFeatures:
    """What the vision tower makes of each image. The tower is frozen, so one pass per image is enough.

    ``keep`` holds the features in memory (tokens x hidden size x 4 bytes each); without it they are
    computed anew each time, which is what a training set larger than memory needs.
    """

    def __init__(
        self,
        model: "Qwen2VLForConditionalGeneration",
        processor: "Qwen2VLProcessor",
        images: Mapping[str, bytes],
        *,
        keep: bool,
    ) -> None:
        self._model = model
        self._processor = processor
        self._images = images
        self._kept: dict[str, tuple[Tensor, Tensor]] | None = {} if keep else None

    def of(self, signatures: Sequence[str]) -> "tuple[list[Tensor], Tensor]":
        """Per image its (tokens, hidden) features, and all grids as (images, 3)."""
        import torch

        features = {} if self._kept is None else {s: self._kept[s] for s in signatures if s in self._kept}
        missing = sorted(set(signatures) - features.keys())
        if missing:
            pixels = self._processor.image_processor(
                images=[upright(self._images[s]) for s in missing], return_tensors="pt"
            ).to(self._model.device)
            with torch.no_grad():
                towers = self._model.get_image_features(pixels["pixel_values"], pixels["image_grid_thw"])
            new = dict(zip(missing, zip(towers.pooler_output, pixels["image_grid_thw"], strict=True), strict=True))
            features |= new
            if self._kept is not None:
                self._kept |= new
        return [features[s][0] for s in signatures], torch.stack([features[s][1] for s in signatures])

    def each(self, signatures: Sequence[str]) -> "Iterator[Tensor]":
        """The (tokens, hidden) features of each image in turn; the tower takes a few at a time."""
        for start in range(0, len(signatures), AT_ONCE):
            yield from self.of(signatures[start : start + AT_ONCE])[0]

    def check(self, examples: Sequence[Example], *, most: int = 64) -> None:
        """Raise ``ModelError`` unless images cost as many tokens here as the training set counted."""
        some = examples[:most]
        for example, features in zip(some, self.each([e.signature for e in some]), strict=True):
            if (tokens := features.shape[0]) != example.visual_tokens:
                raise ModelError(
                    f"image {example.signature[:12]} makes {tokens} visual tokens under this processor, but the "
                    f"training set counted {example.visual_tokens}; give build_training_set and finetune_vlm the "
                    "same base, min_pixels and max_pixels, and build the training set again"
                )


def collate(examples: Sequence[Encoded], features: VisualFeatures, *, pad: int, image_token: int) -> dict[str, Any]:
    """Keyword arguments of the model's forward pass, padded on the right; ``labels`` beside them.

    No attention mask: no token looks to its right, so none sees the padding, and attention without a mask is faster.
    """
    import torch
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    longest = max(len(example.input_ids) for example in examples)
    shape = (len(examples), longest)
    input_ids, labels = torch.full(shape, pad), torch.full(shape, IGNORED)
    for row, example in enumerate(examples):
        length = len(example.input_ids)
        input_ids[row, :length] = torch.tensor(example.input_ids)
        labels[row, :length] = torch.tensor(example.labels)
    towers, grids = features.of([example.signature for example in examples])
    device = grids.device
    return {
        "input_ids": input_ids.to(device),
        "mm_token_type_ids": (input_ids == image_token).int().to(device),
        "image_grid_thw": grids,
        "mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=tuple(towers))},
        "labels": labels.to(device),
    }
