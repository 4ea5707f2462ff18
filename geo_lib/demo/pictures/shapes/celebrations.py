"""Cakes, balloons, gifts and flowers."""

import numpy as np

from geo_lib.demo.pictures.canvas import Rgb, box, ellipse, mix, smooth, stroke
from geo_lib.demo.pictures.shapes.pen import BRASS, IVORY, WOOD, Pen

LEAF: Rgb = (104, 138, 92)
DARK_LEAF: Rgb = (72, 104, 72)


def _flame(pen: Pen, x: float, y: float, size: float = 0.14) -> None:
    pen.glow(x, y - size * 0.5, 0.16, (255, 226, 150), 0.8)
    pen.solid(
        smooth([(x, y - size), (x + size * 0.3, y - size * 0.3), (x, y), (x - size * 0.3, y - size * 0.3)]),
        (255, 196, 84),
        form=0.0,
    )
    pen.solid(
        smooth([(x, y - size * 0.6), (x + size * 0.14, y - size * 0.2), (x, y), (x - size * 0.14, y - size * 0.2)]),
        (255, 246, 214),
        form=0.0,
    )


def _leaf(pen: Pen, x: float, y: float, angle: float, length: float, colour: Rgb = LEAF) -> None:
    dx, dy = np.cos(angle) * length, np.sin(angle) * length
    nx, ny = -dy * 0.26, dx * 0.26
    leaf = smooth(
        [(x, y), (x + dx * 0.5 + nx, y + dy * 0.5 + ny), (x + dx, y + dy), (x + dx * 0.5 - nx, y + dy * 0.5 - ny)],
        steps=5,
    )
    pen.solid(leaf, colour, form=0.5)


def _rose(pen: Pen, x: float, y: float, r: float) -> None:
    """A round bloom of cloth with petals that overlap."""
    pen.shadow(ellipse(x - r, y - r, x + r, y + r), dx=0.008, dy=0.012, strength=0.35)
    pen.cloth(ellipse(x - r, y - r, x + r, y + r), form=1.1)
    for turn in (0.1, 0.45, 0.8):
        px, py = x + 0.3 * r * np.cos(turn * 2 * np.pi), y + 0.3 * r * np.sin(turn * 2 * np.pi)
        arc = stroke(
            ellipse(px - 0.55 * r, py - 0.55 * r, px + 0.55 * r, py + 0.55 * r, start=turn, stop=turn + 0.4), 0.1 * r
        )
        pen.solid(arc, (60, 24, 40), form=0.0, alpha=0.28)


def _bow(pen: Pen, x: float, y: float, size: float, colour: Rgb) -> None:
    for side in (-1, 1):
        pen.solid(
            stroke(smooth([(x, y), (x + side * 0.4 * size, y + 0.6 * size)], closed=False), 0.2 * size),
            mix(colour, (0, 0, 0), 0.12),
            form=0.5,
        )
        loop = smooth(
            [
                (x, y),
                (x + side * 0.5 * size, y - 0.46 * size),
                (x + side * 0.95 * size, y - 0.2 * size),
                (x + side * 0.6 * size, y + 0.14 * size),
            ]
        )
        pen.solid(loop, colour, form=1.1)
    pen.solid(
        ellipse(x - 0.15 * size, y - 0.15 * size, x + 0.15 * size, y + 0.15 * size),
        mix(colour, (0, 0, 0), 0.08),
        form=1.0,
    )


def cake(pen: Pen) -> None:
    pen.ground(-0.5, 0.54, depth=0.06)
    pen.solid([(-0.12, 0.8), (0.12, 0.8), (0.3, 1.0), (-0.3, 1.0)], IVORY, form=0.8)
    pen.solid(ellipse(-1.0, 0.7, 1.0, 0.92), mix(IVORY, (200, 190, 180), 0.4), form=0.6)
    pen.solid(ellipse(-0.98, 0.66, 0.98, 0.86), IVORY, form=0.2)
    for r, top, bottom in ((0.82, 0.14, 0.74), (0.56, -0.44, 0.2)):
        e = r * 0.13
        side = [
            *ellipse(-r, bottom - e, r, bottom + e, start=0.0, stop=0.5),
            *ellipse(-r, top - e, r, top + e, start=0.5, stop=1.0),
        ]
        pen.shadow(side, dx=0.01, dy=0.015, strength=0.3)
        pen.cloth(side, form=1.0)
        pen.cloth(ellipse(-r, top - e, r, top + e), form=0.3, shade=1.12)
        for t in np.linspace(0.02, 0.48, 13):
            px, py = r * np.cos(t * 2 * np.pi), bottom + e * np.sin(t * 2 * np.pi)
            pen.solid(ellipse(px - 0.055, py - 0.05, px + 0.055, py + 0.05), (255, 250, 242), form=1.0)
    for x in (-0.3, -0.1, 0.1, 0.3):
        pen.solid(box(x - 0.025, -0.76, x + 0.025, -0.44), (255, 244, 230), form=0.6)
        _flame(pen, x, -0.77)


def balloons(pen: Pen) -> None:
    knot = (0.02, 0.78)
    places = [(-0.46, -0.16, 0.38), (0.48, -0.2, 0.37), (0.02, -0.62, 0.4), (-0.24, 0.2, 0.33), (0.28, 0.2, 0.34)]
    for x, y, r in places:
        string = smooth([(x, y + r * 1.1), ((x + knot[0]) / 2 + 0.04, 0.62), knot, (0.05, 1.0)], closed=False)
        pen.solid(stroke(string, 0.014), (150, 138, 130), form=0.0)
    for x, y, r in places:
        balloon = smooth(
            [
                (x, y - r * 1.14),
                (x + r * 0.8, y - r * 0.7),
                (x + r, y),
                (x + r * 0.6, y + r * 0.8),
                (x, y + r * 1.12),
                (x - r * 0.6, y + r * 0.8),
                (x - r, y),
                (x - r * 0.8, y - r * 0.7),
            ]
        )
        pen.shadow(balloon, dx=0.012, dy=0.02, strength=0.25)
        pen.cloth([(x - 0.05, y + r * 1.2), (x, y + r * 1.04), (x + 0.05, y + r * 1.2)], form=0.0, shade=0.8)
        pen.cloth(balloon, form=1.35)
        shine = smooth(
            [
                (x - 0.52 * r, y - 0.3 * r),
                (x - 0.32 * r, y - 0.72 * r),
                (x - 0.2 * r, y - 0.66 * r),
                (x - 0.38 * r, y - 0.26 * r),
            ]
        )
        pen.solid(shine, (255, 255, 255), form=0.0, alpha=0.6, blur=0.004)
    pen.solid(smooth([(-0.06, 0.74), (0.08, 0.74), (0.06, 0.84), (-0.04, 0.84)]), BRASS, form=0.8)


def gift_box(pen: Pen) -> None:
    pen.ground(-0.9, 0.96)
    ribbon: Rgb = (250, 246, 238) if pen.accent not in ("cream",) else (176, 128, 92)
    pen.cloth(box(-0.78, -0.1, 0.78, 1.0, 0.02), form=0.5)
    pen.solid(box(-0.11, -0.1, 0.11, 1.0), ribbon, form=0.3)
    lid = box(-0.88, -0.36, 0.88, 0.0, 0.03)
    pen.shadow(lid, dx=0.0, dy=0.035, strength=0.4)
    pen.cloth(lid, form=0.5, shade=1.08)
    pen.solid(box(-0.11, -0.36, 0.11, 0.0), ribbon, form=0.3)
    _bow(pen, 0.0, -0.46, 0.6, ribbon)


def bouquet(pen: Pen) -> None:
    pen.ground(-0.3, 0.36, depth=0.05)
    for angle in np.linspace(-2.7, -0.45, 9):
        _leaf(
            pen,
            0.3 * np.cos(angle),
            -0.32 + 0.2 * np.sin(angle),
            angle,
            0.72,
            DARK_LEAF if pen.rng.random() < 0.5 else LEAF,
        )
    places = [
        (-0.46, -0.5),
        (0.46, -0.5),
        (0.0, -0.72),
        (-0.26, -0.24),
        (0.26, -0.24),
        (-0.58, -0.14),
        (0.58, -0.14),
        (0.0, -0.36),
    ]
    for x, y in places:
        _rose(pen, x + float(pen.rng.uniform(-0.03, 0.03)), y + float(pen.rng.uniform(-0.03, 0.03)), 0.25)
    wrap = [(-0.74, -0.08), (-0.3, 0.1), (0.0, 0.02), (0.3, 0.1), (0.74, -0.08), (0.22, 0.98), (-0.22, 0.98)]
    pen.shadow(wrap, dx=0.0, dy=-0.02, strength=0.25)
    pen.cloth(wrap, form=0.8, shade=0.97)
    pen.solid([(-0.74, -0.08), (-0.3, 0.1), (0.06, 0.96), (-0.22, 0.98)], (255, 255, 255), form=0.0, alpha=0.14)
    _bow(pen, 0.0, 0.52, 0.34, (250, 244, 234))


def candle(pen: Pen) -> None:
    pen.ground(-0.9, 0.94, y=0.94, depth=0.09)
    pen.solid(ellipse(-0.98, 0.78, 0.98, 1.02), mix(WOOD, (80, 50, 30), 0.2), form=0.6)
    pen.solid(ellipse(-0.96, 0.74, 0.96, 0.96), WOOD, form=0.2)
    for x, top, r in ((-0.56, -0.06, 0.27), (0.58, 0.16, 0.26), (0.02, -0.5, 0.32)):
        e = r * 0.2
        bottom = 0.84 + (0.04 if x == 0.02 else 0.0)
        side = [
            *ellipse(x - r, bottom - e, x + r, bottom + e, start=0.0, stop=0.5),
            *ellipse(x - r, top - e, x + r, top + e, start=0.5, stop=1.0),
        ]
        pen.shadow(side, dx=0.015, dy=0.01, strength=0.35)
        pen.cloth(side, form=0.8)
        pen.solid(ellipse(x - r, top - e, x + r, top + e), (255, 238, 206), form=0.2)
        pen.solid(stroke([(x, top - 0.1), (x, top)], 0.022), (70, 56, 50), form=0.0)
        _flame(pen, x, top - 0.06, 0.22)


def garland(pen: Pen) -> None:
    for offset, sag, count, size in ((-0.72, 0.34, 8, 0.3), (0.12, 0.42, 8, 0.34)):
        t = np.linspace(-1.22, 1.22, 40)
        rope = [(float(x), float(offset + sag * (1 - (x / 1.22) ** 2))) for x in t]
        for x in np.linspace(-1.06, 1.06, count):
            y = offset + sag * (1 - (x / 1.22) ** 2)
            w = 0.135
            flag = [(x - w, y), (x + w, y), (x, y + size * 1.25)]
            pen.shadow(flag, dx=0.012, dy=0.02, strength=0.3)
            pen.cloth(flag, form=0.5)
        pen.solid(stroke(rope, 0.03), (236, 222, 200), form=0.4)


def cupcake(pen: Pen) -> None:
    pen.ground(-0.6, 0.66)
    cup = [(-0.72, 0.2), (0.72, 0.2), (0.5, 1.0), (-0.5, 1.0)]
    pen.solid(cup, (250, 240, 224), form=0.7)
    for t in np.linspace(-1, 1, 13):
        pen.solid(stroke([(0.7 * t, 0.22), (0.49 * t, 0.99)], 0.026), (196, 160, 128), form=0.0, alpha=0.6)
    for r, y, h in ((0.86, 0.1, 0.27), (0.7, -0.2, 0.25), (0.5, -0.48, 0.22), (0.28, -0.7, 0.18)):
        ring = smooth(
            [
                (-r, y),
                (-r * 0.9, y - h * 0.8),
                (0.0, y - h),
                (r * 0.9, y - h * 0.8),
                (r, y),
                (r * 0.8, y + h * 0.7),
                (0.0, y + h * 0.9),
                (-r * 0.8, y + h * 0.7),
            ]
        )
        pen.shadow(ring, dx=0.0, dy=0.02, strength=0.32)
        pen.cloth(ring, form=1.2)
    pen.solid(ellipse(-0.15, -1.08, 0.15, -0.78), (196, 44, 58), form=1.3)
    pen.solid(ellipse(-0.08, -1.03, -0.01, -0.96), (255, 255, 255), form=0.0, alpha=0.8)
    pen.solid(stroke(smooth([(0.0, -1.06), (0.08, -1.2), (0.2, -1.26)], closed=False), 0.022), DARK_LEAF, form=0.0)


def wreath(pen: Pen) -> None:
    outer, inner = ellipse(-0.94, -0.94, 0.94, 0.94), ellipse(-0.5, -0.5, 0.5, 0.5)
    pen.canvas.fill(
        pen.at([(x + 0.05, y + 0.07) for x, y in outer]),
        (40, 30, 36),
        alpha=0.3,
        blur=0.02,
        holes=[pen.at([(x + 0.05, y + 0.07) for x, y in inner])],
    )
    for turn in np.linspace(0, 1, 26, endpoint=False):
        a = turn * 2 * np.pi
        lean = a + float(pen.rng.uniform(0.5, 1.3))
        reach = 0.9 if pen.rng.random() < 0.5 else 0.5
        _leaf(
            pen,
            reach * np.cos(a),
            reach * np.sin(a),
            lean if reach > 0.7 else lean + 1.6,
            0.3,
            DARK_LEAF if pen.rng.random() < 0.5 else LEAF,
        )
    pen.cloth(outer, form=1.2, holes=[inner])
    for turn in np.linspace(0, 1, 14, endpoint=False):
        a = turn * 2 * np.pi
        px, py = 0.72 * np.cos(a), 0.72 * np.sin(a)
        fold = stroke(
            [
                (0.5 * np.cos(a), 0.5 * np.sin(a)),
                (0.72 * np.cos(a + 0.1), 0.72 * np.sin(a + 0.1)),
                (0.93 * np.cos(a), 0.93 * np.sin(a)),
            ],
            0.035,
        )
        pen.solid(fold, (36, 20, 30), form=0.0, alpha=0.2, blur=0.006)
        if int(turn * 14) % 3 == 0:
            pen.solid(ellipse(px - 0.06, py - 0.06, px + 0.06, py + 0.06), (184, 52, 60), form=1.2)
    _bow(pen, 0.0, 0.74, 0.44, (250, 244, 234))


SHAPES = {
    "cake": cake,
    "balloons": balloons,
    "gift_box": gift_box,
    "bouquet": bouquet,
    "candle": candle,
    "garland": garland,
    "cupcake": cupcake,
    "wreath": wreath,
}
