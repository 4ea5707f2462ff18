"""Clothes on a stand and accessories on a plinth."""

import numpy as np

from geo_lib.demo.pictures.canvas import Point, box, ellipse, mix, smooth, stroke
from geo_lib.demo.pictures.shapes.pen import BRASS, DARK_WOOD, IVORY, WOOD, Pen


def _stand(pen: Pen, *, top: float, width: float) -> None:
    """A clothes stand with a hanger whose shoulders are ``width`` wide."""
    pen.ground(-0.42, 0.46, depth=0.06)
    pen.solid(stroke([(0.0, top - 0.12), (0.0, 0.96)], 0.06), WOOD)
    pen.solid(ellipse(-0.4, 0.9, 0.4, 1.03), DARK_WOOD, form=0.8)
    pen.solid(stroke(smooth([(-width, top + 0.14), (0.0, top), (width, top + 0.14)], closed=False), 0.07), WOOD)
    pen.solid(stroke(ellipse(-0.05, top - 0.14, 0.07, top - 0.02, start=0.45, stop=1.2), 0.025), BRASS, form=0.0)


def _plinth(pen: Pen, *, top: float) -> None:
    """A round block, as in a showroom."""
    pen.ground(-0.95, 1.0, depth=0.08)
    pen.solid([(-0.92, top + 0.09), (0.92, top + 0.09), (0.92, 1.0), (-0.92, 1.0)], (222, 210, 196), form=0.5)
    pen.solid(ellipse(-0.92, 0.9, 0.92, 1.06), (222, 210, 196), form=0.3)
    pen.solid(ellipse(-0.92, top, 0.92, top + 0.2), (240, 231, 220), form=0.1)


def dress(pen: Pen) -> None:
    _stand(pen, top=-0.98, width=0.3)
    flare = [
        (-0.26, -0.16),
        (-0.5, 0.3),
        (-0.78, 0.82),
        (-0.36, 0.9),
        (0.0, 0.86),
        (0.36, 0.9),
        (0.78, 0.82),
        (0.5, 0.3),
        (0.26, -0.16),
    ]
    pen.shadow(smooth(flare), strength=0.25)
    for x in (-0.24, 0.24):
        pen.cloth(stroke([(x, -0.92), (x * 1.16, -0.62)], 0.09), form=0.5)
    pen.cloth(smooth(flare), form=0.9)
    for x in (-0.42, -0.14, 0.16, 0.44):
        pen.solid(
            stroke([(x * 0.4, -0.08), (x * 1.3, 0.84)], 0.03, taper=2.6), (30, 20, 30), form=0.0, alpha=0.13, blur=0.008
        )
    bodice = smooth(
        [
            (-0.34, -0.66),
            (-0.14, -0.6),
            (0.0, -0.54),
            (0.14, -0.6),
            (0.34, -0.66),
            (0.33, -0.4),
            (0.24, -0.12),
            (-0.24, -0.12),
            (-0.33, -0.4),
        ]
    )
    pen.cloth(bodice, form=1.1, shade=1.03)
    pen.cloth(box(-0.27, -0.19, 0.27, -0.09, 0.03), form=0.6, shade=0.72)


def sweater(pen: Pen) -> None:
    _stand(pen, top=-0.84, width=0.5)
    sleeve = smooth(
        [(-0.5, -0.7), (-0.74, -0.5), (-1.0, 0.3), (-0.98, 0.44), (-0.74, 0.48), (-0.66, 0.34), (-0.46, -0.2)]
    )
    for points in (sleeve, pen.flip_x(sleeve)):
        pen.shadow(points, strength=0.2)
        pen.cloth(points, form=1.1, shade=0.94)
    torso = smooth(
        [
            (-0.24, -0.78),
            (-0.58, -0.66),
            (-0.56, -0.1),
            (-0.56, 0.56),
            (0.0, 0.6),
            (0.56, 0.56),
            (0.56, -0.1),
            (0.58, -0.66),
            (0.24, -0.78),
            (0.0, -0.7),
        ]
    )
    pen.cloth(torso, form=1.0)
    pen.cloth(box(-0.56, 0.5, 0.56, 0.68, 0.06), form=0.8, shade=0.84)
    for x in np.linspace(-0.5, 0.5, 14):
        pen.solid(stroke([(x, 0.52), (x, 0.67)], 0.018), (20, 10, 20), form=0.0, alpha=0.25)
    for x in (-0.87, 0.87):
        pen.cloth(box(x - 0.14, 0.36, x + 0.14, 0.52, 0.05), form=0.8, shade=0.84)
    pen.cloth(ellipse(-0.27, -0.86, 0.27, -0.58), form=0.6, shade=0.8)
    pen.solid(ellipse(-0.18, -0.84, 0.18, -0.66), (58, 46, 50), form=0.0, alpha=0.85)


def coat(pen: Pen) -> None:
    _stand(pen, top=-1.0, width=0.46)
    sleeve = smooth(
        [(-0.44, -0.84), (-0.66, -0.66), (-0.86, 0.1), (-0.88, 0.3), (-0.62, 0.34), (-0.54, 0.1), (-0.42, -0.34)]
    )
    for points in (sleeve, pen.flip_x(sleeve)):
        pen.shadow(points, strength=0.2)
        pen.cloth(points, form=1.1, shade=0.93)
    body = [
        (-0.2, -0.92),
        (-0.52, -0.8),
        (-0.46, -0.1),
        (-0.66, 0.86),
        (0.66, 0.86),
        (0.46, -0.1),
        (0.52, -0.8),
        (0.2, -0.92),
        (0.0, -0.8),
    ]
    pen.shadow(body, strength=0.2)
    pen.cloth(smooth(body, steps=5), form=0.9)
    pen.solid(stroke([(0.06, -0.3), (0.06, 0.86)], 0.024), (20, 14, 20), form=0.0, alpha=0.4)
    pen.solid([(-0.17, -0.88), (0.17, -0.88), (0.04, -0.34)], IVORY, form=0.2)
    for lapel in (
        [(-0.2, -0.94), (-0.4, -0.66), (-0.28, -0.56), (0.03, -0.22), (-0.1, -0.74)],
        [(0.2, -0.94), (0.4, -0.66), (0.28, -0.56), (0.05, -0.22), (0.1, -0.74)],
    ):
        pen.shadow(lapel, dx=0.005, dy=0.01, strength=0.4)
        pen.cloth(lapel, form=0.6, shade=1.12)
    pen.cloth(box(-0.49, -0.04, 0.49, 0.1, 0.02), form=0.5, shade=0.7)
    pen.solid(box(-0.07, -0.05, 0.13, 0.11, 0.02), BRASS, form=0.5, holes=[box(-0.03, -0.01, 0.09, 0.07)])
    for y in (-0.16, 0.28, 0.5):
        for x in (-0.1, 0.2):
            pen.solid(ellipse(x - 0.04, y - 0.04, x + 0.04, y + 0.04), mix(DARK_WOOD, IVORY, 0.25), form=1.0)


def skirt(pen: Pen) -> None:
    _stand(pen, top=-0.72, width=0.36)
    for x in (-0.28, 0.28):
        pen.solid(box(x - 0.04, -0.64, x + 0.04, -0.46, 0.01), BRASS)
    hem = [
        (-0.34, -0.36),
        (-0.6, 0.2),
        (-0.84, 0.68),
        (-0.44, 0.74),
        (0.0, 0.7),
        (0.44, 0.74),
        (0.84, 0.68),
        (0.6, 0.2),
        (0.34, -0.36),
    ]
    pen.shadow(smooth(hem), strength=0.25)
    pen.cloth(smooth(hem), form=0.8)
    for x in (-0.5, -0.26, 0.0, 0.26, 0.5):
        pen.solid(
            stroke([(x * 0.6, -0.34), (x * 1.4, 0.7)], 0.03, taper=2.8), (26, 16, 26), form=0.0, alpha=0.2, blur=0.006
        )
    pen.cloth(box(-0.37, -0.52, 0.37, -0.32, 0.05), form=0.7, shade=0.78)
    pen.solid(ellipse(-0.05, -0.47, 0.05, -0.37), BRASS, form=1.0)


def handbag(pen: Pen) -> None:
    _plinth(pen, top=0.62)
    handle = stroke(ellipse(-0.44, -1.0, 0.44, 0.2, start=0.5, stop=1.0), 0.11)
    pen.shadow(handle, strength=0.2)
    pen.cloth(handle, form=0.9, shade=0.78)
    body = smooth(
        [
            (-0.66, -0.36),
            (0.0, -0.42),
            (0.66, -0.36),
            (0.8, 0.2),
            (0.84, 0.62),
            (0.5, 0.72),
            (-0.5, 0.72),
            (-0.84, 0.62),
            (-0.8, 0.2),
        ]
    )
    pen.shadow(body, strength=0.3)
    pen.cloth(body, form=1.0)
    flap = smooth(
        [
            (-0.68, -0.38),
            (0.0, -0.44),
            (0.68, -0.38),
            (0.7, -0.06),
            (0.34, 0.18),
            (0.0, 0.24),
            (-0.34, 0.18),
            (-0.7, -0.06),
        ]
    )
    pen.shadow(flap, dx=0.0, dy=0.025, strength=0.4)
    pen.cloth(flap, form=0.7, shade=1.06)
    pen.solid(box(-0.1, 0.12, 0.1, 0.32, 0.04), BRASS, form=0.9)
    for x in (-0.44, 0.44):
        pen.solid(
            ellipse(x - 0.07, -0.46, x + 0.07, -0.32),
            BRASS,
            form=0.8,
            holes=[ellipse(x - 0.035, -0.425, x + 0.035, -0.355)],
        )


def sneakers(pen: Pen) -> None:
    _plinth(pen, top=0.6)
    for dx, dy, shade in ((0.2, -0.36, 0.9), (-0.14, 0.04, 1.0)):

        def put(points: list[Point], dx: float = dx, dy: float = dy) -> list[Point]:
            return [(x + dx, y + dy) for x, y in points]

        sole = put(
            smooth([(-0.86, 0.44), (-0.8, 0.62), (0.0, 0.66), (0.72, 0.66), (0.9, 0.54), (0.84, 0.44), (0.0, 0.48)])
        )
        pen.shadow(sole, dx=0.0, dy=0.02, strength=0.45)
        upper = put(
            smooth(
                [
                    (-0.84, 0.5),
                    (-0.86, 0.0),
                    (-0.7, -0.1),
                    (-0.4, -0.06),
                    (-0.16, -0.02),
                    (0.2, 0.2),
                    (0.62, 0.28),
                    (0.86, 0.5),
                    (0.2, 0.54),
                ]
            )
        )
        pen.cloth(upper, form=1.1, shade=shade)
        pen.solid(sole, (250, 248, 244), form=0.7)
        pen.solid(put(smooth([(0.56, 0.3), (0.8, 0.36), (0.88, 0.5), (0.6, 0.5)])), (244, 240, 234), form=0.8)
        pen.solid(put(ellipse(-0.8, -0.12, -0.3, 0.02)), (70, 58, 60), form=0.0, alpha=0.8)
        for t in range(4):
            x, y = -0.2 + 0.14 * t, 0.0 + 0.07 * t
            pen.solid(put(stroke([(x, y), (x - 0.14, y + 0.18)], 0.05)), (252, 250, 246), form=0.6)


def hat(pen: Pen) -> None:
    _plinth(pen, top=0.56)
    pen.shadow(ellipse(-0.86, 0.3, 0.94, 0.78), dx=0.02, dy=0.02, strength=0.35)
    pen.cloth(ellipse(-1.04, 0.06, 1.04, 0.66), form=0.8, shade=0.95)
    pen.solid(ellipse(-0.6, 0.12, 0.6, 0.48), (30, 20, 26), form=0.0, alpha=0.35, blur=0.012)
    crown = smooth(
        [
            (-0.58, 0.32),
            (-0.56, -0.3),
            (-0.42, -0.68),
            (-0.1, -0.66),
            (0.1, -0.66),
            (0.42, -0.68),
            (0.56, -0.3),
            (0.58, 0.32),
            (0.0, 0.42),
        ]
    )
    pen.cloth(crown, form=1.1, shade=1.04)
    band = smooth([(-0.59, 0.1), (0.0, 0.2), (0.59, 0.1), (0.6, 0.3), (0.0, 0.41), (-0.6, 0.3)])
    pen.solid(band, mix(DARK_WOOD, (60, 40, 40), 0.4), form=0.6)
    pen.solid(smooth([(0.4, 0.12), (0.62, 0.02), (0.6, 0.4), (0.42, 0.32)]), mix(DARK_WOOD, IVORY, 0.15), form=0.7)


def scarf(pen: Pen) -> None:
    _stand(pen, top=-0.9, width=0.4)
    pen.cloth(
        smooth([(-0.46, -0.7), (0.0, -0.94), (0.46, -0.7), (0.36, -0.44), (0.0, -0.34), (-0.36, -0.44)]),
        form=1.1,
        shade=0.86,
    )
    for x, bottom, lean in ((-0.24, 0.62, -0.06), (0.22, 0.82, 0.08)):
        tail = [(x - 0.2, -0.5), (x + 0.2, -0.5), (x + 0.24 + lean, bottom), (x - 0.24 + lean, bottom)]
        for t in np.linspace(-0.22, 0.22, 9):
            pen.cloth(
                stroke([(x + lean + t, bottom - 0.02), (x + lean + t * 1.1, bottom + 0.13)], 0.03), form=0.0, shade=0.9
            )
        pen.shadow(tail, strength=0.3)
        pen.cloth(tail, form=0.9)
    loop = smooth(
        [
            (-0.5, -0.66),
            (-0.3, -0.8),
            (0.0, -0.66),
            (0.3, -0.8),
            (0.5, -0.66),
            (0.4, -0.36),
            (0.0, -0.22),
            (-0.4, -0.36),
        ]
    )
    pen.shadow(loop, dx=0.0, dy=0.03, strength=0.4)
    pen.cloth(loop, form=1.2, shade=1.05)


SHAPES = {
    "dress": dress,
    "sweater": sweater,
    "coat": coat,
    "skirt": skirt,
    "handbag": handbag,
    "sneakers": sneakers,
    "hat": hat,
    "scarf": scarf,
}
