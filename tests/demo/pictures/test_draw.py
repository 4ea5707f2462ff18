from dataclasses import replace

import numpy as np
import pytest

from geo_lib.demo.pictures.draw import ASPECTS, draw
from geo_lib.demo.pictures.scenes import SCENES
from geo_lib.demo.pictures.shapes import SHAPES
from geo_lib.demo.pictures.textures import MATERIALS, PATTERNS
from geo_lib.demo.truth.latent import Latent, every_latent
from geo_lib.demo.truth.worlds import vocabulary

SKIRT = Latent("fashion", "skirt", "navy", "striped", "satin", "beach")


def pixels(latent: Latent, seed: int = 3, size: int = 112) -> np.ndarray:
    return np.asarray(draw(latent, seed, size), dtype=np.float32)


def test_the_same_arguments_give_the_same_bytes() -> None:
    assert draw(SKIRT, 5, 160).tobytes() == draw(SKIRT, 5, 160).tobytes()


def test_another_seed_shows_the_same_thing_otherwise() -> None:
    one, other = draw(SKIRT, 5, 112), draw(SKIRT, 6, 112)
    assert one.size != other.size or one.tobytes() != other.tobytes()


def test_whatever_the_vocabulary_names_can_be_drawn() -> None:
    words = vocabulary()
    kinds = {kind for world in words.worlds.values() for kind in world.kinds}
    settings = {setting for world in words.worlds.values() for setting in world.settings}
    assert kinds == set(SHAPES)
    assert settings == set(SCENES)
    assert set(words.patterns) == set(PATTERNS)
    assert set(words.materials) == set(MATERIALS)


@pytest.mark.parametrize("kind", sorted(SHAPES))
def test_every_kind_is_drawn_in_the_middle_and_in_its_colour(kind: str) -> None:
    latent = next(x for x in every_latent() if x.kind == kind and x.colour == "red" and x.pattern == "plain")
    navy = replace(latent, colour="navy")
    red_minus_navy = pixels(latent) - pixels(navy)
    height, width, _ = red_minus_navy.shape
    middle = red_minus_navy[height // 4 : -height // 8, width // 4 : -width // 4]
    assert middle[:, :, 0].mean() > 8, "redder"
    assert middle[:, :, 2].mean() < -4, "less blue"


@pytest.mark.parametrize(
    ("attribute", "value"), [("colour", "pink"), ("pattern", "dotted"), ("material", "denim"), ("setting", "office")]
)
def test_each_attribute_shows_at_the_size_of_a_thumbnail(attribute: str, value: str) -> None:
    difference = np.abs(pixels(SKIRT) - pixels(replace(SKIRT, **{attribute: value})))
    assert (difference.max(axis=2) > 12).mean() > 0.05


def test_pictures_are_upright_or_square_and_as_large_as_asked() -> None:
    sizes = {draw(SKIRT, seed, 120).size for seed in range(12)}
    assert {max(size) for size in sizes} == {120}
    assert {round(w / h, 2) for w, h in sizes} <= {round(a / b, 2) for a, b in ASPECTS}
    assert len(sizes) == len(ASPECTS)


def test_a_picture_looks_alike_at_any_size() -> None:
    small = np.asarray(draw(SKIRT, 9, 120).resize((60, 60)), dtype=np.float32)
    large = np.asarray(draw(SKIRT, 9, 480).resize((60, 60)), dtype=np.float32)
    assert np.abs(small - large).mean() < 6
