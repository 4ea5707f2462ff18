"""The pictures that the base model learns to see: drawn for it alone, from a seed stream that no platform uses."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geo_lib.demo.parallel import spread
from geo_lib.demo.pictures.draw import draw
from geo_lib.demo.truth.latent import Latent, sample_latent, stream_seed
from geo_lib.files import write_whole

PIXELS = 140 * 140
"""The model's pixel budget: the upper bound of its processor."""
FEWEST_PIXELS = 112 * 112
CELL = 28
"""Side in pixels of what becomes one visual token."""
DRAWN = 224
"""Drawn a little larger than seen, so that the resize softens it as it softens a delivered file."""
SHARD = 500

Grid = tuple[int, int]
"""Rows and columns of visual tokens."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One drawn image at model resolution: uint8, height x width x 3, both multiples of ``CELL``."""

    latent: Latent
    pixels: NDArray[np.uint8]

    @property
    def grid(self) -> Grid:
        height, width, _ = self.pixels.shape
        return height // CELL, width // CELL


def model_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) that Qwen2-VL's processor gives an image above the budget: multiples of ``CELL`` within it."""
    shrink = (width * height / PIXELS) ** 0.5
    return max(int(width / shrink / CELL), 1) * CELL, max(int(height / shrink / CELL), 1) * CELL


def pretraining_seed(stream: str, index: int) -> int:
    return stream_seed("pretraining", stream, index)


def first_latent(stream: str, index: int) -> Latent:
    """What a picture of the stream shows if reserved combinations are let through."""
    return sample_latent(stream_seed(pretraining_seed(stream, index), 0))


def picture(stream: str, index: int, *, reserved: bool = False) -> Picture:
    """The ``index``-th picture of a stream; a reserved combination gives way to the next draw, unless asked for."""
    seed = pretraining_seed(stream, index)
    retry = 0
    while (latent := sample_latent(stream_seed(seed, retry))).reserved and not reserved:
        retry += 1
    image = draw(latent, seed, DRAWN)
    scaled = image.resize(model_size(480 * image.width // DRAWN, 480 * image.height // DRAWN), Image.Resampling.BICUBIC)
    return Picture(latent, np.asarray(scaled))


def _shard(stream: str, folder: Path, bounds: tuple[int, int]) -> Path:
    start, stop = bounds
    path = folder / f"{stream}-{start:06d}-{stop:06d}.npz"
    if not path.exists():
        pictures = [picture(stream, index) for index in range(start, stop)]
        arrays = {f"p{i}": p.pixels for i, p in enumerate(pictures)}
        latents = np.array(
            [
                (p.latent.world, p.latent.kind, p.latent.colour, p.latent.pattern, p.latent.material, p.latent.setting)
                for p in pictures
            ]
        )
        write_whole(path, lambda half: np.savez(half, latents=latents, **arrays))  # type: ignore[arg-type]
    return path


def pictures(
    stream: str, count: int, folder: Path, *, processes: int = 2, progress: Callable[[int], None] = lambda done: None
) -> list[Picture]:
    """``count`` pictures of a stream, drawn once and kept in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    bounds = [(start, min(start + SHARD, count)) for start in range(0, count, SHARD)]
    found: list[Picture] = []
    for path in spread(partial(_shard, stream, folder), bounds, processes=processes):
        with np.load(path) as shard:
            latents = [Latent(*map(str, row)) for row in shard["latents"]]
            found += [Picture(latent, shard[f"p{i}"]) for i, latent in enumerate(latents)]
        progress(len(found))
    return found
