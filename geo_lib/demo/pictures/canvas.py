"""A canvas for soft, lit, anti-aliased pictures: shapes are polygons, every fill has form, light and a soft edge.

Coordinates are fractions of the canvas: x to the right, y down, both from 0 to 1; radii and widths are fractions of
the shorter side. Nothing depends on the resolution, so a picture looks alike at any size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Array = NDArray[Any]
"""float32 throughout; numpy promotes by value, which its types do not follow."""
Point = tuple[float, float]
Rgb = tuple[float, float, float] | tuple[int, int, int] | Array

FINER = 3
"""Masks are drawn this many times finer than the canvas."""
SHADING_GRID = 48
"""Forms are shaded on a grid about this wide: light is soft, so that a fine grid would only cost time."""


def smooth(points: Sequence[Point], *, steps: int = 8, closed: bool = True) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    p = np.asarray(points, dtype=np.float64)
    p = np.vstack([p[-1:], p, p[:2]]) if closed else np.vstack([p[:1], p, p[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(p[:-3], p[1:-2], p[2:-1], p[3:], strict=True)
    ]
    curve = np.vstack(parts if closed else [*parts, p[-1:]])
    return [(float(x), float(y)) for x, y in curve]


def ellipse(x0: float, y0: float, x1: float, y1: float, *, start: float = 0.0, stop: float = 1.0) -> list[Point]:
    """Points of an ellipse in a box; ``start`` and ``stop`` in turns, from the right, clockwise on the screen."""
    t = np.linspace(start, stop, 48) * 2 * np.pi
    cx, cy, rx, ry = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2
    return [(float(x), float(y)) for x, y in zip(cx + rx * np.cos(t), cy + ry * np.sin(t), strict=True)]


def box(x0: float, y0: float, x1: float, y1: float, r: float = 0.0) -> list[Point]:
    """A rectangle with round corners of radius ``r``."""
    if r <= 0:
        return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    r = min(r, (x1 - x0) / 2, (y1 - y0) / 2)
    corners = [(x1 - r, y1 - r, 0.0), (x0 + r, y1 - r, 0.25), (x0 + r, y0 + r, 0.5), (x1 - r, y0 + r, 0.75)]
    points: list[Point] = []
    for cx, cy, turn in corners:
        t = (turn + np.linspace(0, 0.25, 9)) * 2 * np.pi
        points += [(float(cx + r * np.cos(a)), float(cy + r * np.sin(a))) for a in t]
    return points


def stroke(points: Sequence[Point], width: float, *, taper: float = 1.0) -> list[Point]:
    """A line of some width as a polygon; it ends ``taper`` times as wide as it begins."""
    p = np.asarray(points, dtype=np.float64)
    d = np.gradient(p, axis=0)
    n = np.stack([-d[:, 1], d[:, 0]], axis=1) / (np.linalg.norm(d, axis=1, keepdims=True) + 1e-9)
    w = np.linspace(1.0, taper, len(p))[:, None] * width / 2
    outline = np.vstack([p + n * w, (p - n * w)[::-1]])
    return [(float(x), float(y)) for x, y in outline]


def rgb(colour: Rgb) -> Array:
    return np.asarray(colour, dtype=np.float32)


def mix(a: Rgb, b: Rgb, share: float) -> Array:
    """``share`` of b, the rest of a."""
    return rgb(a) * (1 - share) + rgb(b) * share


def _resized(values: Array, shape: tuple[int, int]) -> Array:
    image = Image.fromarray(values).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.float32)


def noise(rng: np.random.Generator, cells: tuple[int, int], shape: tuple[int, int]) -> Array:
    """Smooth noise in about [-1, 1]: a grid of ``cells`` (rows, columns) drawn from ``rng``, interpolated."""
    grid = rng.uniform(-1, 1, cells).astype(np.float32)
    image = Image.fromarray(grid).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float32)


def _soft_mask(outlines: Sequence[Sequence[Point]], x0: int, y0: int, x1: int, y1: int) -> Image.Image:
    """The first outline without the others, over a pixel box: drawn finer and averaged, so that edges are soft."""
    fine = Image.new("L", ((x1 - x0) * FINER, (y1 - y0) * FINER))
    draw = ImageDraw.Draw(fine)
    for i, outline in enumerate(outlines):
        draw.polygon([((x - x0) * FINER, (y - y0) * FINER) for x, y in outline], fill=0 if i else 255)
    return fine.reduce(FINER)


@dataclass(frozen=True, slots=True)
class Fill:
    """Paint for a region of the canvas: a field of colour with its top left corner in pixels."""

    field: Array
    left: int
    top: int

    def over(self, x0: int, y0: int, x1: int, y1: int) -> Array:
        """The paint in a pixel box; where the box leaves the field, the nearest paint goes on."""
        rows = np.clip(np.arange(y0, y1) - self.top, 0, self.field.shape[0] - 1)
        columns = np.clip(np.arange(x0, x1) - self.left, 0, self.field.shape[1] - 1)
        return self.field[rows[:, None], columns[None, :]]


class Canvas:
    """An RGB picture in float32 (0–255) that is painted back to front under one light."""

    def __init__(self, width: int, height: int, *, light: Point = (-0.6, -0.8)) -> None:
        self.width, self.height = width, height
        self.unit = min(width, height)
        self.light = light
        self.rgb: Array = np.zeros((height, width, 3), dtype=np.float32)

    def gradient(self, points: Sequence[Point] | None, top: Rgb, bottom: Rgb, *, sideways: bool = False) -> None:
        """Fill a region, or all, from one colour to another."""
        t = np.linspace(0, 1, self.width if sideways else self.height, dtype=np.float32)
        ramp = rgb(top) * (1 - t[:, None]) + rgb(bottom) * t[:, None]
        field = ramp[None, :, :] if sideways else ramp[:, None, :]
        field = np.broadcast_to(field, (self.height, self.width, 3))
        if points is None:
            self.rgb[:] = field
        else:
            self.fill(points, Fill(field, 0, 0))

    def fill(
        self,
        points: Sequence[Point],
        paint: Rgb | Fill,
        *,
        form: float = 0.0,
        shade: float = 1.0,
        alpha: float = 1.0,
        blur: float = 0.0,
        rim: float = 0.0,
        holes: Sequence[Sequence[Point]] = (),
    ) -> None:
        """Paint one polygon.

        ``form`` rounds it (0 flat, 1 like a cushion), ``shade`` scales its brightness, ``blur`` softens its edge,
        ``rim`` lightens (or, below 0, darkens) the part near the edge, ``holes`` stay unpainted.
        """
        scaled = [(x * self.width, y * self.height) for x, y in points]
        xs, ys = [x for x, _ in scaled], [y for _, y in scaled]
        pad = int(blur * self.unit * 2.5) + 2
        x0, y0 = max(int(min(xs)) - pad, 0), max(int(min(ys)) - pad, 0)
        x1, y1 = min(int(max(xs)) + pad + 1, self.width), min(int(max(ys)) + pad + 1, self.height)
        if x1 - x0 < 2 or y1 - y0 < 2:
            return
        outlines = [scaled, *([(x * self.width, y * self.height) for x, y in hole] for hole in holes)]
        mask_image = _soft_mask(outlines, x0, y0, x1, y1)
        light = self._form(mask_image, form, rim) * shade if form or rim else None
        if blur:
            mask_image = mask_image.filter(ImageFilter.GaussianBlur(blur * self.unit))
        mask = np.asarray(mask_image, dtype=np.float32)[:, :, None] * np.float32(alpha / 255)
        colour = paint.over(x0, y0, x1, y1) if isinstance(paint, Fill) else rgb(paint)[None, None, :]
        colour = colour * (light[:, :, None] if light is not None else np.float32(shade))
        region = self.rgb[y0:y1, x0:x1]
        region += (colour - region) * mask

    def _form(self, mask: Image.Image, form: float, rim: float) -> Array:
        """Brightness of a form over its mask: its blurred mask is its height, lit from ``light``."""
        width, height = mask.size
        step = max(1, round(max(width, height) / SHADING_GRID))
        small = mask.reduce(step) if step > 1 else mask
        reach = max(2.0, 0.16 * min(small.size))
        pad = int(2 * reach)
        padded = Image.new("L", (small.width + 2 * pad, small.height + 2 * pad))
        padded.paste(small, (pad, pad))
        level = np.asarray(padded.filter(ImageFilter.GaussianBlur(reach)), dtype=np.float32)
        rows, columns = slice(pad, pad + small.height), slice(pad, pad + small.width)
        dx = level[rows, pad + 1 : pad + 1 + small.width] - level[rows, pad - 1 : pad - 1 + small.width]
        dy = level[pad + 1 : pad + 1 + small.height, columns] - level[pad - 1 : pad - 1 + small.height, columns]
        slope = (dx * self.light[0] + dy * self.light[1]) * np.float32(reach * 0.95 / 255)
        inside = np.clip(level[rows, columns] * np.float32(2 / 255) - 0.9, 0, 1)
        light = 1.0 - 0.48 * form * np.clip(slope, -1, 1) - 0.10 * form * (1 - inside)
        if rim:
            light = light + rim * np.clip(1 - inside * 1.6, 0, 1)
        return _resized(light.astype(np.float32), (height, width))

    def shadow(
        self, points: Sequence[Point], *, dx: float = 0.02, dy: float = 0.03, blur: float = 0.03, strength: float = 0.35
    ) -> None:
        """A soft shadow of a polygon, thrown aside."""
        moved = [(x + dx * self.unit / self.width, y + dy * self.unit / self.height) for x, y in points]
        self.fill(moved, (40, 30, 36), alpha=strength, blur=blur)

    def glow(self, x: float, y: float, radius: float, colour: Rgb, strength: float) -> None:
        """Light that adds to what is there."""
        r = radius * self.unit
        x0, x1 = max(int(x * self.width - r), 0), min(int(x * self.width + r), self.width)
        y0, y1 = max(int(y * self.height - r), 0), min(int(y * self.height + r), self.height)
        if x1 <= x0 or y1 <= y0:
            return
        ys, xs = np.ogrid[y0:y1, x0:x1]
        distance = np.sqrt((xs - x * self.width) ** 2 + (ys - y * self.height) ** 2) / r
        falloff = (np.clip(1 - distance, 0, 1) ** 2)[:, :, None].astype(np.float32)
        region = self.rgb[y0:y1, x0:x1]
        region += (rgb(colour) - region) * falloff * strength

    def finish(self, *, warmth: float, vignette: float) -> None:
        """One light over everything: a slope of brightness from the light's side, a tint, darker corners."""
        ys = np.linspace(-1, 1, self.height, dtype=np.float32)[:, None]
        xs = np.linspace(-1, 1, self.width, dtype=np.float32)[None, :]
        slope = 1 + 0.07 * (xs * self.light[0] + ys * self.light[1])
        corners = 1 - vignette * np.clip(xs**2 + ys**2 - 0.7, 0, None)
        tint = rgb((1 + warmth, 1.0, 1 - warmth))
        self.rgb *= (slope * corners)[:, :, None] * tint

    def image(self) -> Image.Image:
        return Image.fromarray(np.clip(self.rgb + 0.5, 0, 255).astype(np.uint8))
