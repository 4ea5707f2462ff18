"""The latent truth of one image, and how the platform's images are sampled."""

import hashlib
from dataclasses import dataclass
from functools import cache

import numpy as np

from geo_lib.demo.truth.worlds import vocabulary


@dataclass(frozen=True, slots=True)
class Latent:
    """What one image shows. Everything that the platform says about it follows from this and the locale."""

    world: str
    kind: str
    colour: str
    pattern: str
    material: str
    setting: str

    @property
    def reserved(self) -> bool:
        """Whether its (kind, colour) is kept from every training image, to test what was learned and not copied."""
        return (self.kind, self.colour) in reserved_combinations()


@cache
def reserved_combinations() -> frozenset[tuple[str, str]]:
    """Every second kind loses one colour: 12 of 192 combinations, about 6 % of the images."""
    vocab = vocabulary()
    kinds = sorted(
        (kind for world in vocab.worlds.values() for kind in world.kinds),
        key=lambda kind: stream_seed("reserved", kind),
    )
    return frozenset(
        (kind, min(vocab.colours, key=lambda colour: stream_seed("reserved", kind, colour)))
        for kind in kinds[: len(kinds) // 2]
    )


def stream_seed(*parts: object) -> int:
    """A 64-bit seed for a named stream: independent of order, process and platform size."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def sample_latent(seed: int) -> Latent:
    """One image's attributes: worlds, then kinds, then the rest, each uniform over what goes together."""
    rng = np.random.default_rng(seed)
    vocab = vocabulary()

    def pick(options: object) -> str:
        choices = list(options)  # type: ignore[call-overload]
        return str(choices[int(rng.integers(len(choices)))])

    world = vocab.worlds[pick(vocab.worlds)]
    kind = world.kinds[pick(world.kinds)]
    return Latent(
        world=world.name,
        kind=kind.name,
        colour=pick(vocab.colours),
        pattern=pick(vocab.patterns),
        material=pick(kind.materials),
        setting=pick(kind.settings),
    )


def every_latent() -> list[Latent]:
    """All attribute combinations that can occur, in a fixed order."""
    vocab = vocabulary()
    return [
        Latent(world.name, kind.name, colour, pattern, material, setting)
        for world in vocab.worlds.values()
        for kind in world.kinds.values()
        for colour in vocab.colours
        for pattern in vocab.patterns
        for material in kind.materials
        for setting in kind.settings
    ]
