"""Examples as tensors: token ids with the loss confined to the answer, in batches of like length."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from geo_lib.serving.chat import chat

if TYPE_CHECKING:
    from transformers import Qwen2VLProcessor

IGNORED = -100
"""Label of a token that the loss leaves out: cross-entropy's own convention."""


@dataclass(frozen=True, slots=True)
class Example:
    """One conversation to learn from; see schemas/training_examples.py."""

    signature: str
    prompt: str
    response: str
    visual_tokens: int


class StoredExamples(Sequence[Example]):
    """Examples that lie elsewhere as JSON, each read when it is wanted: a large training set fits no memory."""

    def __init__(self, stored: Mapping[str, bytes]) -> None:
        self._stored, self._ids = stored, list(stored)

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, place: int) -> Example: ...
    @overload
    def __getitem__(self, place: slice) -> list[Example]: ...
    def __getitem__(self, place: int | slice) -> Example | list[Example]:
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        return Example(**json.loads(self._stored[self._ids[place]]))


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


class Batches:
    """The batches of an epoch after another, for a ``DataLoader``; each process of several takes every so manieth.

    So that all take as many, what is missing at the end is made up by a muted example: its index lies beyond the
    examples. Without an attribute ``batch_size``, by which accelerate would drop short batches.
    """

    def __init__(
        self, lengths: Sequence[int], *, batch_size: int, seed: int, processes: int, epoch: Callable[[], int]
    ) -> None:
        self._lengths, self._size, self._seed, self._processes = lengths, batch_size, seed, processes
        self._epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        batches = bucketed(self._lengths, batch_size=self._size, seed=self._seed + self._epoch())
        yield from batches
        yield from [[len(self._lengths)]] * (len(self) - len(batches))

    def __len__(self) -> int:
        batches = -(-len(self._lengths) // self._size)
        return -(-batches // self._processes) * self._processes


class Encoding:
    """Examples as a ``DataLoader`` asks for them: read and encoded when they are wanted, so that few are in memory.

    The place behind the last has a muted example, which adds nothing to any loss.
    """

    def __init__(self, processor: "Qwen2VLProcessor", examples: Sequence[Example]) -> None:
        self._processor, self._examples = processor, examples

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, place: int) -> Encoded:
        if place < len(self):
            return encode(self._processor, self._examples[place])
        if place > len(self):
            raise IndexError(place)
        first = encode(self._processor, self._examples[0])
        return Encoded(first.signature, first.input_ids, [IGNORED] * len(first.labels))

    @cached_property
    def lengths(self) -> list[int]:
        """Tokens of every example."""
        return [len(self[place].input_ids) for place in range(len(self))]

    def collate(self, batch: Sequence[Encoded]) -> dict[str, Any]:
        """Some of these examples as the model reads them."""
        return padded(batch, pad=self._processor.tokenizer.pad_token_id, image_token=self._processor.image_token_id)


def padded(examples: Sequence[Encoded], *, pad: int, image_token: int) -> dict[str, Any]:
    """What the model reads of these examples and is to answer, padded on the right; ``signatures``: their images.

    No attention mask: no token looks to its right, so none sees the padding, and attention without a mask is faster.
    """
    import torch

    longest = max(len(example.input_ids) for example in examples)
    shape = (len(examples), longest)
    input_ids, labels = torch.full(shape, pad), torch.full(shape, IGNORED)
    for row, example in enumerate(examples):
        length = len(example.input_ids)
        input_ids[row, :length] = torch.tensor(example.input_ids)
        labels[row, :length] = torch.tensor(example.labels)
    return {
        "input_ids": input_ids,
        "mm_token_type_ids": (input_ids == image_token).int(),
        "labels": labels,
        "signatures": [example.signature for example in examples],
    }
