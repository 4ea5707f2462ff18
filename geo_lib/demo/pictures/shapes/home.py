"""Furniture and things that stand in a room."""

import numpy as np

from geo_lib.demo.pictures.canvas import Rgb, box, ellipse, mix, smooth, stroke
from geo_lib.demo.pictures.shapes.pen import BRASS, DARK_WOOD, IVORY, WOOD, Pen

BOOKS: tuple[Rgb, ...] = (
    (176, 96, 82),
    (92, 116, 138),
    (222, 206, 176),
    (124, 140, 112),
    (204, 160, 96),
    (238, 232, 222),
)


def armchair(pen: Pen) -> None:
    pen.ground(-0.85, 0.9)
    for x in (-0.66, 0.66):
        pen.solid(stroke([(x, 0.66), (x * 1.1, 1.0)], 0.11, taper=0.6), DARK_WOOD)
    back = smooth([(-0.62, 0.4), (-0.7, -0.4), (-0.56, -0.86), (0.0, -0.98), (0.56, -0.86), (0.7, -0.4), (0.62, 0.4)])
    pen.cloth(back, form=1.0)
    pen.shadow(box(-0.6, 0.02, 0.6, 0.3, 0.1), dx=0.0, dy=-0.02, strength=0.35)
    pen.cloth(box(-0.66, 0.36, 0.66, 0.74, 0.08), form=0.5, shade=0.84)
    pen.cloth(box(-0.6, 0.1, 0.6, 0.46, 0.14), form=1.0, shade=1.06)
    for x in (-0.98, 0.6):
        arm = box(x, -0.16, x + 0.38, 0.78, 0.18)
        pen.shadow(arm, dx=0.02, dy=0.01, strength=0.25)
        pen.cloth(arm, form=1.0)


def sofa(pen: Pen) -> None:
    pen.ground(-1.1, 1.1, y=0.98)
    for x in (-0.98, 0.98):
        pen.solid(stroke([(x, 0.74), (x * 1.02, 0.98)], 0.1, taper=0.6), DARK_WOOD)
    pen.cloth(box(-1.06, -0.4, 1.06, 0.5, 0.16), form=0.7, shade=0.86)
    for x in (-0.94, 0.02):
        pen.cloth(box(x, -0.46, x + 0.92, 0.3, 0.16), form=1.0)
    pen.shadow(box(-0.9, 0.12, 0.9, 0.34), dx=0, dy=-0.02, strength=0.3)
    pen.cloth(box(-1.0, 0.42, 1.0, 0.8, 0.06), form=0.4, shade=0.82)
    for x in (-0.94, 0.01):
        pen.cloth(box(x, 0.2, x + 0.93, 0.54, 0.12), form=1.0, shade=1.06)
    for x in (-1.24, 0.92):
        arm = box(x, -0.12, x + 0.32, 0.82, 0.15)
        pen.shadow(arm, strength=0.25)
        pen.cloth(arm, form=1.0)


def lamp(pen: Pen) -> None:
    pen.ground(-0.34, 0.38, depth=0.06)
    pen.glow(0.0, -0.3, 0.62, (255, 226, 164), 0.6)
    pen.solid(stroke([(0.0, 0.0), (0.0, 0.96)], 0.075), BRASS)
    pen.solid(ellipse(-0.34, 0.9, 0.34, 1.02), mix(BRASS, (90, 66, 40), 0.25), form=0.8)
    shade = [(-0.44, -0.96), (0.44, -0.96), (0.8, 0.06), (-0.8, 0.06)]
    pen.cloth(shade, form=0.9, shade=1.08)
    pen.glow(0.0, -0.22, 0.26, (255, 240, 200), 0.34)
    pen.solid(stroke([(-0.8, 0.06), (0.8, 0.06)], 0.035), mix(BRASS, (255, 255, 255), 0.25), form=0.0)
    pen.solid(stroke([(-0.44, -0.96), (0.44, -0.96)], 0.03), BRASS, form=0.0)


def vase(pen: Pen) -> None:
    pen.ground(-0.42, 0.5)
    stems = pen.rng.uniform(-1, 1, 7)
    plume: Rgb = ((214, 190, 150), (196, 176, 140), (226, 208, 178))[int(pen.rng.integers(3))]
    for lean in stems:
        top = (0.62 * lean, -0.86 - 0.1 * (1 - abs(lean)))
        middle = (0.2 * lean, -0.3)
        stem = smooth([(0.0, 0.1), middle, top], closed=False)
        pen.solid(stroke(stem, 0.028), (138, 128, 88), form=0.0)
        pen.solid(smooth(stroke(stem[-8:], 0.2, taper=0.3)[::3]), plume, form=0.8)
    body = smooth(
        [
            (-0.2, -0.14),
            (-0.17, 0.06),
            (-0.5, 0.36),
            (-0.56, 0.66),
            (-0.34, 0.98),
            (0.0, 1.0),
            (0.34, 0.98),
            (0.56, 0.66),
            (0.5, 0.36),
            (0.17, 0.06),
            (0.2, -0.14),
            (0.0, -0.16),
        ]
    )
    pen.cloth(body, form=1.25)
    pen.solid(ellipse(-0.2, -0.2, 0.2, -0.09), (60, 48, 46), form=0.0, alpha=0.75)


def bed(pen: Pen) -> None:
    pen.ground(-1.12, 1.12, y=0.96)
    pen.solid(box(-1.1, -0.86, 1.1, 0.5, 0.16), mix(WOOD, IVORY, 0.3), form=0.6)
    pen.solid(box(-1.0, -0.76, 1.0, 0.4, 0.1), mix(WOOD, IVORY, 0.42), form=0.3)
    pen.solid(box(-1.08, 0.0, 1.08, 0.9, 0.08), IVORY, form=0.5)
    for x in (-0.94, 0.06):
        pillow = smooth(
            [(x, 0.04), (x + 0.03, -0.34), (x + 0.44, -0.4), (x + 0.85, -0.34), (x + 0.88, 0.04), (x + 0.44, 0.1)]
        )
        pen.shadow(pillow, strength=0.25)
        pen.solid(pillow, (250, 247, 242), form=1.0)
    for x in (-0.62, 0.02):
        small = box(x, -0.2, x + 0.6, 0.16, 0.12)
        pen.shadow(small, strength=0.25)
        pen.cloth(small, form=1.1)
    blanket = smooth(
        [
            (-1.14, 0.18),
            (-0.5, 0.1),
            (0.2, 0.14),
            (1.14, 0.1),
            (1.18, 0.56),
            (1.14, 0.92),
            (0.4, 0.95),
            (-0.4, 0.93),
            (-1.16, 0.94),
            (-1.18, 0.5),
        ]
    )
    pen.shadow(blanket, dx=0.0, dy=-0.02, strength=0.22)
    pen.cloth(blanket, form=0.9, shade=1.03)
    for x in (-1.06, 1.06):
        pen.solid(box(x - 0.05, 0.88, x + 0.05, 1.0), DARK_WOOD)


def bookshelf(pen: Pen) -> None:
    pen.ground(-0.8, 0.84)
    pen.cloth(box(-0.74, -1.12, 0.74, 1.0, 0.04), form=0.35)
    for top in (-0.98, -0.52, -0.06):
        inside = box(-0.6, top, 0.6, top + 0.38)
        pen.solid(inside, (86, 70, 62), form=0.0)
        pen.solid(box(-0.6, top, 0.6, top + 0.08), (58, 46, 42), form=0.0, alpha=0.6, blur=0.01)
        x = -0.56
        gap = float(pen.rng.uniform(-0.3, 0.3))
        while x < 0.48:
            width = float(pen.rng.uniform(0.07, 0.13))
            if abs(x - gap) > 0.13:
                tall = float(pen.rng.uniform(0.2, 0.31))
                book = BOOKS[int(pen.rng.integers(len(BOOKS)))]
                pen.solid(box(x, top + 0.38 - tall, x + width - 0.012, top + 0.38), book, form=0.35)
            x += width
        pen.solid(ellipse(gap - 0.08, top + 0.2, gap + 0.09, top + 0.38), IVORY, form=0.9)
    for x in (-0.62, 0.03):
        pen.shadow(box(x, 0.42, x + 0.59, 0.92, 0.03), dx=0.005, dy=0.008, strength=0.5)
        pen.cloth(box(x, 0.42, x + 0.59, 0.92, 0.03), form=0.45, shade=1.05)
        knob = x + (0.5 if x < 0 else 0.09)
        pen.solid(ellipse(knob - 0.035, 0.63, knob + 0.035, 0.7), BRASS, form=1.0)


def rug(pen: Pen) -> None:
    body = [(-0.86, 0.1), (0.86, 0.1), (1.22, 0.98), (-1.22, 0.98)]
    pen.shadow(body, dx=0.0, dy=0.012, strength=0.4)
    for t in np.linspace(0, 1, 30):
        x0, x1 = -0.84 + 1.68 * t, -1.2 + 2.4 * t
        pen.solid(stroke([(x0, 0.11), (x0 * 0.99, 0.05)], 0.026), IVORY, form=0.0)
        pen.solid(stroke([(x1, 0.97), (x1 * 1.01, 1.07)], 0.034), IVORY, form=0.0)
    pen.cloth(body, form=0.25)
    inner = [(-0.8, 0.14), (0.8, 0.14), (1.12, 0.93), (-1.12, 0.93)]
    outer = [(-0.85, 0.11), (0.85, 0.11), (1.19, 0.97), (-1.19, 0.97)]
    pen.solid(outer, (70, 52, 48), form=0.0, alpha=0.22, holes=[inner])


def mirror(pen: Pen) -> None:
    def arch(inset: float) -> list[tuple[float, float]]:
        r = 0.7 - inset
        return [
            *ellipse(-r, -1.0 + inset, r, -1.0 + inset + 2 * r, start=0.5, stop=1.0),
            (r, 0.92 - inset),
            (-r, 0.92 - inset),
        ]

    pen.shadow(arch(0.0), dx=0.03, dy=0.04, strength=0.35)
    pen.cloth(arch(0.0), form=0.7)
    pen.solid(arch(0.24), (70, 58, 56), form=0.0, alpha=0.6)
    glass = arch(0.27)
    pen.solid(glass, (196, 214, 222), form=0.0)
    pen.canvas.gradient(pen.at(glass), (226, 236, 240), (168, 190, 202))
    pen.solid(
        [(-0.34, 0.64), (-0.1, 0.64), (0.36, -0.34), (0.2, -0.5)], (255, 255, 255), form=0.0, alpha=0.3, blur=0.004
    )
    pen.solid(
        [(-0.0, 0.64), (0.08, 0.64), (0.42, -0.08), (0.42, -0.24)], (255, 255, 255), form=0.0, alpha=0.24, blur=0.004
    )


SHAPES = {
    "armchair": armchair,
    "sofa": sofa,
    "lamp": lamp,
    "vase": vase,
    "bed": bed,
    "bookshelf": bookshelf,
    "rug": rug,
    "mirror": mirror,
}
