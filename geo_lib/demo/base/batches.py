"""Pictures and texts into batches for the tiny base model, exactly as Qwen2-VL's processor would lay them out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo_lib.demo.base.pretraining import CELL, Grid, Picture
from geo_lib.demo.base.tokenizer import IMAGE, STOP
from geo_lib.demo.pictures.canvas import Array, rgb

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

PATCH, MERGE = 14, 2
MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)


def patches(pixels: Array) -> Array:
    """What Qwen2-VL's processor makes of normalised pictures (n, height, width, 3): rows of 2 x 3 x 14 x 14 values."""
    n, height, width, _ = pixels.shape
    rows, columns = height // CELL, width // CELL
    cut = pixels.reshape(n, rows, MERGE, PATCH, columns, MERGE, PATCH, 3)
    ordered = cut.transpose(0, 1, 4, 2, 5, 7, 3, 6)[:, :, :, :, :, :, None]
    twice = np.repeat(ordered, 2, axis=6)
    return np.ascontiguousarray(twice.reshape(n * rows * columns * MERGE * MERGE, -1))


def augment(pixels: NDArray[np.uint8], rng: np.random.Generator | None) -> Array:
    """Normalise; with an ``rng``, also mirror, shift by a few pixels and change brightness and contrast a little."""
    batch = pixels.astype(np.float32) / 255
    if rng is not None:
        n = len(batch)
        mirrored = rng.random(n) < 0.5
        batch[mirrored] = batch[mirrored, :, ::-1]
        down, across = rng.integers(-7, 8, 2)
        batch = np.roll(batch, (int(down), int(across)), axis=(1, 2))
        contrast = rng.uniform(0.9, 1.1, (n, 1, 1, 1)).astype(np.float32)
        brightness = rng.uniform(-0.04, 0.04, (n, 1, 1, 1)).astype(np.float32)
        batch = (batch - 0.5) * contrast + 0.5 + brightness
    return np.asarray((batch - rgb(MEAN)) / rgb(DEVIATION))


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt up to the assistant's turn, with its three rows of positions."""

    ids: list[int]
    positions: NDArray[np.int64]


def prompt_of(tokenizer: "PreTrainedTokenizerBase", grid: Grid | None, text: str) -> Prompt:
    """The prompt for a picture of ``grid``, or for none, as processor and model build and number it."""
    content: list[dict[str, str]] = [{"type": "text", "text": text}]
    if grid is not None:
        content.insert(0, {"type": "image"})
    rendered = str(
        tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
        )
    )
    ids: list[int] = list(tokenizer(rendered).input_ids)
    if grid is None:
        return Prompt(ids, np.tile(np.arange(len(ids)), (3, 1)))
    rows, columns = grid
    place = ids.index(int(tokenizer.convert_tokens_to_ids(IMAGE)))
    ids[place : place + 1] = [ids[place]] * (rows * columns)
    down, across = np.divmod(np.arange(rows * columns), columns)
    seen = np.stack([np.zeros_like(down), down, across]) + place
    after = np.arange(len(ids) - place - rows * columns) + place + max(rows, columns)
    positions = np.concatenate([np.tile(np.arange(place), (3, 1)), seen, np.tile(after, (3, 1))], axis=1)
    return Prompt(ids, positions)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows padded on the right; ``labels`` is -100 wherever no loss is due."""

    ids: "torch.Tensor"
    labels: "torch.Tensor"
    positions: "torch.Tensor"


class Collator:
    """Prompts and answers into batches; prompts are built once per grid and text, so ask in few texts."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._tokenizer = tokenizer
        self._prompts: dict[tuple[Grid | None, str], Prompt] = {}
        self._end = [int(tokenizer.convert_tokens_to_ids(STOP))]

    def prompt(self, grid: Grid | None, text: str) -> Prompt:
        if (grid, text) not in self._prompts:
            self._prompts[grid, text] = prompt_of(self._tokenizer, grid, text)
        return self._prompts[grid, text]

    def __call__(self, grid: Grid | None, rows: Sequence[tuple[str, str]]) -> Batch:
        """Batch (prompt text, answer) pairs; the loss is due on the answer and its end mark."""
        import torch

        prompts = [self.prompt(grid, text) for text, _ in rows]
        answers = [list(self._tokenizer(answer).input_ids) + self._end for _, answer in rows]
        longest = max(len(p.ids) + len(a) for p, a in zip(prompts, answers, strict=True))
        ids = np.full((len(rows), longest), self._tokenizer.pad_token_id, dtype=np.int64)
        labels = np.full((len(rows), longest), -100, dtype=np.int64)
        positions = np.zeros((3, len(rows), longest), dtype=np.int64)
        for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
            start = len(prompt.ids)
            ids[row, : start + len(answer)] = prompt.ids + answer
            labels[row, start : start + len(answer)] = answer
            positions[:, row, :start] = prompt.positions
            positions[:, row, start:] = prompt.positions[0, -1] + 1 + np.arange(longest - start)
        return Batch(torch.from_numpy(ids), torch.from_numpy(labels), torch.from_numpy(positions))


def shuffled_batches(pictures: Sequence[Picture], size: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Endless batches of indices, each of one grid; every picture once per epoch, but for what fills no batch."""
    grids: dict[Grid, list[int]] = {}
    for index, picture in enumerate(pictures):
        grids.setdefault(picture.grid, []).append(index)
    while True:
        batches = []
        for members in grids.values():
            order = rng.permutation(members)
            batches += [order[start : start + size].tolist() for start in range(0, len(order) - size + 1, size)]
        yield from (batches[i] for i in rng.permutation(len(batches)))
