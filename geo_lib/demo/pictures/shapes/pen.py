"""Draws one object in its own coordinates: x and y from -1 to 1, the object stands on y = 1 or hangs around 0."""

from collections.abc import Sequence

import numpy as np

from geo_lib.demo.pictures.canvas import Canvas, Fill, Point, Rgb, ellipse
from geo_lib.demo.pictures.textures import cloth
from geo_lib.demo.truth.latent import Latent

REACH = 1.25
"""The cloth is laid out a little beyond the object, for parts that lean out."""

WOOD: Rgb = (168, 122, 84)
DARK_WOOD: Rgb = (112, 78, 56)
BRASS: Rgb = (206, 168, 98)
IVORY: Rgb = (246, 240, 230)


class Pen:
    """Paints in object coordinates; cloth parts show the latent's colour, pattern and material."""

    def __init__(
        self, canvas: Canvas, latent: Latent, *, x: float, y: float, scale: float, flip: bool, seed: int
    ) -> None:
        self.canvas = canvas
        self.rng = np.random.default_rng(seed)
        self.accent = latent.colour
        self._x, self._y = x, y
        self._sx, self._sy = (-scale if flip else scale) / canvas.width, scale / canvas.height
        left, top = int(x * canvas.width - REACH * scale), int(y * canvas.height - REACH * scale)
        span = max(int(2 * REACH * scale), 4)
        axis = np.linspace(-REACH, REACH, span, dtype=np.float32)
        field = cloth(
            axis[None, :],
            axis[:, None],
            colour=latent.colour,
            pattern=latent.pattern,
            material=latent.material,
            seed=seed,
        )
        self._cloth = Fill(field, left, top)

    def at(self, points: Sequence[Point]) -> list[Point]:
        return [(self._x + px * self._sx, self._y + py * self._sy) for px, py in points]

    def cloth(
        self,
        points: Sequence[Point],
        *,
        form: float = 0.8,
        shade: float = 1.0,
        rim: float = 0.0,
        holes: Sequence[Sequence[Point]] = (),
    ) -> None:
        self.canvas.fill(
            self.at(points), self._cloth, form=form, shade=shade, rim=rim, holes=[self.at(hole) for hole in holes]
        )

    def solid(
        self,
        points: Sequence[Point],
        colour: Rgb,
        *,
        form: float = 0.5,
        alpha: float = 1.0,
        blur: float = 0.0,
        holes: Sequence[Sequence[Point]] = (),
    ) -> None:
        self.canvas.fill(
            self.at(points), colour, form=form, alpha=alpha, blur=blur, holes=[self.at(hole) for hole in holes]
        )

    def shadow(self, points: Sequence[Point], *, dx: float = 0.02, dy: float = 0.03, strength: float = 0.3) -> None:
        self.canvas.shadow(self.at(points), dx=dx, dy=dy, blur=0.02, strength=strength)

    def ground(self, x0: float, x1: float, *, y: float = 1.0, depth: float = 0.09) -> None:
        """The soft dark patch under what stands on a floor."""
        self.canvas.fill(self.at(ellipse(x0, y - depth, x1, y + depth)), (46, 34, 36), alpha=0.42, blur=0.018)

    def glow(self, x: float, y: float, radius: float, colour: Rgb, strength: float) -> None:
        ((px, py),) = self.at([(x, y)])
        self.canvas.glow(px, py, radius, colour, strength)

    def flip_x(self, points: Sequence[Point]) -> list[Point]:
        return [(-px, py) for px, py in points]
