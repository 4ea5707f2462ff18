"""A picture from a latent: the same latent, seed and size give the same pixels."""

import numpy as np
from PIL import Image

from geo_lib.demo.pictures.canvas import Canvas
from geo_lib.demo.pictures.scenes import SCENES
from geo_lib.demo.pictures.shapes import HANGING, SHAPES
from geo_lib.demo.pictures.shapes.pen import Pen
from geo_lib.demo.truth.latent import Latent, stream_seed
from geo_lib.provenance import code_digest, version_of

ASPECTS = ((4, 5), (1, 1), (3, 4))
"""Width to height: what people pin is mostly upright."""

WIDE = {"sofa": 0.88, "bed": 0.9, "rug": 0.9, "bookshelf": 0.95}
"""Kinds that reach beyond their box are drawn a little smaller."""


def draw(latent: Latent, seed: int, size: int) -> Image.Image:
    """Draw the latent with the seed's scene, place, scale, light and props; ``size`` is the longer side in pixels."""
    rng = np.random.default_rng(stream_seed("draw", seed))
    across, down = ASPECTS[int(rng.choice(len(ASPECTS), p=(0.45, 0.35, 0.2)))]
    height = size if down >= across else round(size * down / across)
    width = size if across >= down else round(size * across / down)
    side = -1.0 if rng.random() < 0.75 else 1.0
    canvas = Canvas(width, height, light=(0.6 * side, -0.8))

    SCENES[latent.setting](canvas, np.random.default_rng(rng.integers(2**63)))
    scale = float(rng.uniform(0.37, 0.44)) * canvas.unit
    scale *= WIDE.get(latent.kind, 1.0)
    x = 0.5 + float(rng.uniform(-0.06, 0.06))
    if latent.kind in HANGING:
        y = float(rng.uniform(0.43, 0.5))
    else:
        y = float(rng.uniform(0.87, 0.92)) - scale / canvas.height
    pen = Pen(canvas, latent, x=x, y=y, scale=scale, flip=bool(rng.random() < 0.5), seed=int(rng.integers(2**63)))
    SHAPES[latent.kind](pen)
    canvas.finish(warmth=float(rng.uniform(-0.025, 0.045)), vignette=float(rng.uniform(0.02, 0.1)))
    return canvas.image()


def drawing_version() -> str:
    """A hash of what decides an image's pixels: this module, all it rests on, and the library that draws."""
    import PIL

    return version_of(code=code_digest(__name__), pillow=PIL.__version__)
