"""The places where things stand: one function per setting, each recognisable at the size of a thumbnail."""

from collections.abc import Callable

import numpy as np

from geo_lib.demo.pictures.canvas import Canvas, Rgb, box, ellipse, mix, smooth, stroke

Scene = Callable[[Canvas, np.random.Generator], None]
FLOOR = 0.74
"""Where the floor meets what is behind it, as a fraction of the height."""

WALLS: tuple[Rgb, ...] = ((232, 222, 208), (220, 226, 220), (228, 218, 222), (218, 224, 232), (236, 226, 204))
LEAVES: tuple[Rgb, ...] = ((110, 146, 98), (88, 124, 88), (136, 164, 112))


def _pick(rng: np.random.Generator, options: tuple[Rgb, ...]) -> Rgb:
    return options[int(rng.integers(len(options)))]


def _planks(c: Canvas, wood: Rgb) -> None:
    """A wooden floor whose boards run towards the eye."""
    c.gradient(box(0, FLOOR, 1, 1), mix(wood, (0, 0, 0), 0.12), mix(wood, (255, 255, 255), 0.1))
    for x in np.linspace(-0.6, 1.6, 16):
        c.fill(
            stroke([(0.5 + (x - 0.5) * 0.7, FLOOR), (0.5 + (x - 0.5) * 1.5, 1.0)], 0.004, taper=2),
            (70, 44, 30),
            alpha=0.35,
        )


def _plant(c: Canvas, rng: np.random.Generator, x: float, y: float, size: float) -> None:
    """A potted plant; ``y`` is the foot of the pot."""
    w, h = size * c.unit / c.width, size * c.unit / c.height
    for angle in np.linspace(-2.75, -0.4, 8):
        reach = float(rng.uniform(0.8, 1.15))
        dx, dy = np.cos(angle) * w * reach, np.sin(angle) * h * 1.15 * reach
        base, tip = (x, y - 0.5 * h), (x + dx, y - 0.5 * h + dy)
        middle = (x + dx * 0.4, y - 0.5 * h + dy * 0.62)
        nx, ny = -dy * 0.16 * c.height / c.width, dx * 0.16 * c.width / c.height
        leaf = smooth([base, (middle[0] + nx, middle[1] + ny), tip, (middle[0] - nx, middle[1] - ny)], steps=5)
        c.fill(leaf, _pick(rng, LEAVES), form=0.5)
    pot = [(x - 0.3 * w, y - 0.55 * h), (x + 0.3 * w, y - 0.55 * h), (x + 0.22 * w, y), (x - 0.22 * w, y)]
    c.shadow(pot, strength=0.2)
    c.fill(pot, ((206, 148, 116), (238, 232, 222), (150, 140, 132))[int(rng.integers(3))], form=0.8)


def _frame(c: Canvas, rng: np.random.Generator, x: float, y: float, w: float, h: float) -> None:
    """An abstract print on the wall."""
    c.shadow(box(x, y, x + w, y + h), dx=0.01, dy=0.012, blur=0.012, strength=0.3)
    c.fill(box(x, y, x + w, y + h), (150, 116, 84))
    c.fill(box(x + 0.012, y + 0.01, x + w - 0.012, y + h - 0.01), (250, 247, 241))
    c.fill(
        ellipse(x + w * 0.25, y + h * 0.2, x + w * 0.7, y + h * 0.52),
        _pick(rng, ((216, 160, 130), (150, 170, 160), (222, 190, 130))),
    )
    hill = [(x + w * 0.16, y + h * 0.84), (x + w * 0.4, y + h * 0.5), (x + w * 0.84, y + h * 0.84)]
    c.fill(hill, _pick(rng, ((126, 140, 150), (170, 130, 120), (130, 150, 120))))


def _window(c: Canvas, x0: float, y0: float, x1: float, y1: float, sky: Rgb, low: Rgb) -> None:
    c.fill(box(x0 - 0.015, y0 - 0.012, x1 + 0.015, y1 + 0.012), (250, 248, 244))
    c.gradient(box(x0, y0, x1, y1), sky, low)
    middle = (x0 + x1) / 2
    c.fill(box(middle - 0.007, y0, middle + 0.007, y1), (250, 248, 244))
    across = y0 + (y1 - y0) * 0.45
    c.fill(box(x0, across - 0.006, x1, across + 0.006), (250, 248, 244))


def _cloud(c: Canvas, x: float, y: float, size: float, alpha: float = 0.9) -> None:
    for dx, dy, r in ((-0.6, 0.1, 0.5), (0.0, -0.15, 0.7), (0.6, 0.1, 0.5)):
        rx, ry = r * size * c.unit / c.width, r * size * 0.7 * c.unit / c.height
        px, py = x + dx * size * c.unit / c.width, y + dy * size * c.unit / c.height
        c.fill(ellipse(px - rx, py - ry, px + rx, py + ry), (255, 255, 255), alpha=alpha, blur=0.008)


def _foliage(c: Canvas, rng: np.random.Generator, y0: float, y1: float, count: int, palette: tuple[Rgb, ...]) -> None:
    """Soft round bushes, larger and lighter to the front."""
    for t in np.linspace(0, 1, count):
        x, r = float(rng.uniform(-0.05, 1.05)), float(rng.uniform(0.09, 0.17))
        y = y0 + (y1 - y0) * float(t)
        rx, ry = r * c.unit / c.width, r * c.unit / c.height
        c.fill(
            ellipse(x - rx, y - ry, x + rx, y + ry),
            mix(_pick(rng, palette), (255, 255, 240), 0.12 * float(t)),
            form=0.7,
            blur=0.01,
        )


def living_room(c: Canvas, rng: np.random.Generator) -> None:
    wall = _pick(rng, WALLS)
    c.gradient(None, mix(wall, (255, 255, 255), 0.15), mix(wall, (0, 0, 0), 0.06))
    _planks(c, _pick(rng, ((196, 152, 110), (178, 132, 94), (210, 170, 128))))
    for x in np.linspace(0.02, 0.82, 4):
        c.fill(
            box(x, 0.5, x + 0.17, FLOOR - 0.05),
            mix(wall, (0, 0, 0), 0.1),
            holes=[box(x + 0.008, 0.507, x + 0.162, FLOOR - 0.057)],
        )
    c.fill(box(0, FLOOR - 0.028, 1, FLOOR), (250, 247, 242))
    for x, y, w, h in ((0.06, 0.07, 0.19, 0.25), (0.31, 0.11, 0.15, 0.19), (0.76, 0.08, 0.18, 0.24)):
        _frame(c, rng, x, y, w, h)
    if rng.random() < 0.8:
        _plant(c, rng, 0.94, 0.84, 0.26)


def bedroom(c: Canvas, rng: np.random.Generator) -> None:
    wall = _pick(rng, ((214, 206, 216), (206, 214, 222), (224, 208, 202)))
    c.gradient(None, wall, mix(wall, (0, 0, 0), 0.1))
    c.gradient(box(0, FLOOR, 1, 1), (206, 196, 188), (228, 220, 212))
    _window(c, 0.2, 0.05, 0.8, 0.54, (190, 214, 236), (244, 236, 226))
    for x0, side in ((-0.02, 1), (0.74, -1)):
        for i in range(5):
            x = x0 + i * 0.058
            c.fill(box(x, 0.0, x + 0.062, FLOOR + 0.02), (250, 244, 236), form=1.2)
        tie = x0 + (0.23 if side > 0 else 0.05)
        c.fill(box(tie - 0.05, 0.44, tie + 0.05, 0.455), (200, 170, 130), alpha=0.0)
    c.fill(box(0.0, 0.0, 1.0, 0.022), (150, 118, 88))
    c.glow(0.5, 0.3, 0.6, (255, 248, 230), 0.35)


def balcony(c: Canvas, rng: np.random.Generator) -> None:
    c.gradient(None, (138, 190, 230), (226, 240, 246))
    for _ in range(2):
        _cloud(c, float(rng.uniform(0.1, 0.9)), float(rng.uniform(0.08, 0.26)), float(rng.uniform(0.1, 0.15)))
    x = -0.02
    while x < 1.0:
        w, top = float(rng.uniform(0.1, 0.18)), float(rng.uniform(0.34, 0.5))
        c.fill(
            box(x, top, x + w, FLOOR),
            mix(_pick(rng, ((196, 170, 160), (206, 190, 172), (180, 180, 190))), (226, 240, 246), 0.35),
        )
        x += w
    c.gradient(box(0, FLOOR, 1, 1), (196, 176, 160), (222, 206, 190))
    for x in np.linspace(-0.5, 1.5, 9):
        c.fill(
            stroke([(0.5 + (x - 0.5) * 0.7, FLOOR), (0.5 + (x - 0.5) * 1.4, 1.0)], 0.005), (150, 128, 112), alpha=0.5
        )
    for y in (0.82, 0.92):
        c.fill(box(0, y, 1, y + 0.005), (150, 128, 112), alpha=0.5)
    for x in np.linspace(0.0, 1.0, 17):
        c.fill(box(x - 0.007, 0.5, x + 0.007, FLOOR), (66, 70, 76))
    c.fill(box(0, 0.48, 1, 0.51), (66, 70, 76), form=0.6)
    for x in (0.07, 0.93):
        _plant(c, rng, x, 0.86, 0.24)


def loft(c: Canvas, rng: np.random.Generator) -> None:
    brick = _pick(rng, ((186, 110, 86), (172, 102, 84), (196, 126, 100)))
    c.gradient(None, mix(brick, (255, 255, 255), 0.55), mix(brick, (255, 255, 255), 0.42))
    rows = 17
    for row in range(rows):
        y = row * FLOOR / rows
        for column in range(-1, 7):
            x = (column + 0.5 * (row % 2)) / 6
            tone = mix(brick, (255, 236, 220), float(rng.uniform(0.0, 0.22)))
            c.fill(box(x + 0.005, y + 0.004, x + 1 / 6 - 0.005, y + FLOOR / rows - 0.003), tone)
    c.gradient(box(0, FLOOR, 1, 1), (150, 148, 146), (188, 186, 182))
    c.fill(box(0, FLOOR - 0.012, 1, FLOOR), (70, 64, 62))
    c.fill(box(0.0, 0.04, 1.0, 0.07), (78, 76, 78), form=0.9)
    for x in (0.12, 0.88):
        c.fill(stroke([(x, 0.07), (x, 0.2)], 0.006), (50, 46, 46))
        c.glow(x, 0.23, 0.15, (255, 220, 150), 0.7)
        c.fill(ellipse(x - 0.03, 0.2, x + 0.03, 0.25), (255, 236, 190), form=0.4)


def street(c: Canvas, rng: np.random.Generator) -> None:
    c.gradient(None, (176, 206, 232), (240, 234, 226))
    x = -0.04
    palette: tuple[Rgb, ...] = ((226, 186, 160), (206, 200, 190), (214, 168, 150), (190, 198, 190), (236, 214, 176))
    while x < 1.0:
        w, top = float(rng.uniform(0.24, 0.32)), float(rng.uniform(0.03, 0.14))
        c.fill(box(x, top, x + w, FLOOR), _pick(rng, palette))
        c.fill(box(x - 0.006, top, x + w + 0.006, top + 0.025), (150, 116, 104))
        for y in np.arange(top + 0.07, FLOOR - 0.22, 0.16).tolist():
            for fx in (0.16, 0.58):
                c.fill(box(x + fx * w, y, x + fx * w + 0.26 * w, y + 0.1), (252, 248, 240))
                c.fill(box(x + fx * w + 0.01, y + 0.008, x + fx * w + 0.26 * w - 0.01, y + 0.092), (116, 140, 158))
        c.fill(box(x + 0.1 * w, FLOOR - 0.15, x + 0.9 * w, FLOOR), (104, 92, 92))
        awning = [(x + 0.06 * w, FLOOR - 0.18), (x + 0.94 * w, FLOOR - 0.18), (x + w, FLOOR - 0.12), (x, FLOOR - 0.12)]
        c.fill(awning, _pick(rng, ((156, 92, 84), (88, 112, 104), (206, 170, 110))), form=0.4)
        x += w
    c.gradient(box(0, FLOOR, 1, 1), (176, 170, 166), (204, 200, 196))
    c.fill(box(0, FLOOR, 1, FLOOR + 0.018), (226, 222, 218))
    for row, y in enumerate((0.81, 0.88, 0.95)):
        c.fill(box(0, y, 1, y + 0.004), (140, 134, 132), alpha=0.6)
        for x in np.linspace(0.05 * row, 1.0, 7):
            c.fill(box(x, y - 0.066, x + 0.004, y), (140, 134, 132), alpha=0.5)


def garden(c: Canvas, rng: np.random.Generator) -> None:
    c.gradient(None, (182, 216, 232), (226, 238, 214))
    _foliage(c, rng, 0.3, 0.68, 26, ((96, 140, 88), (120, 160, 100), (80, 122, 84)))
    c.gradient(box(0, FLOOR - 0.04, 1, 1), (132, 168, 94), (164, 194, 116))
    for _ in range(34):
        x, y = float(rng.uniform(0, 1)), float(rng.uniform(0.5, 0.98))
        if 0.22 < x < 0.78 and y > 0.7:
            continue
        petal = _pick(rng, ((250, 244, 236), (242, 178, 186), (250, 220, 130), (206, 170, 220)))
        r = float(rng.uniform(0.009, 0.018))
        rx, ry = r * c.unit / c.width, r * c.unit / c.height
        c.fill(ellipse(x - rx, y - ry, x + rx, y + ry), petal, form=0.5)
    for x in np.linspace(0.02, 0.98, 11):
        c.fill(
            [(x - 0.03, 0.6), (x, 0.56), (x + 0.03, 0.6), (x + 0.03, FLOOR), (x - 0.03, FLOOR)],
            (250, 248, 242),
            form=0.4,
        )
    c.fill(box(0, 0.63, 1, 0.65), (236, 232, 224))


def beach(c: Canvas, rng: np.random.Generator) -> None:
    evening = rng.random() < 0.3
    c.gradient(None, (250, 206, 160) if evening else (120, 188, 232), (252, 232, 204) if evening else (216, 238, 246))
    c.glow(float(rng.uniform(0.7, 0.9)), 0.14, 0.3, (255, 250, 220), 0.9)
    _cloud(c, float(rng.uniform(0.1, 0.4)), float(rng.uniform(0.08, 0.22)), 0.12)
    c.gradient(box(0, 0.42, 1, 0.72), (42, 138, 172), (116, 200, 204))
    for y in (0.5, 0.57, 0.63):
        wave = smooth(
            [(float(x), y + 0.007 * (-1) ** i) for i, x in enumerate(np.linspace(-0.05, 1.05, 9))], closed=False
        )
        c.fill(stroke(wave, 0.008), (240, 250, 250), alpha=0.7)
    shore = smooth([(-0.1, 0.7), (0.2, 0.675), (0.5, 0.7), (0.8, 0.68), (1.1, 0.7)], closed=False)
    c.fill([*shore, (1.1, 1.1), (-0.1, 1.1)], (250, 250, 246))
    c.fill([*[(x, y + 0.018) for x, y in shore], (1.1, 1.1), (-0.1, 1.1)], (238, 214, 168), form=0.15)
    side = 0.1 if rng.random() < 0.5 else 0.9
    c.fill(stroke([(side, 0.3), (side, 0.82)], 0.012), (236, 226, 210))
    for i in range(6):
        a0, a1 = 0.5 + i / 12, 0.5 + (i + 1) / 12
        segment = [(side, 0.3), *ellipse(side - 0.22, 0.2, side + 0.22, 0.46, start=a0, stop=a1)]
        c.fill(segment, (250, 246, 238) if i % 2 else (226, 122, 100))


def office(c: Canvas, rng: np.random.Generator) -> None:
    c.gradient(None, (206, 212, 218), (190, 198, 204))
    c.gradient(box(0.0, 0.05, 1.0, 0.56), (160, 196, 226), (226, 238, 246))
    x = 0.0
    while x < 1.0:
        w, top = float(rng.uniform(0.08, 0.15)), float(rng.uniform(0.16, 0.4))
        c.fill(box(x, top, x + w, 0.56), mix((120, 142, 166), (226, 238, 246), float(rng.uniform(0.2, 0.5))))
        x += w + 0.01
    for x in np.linspace(0.0, 1.0, 5):
        c.fill(box(x - 0.012, 0.05, x + 0.012, 0.56), (64, 70, 80))
    for y in (0.04, 0.54):
        c.fill(box(0, y, 1, y + 0.02), (64, 70, 80))
    c.gradient(box(0, FLOOR, 1, 1), (126, 132, 142), (150, 156, 166))
    c.fill(box(-0.02, 0.6, 1.02, 0.64), (204, 170, 132), form=0.3)
    c.fill(box(-0.02, 0.64, 1.02, FLOOR), (236, 236, 236), form=0.1)
    side = 0.16 if rng.random() < 0.5 else 0.84
    c.fill(box(side - 0.13, 0.4, side + 0.13, 0.57, 0.01), (44, 48, 56))
    c.fill(box(side - 0.118, 0.412, side + 0.118, 0.558), (110, 160, 190))
    c.fill(box(side - 0.02, 0.57, side + 0.02, 0.6), (60, 64, 72))
    _plant(c, rng, 1 - side, 0.6, 0.15)


def birthday(c: Canvas, rng: np.random.Generator) -> None:
    wall = _pick(rng, ((252, 232, 214), (216, 236, 238), (250, 240, 208)))
    c.gradient(None, mix(wall, (255, 255, 255), 0.2), wall)
    confetti: tuple[Rgb, ...] = ((240, 120, 110), (250, 196, 80), (110, 180, 170), (150, 140, 210), (244, 160, 190))
    for _ in range(60):
        x, y, r = float(rng.uniform(0, 1)), float(rng.uniform(0.2, FLOOR)), float(rng.uniform(0.006, 0.013))
        rx, ry = r * c.unit / c.width, r * c.unit / c.height
        c.fill(ellipse(x - rx, y - ry, x + rx, y + ry), _pick(rng, confetti), alpha=0.9)
    for offset in (0.02, 0.1):
        for i, x in enumerate(np.linspace(0.04, 0.96, 9)):
            y = offset + 0.09 * (1 - (2 * x - 1) ** 2)
            c.fill([(x - 0.042, y), (x + 0.042, y), (x, y + 0.085)], confetti[(i + int(offset * 100)) % 5], form=0.3)
    c.gradient(box(0, FLOOR, 1, 1), (250, 246, 240), (232, 224, 216))
    for x in np.linspace(0.0, 1.0, 9):
        c.fill(ellipse(x - 0.066, FLOOR + 0.05, x + 0.066, FLOOR + 0.1), (255, 255, 255), form=0.4)
    c.fill(box(0, FLOOR, 1, FLOOR + 0.075), (255, 252, 247))
    for x in (0.08, 0.93):
        cup = [(x - 0.045, 0.8), (x + 0.045, 0.8), (x + 0.034, 0.9), (x - 0.034, 0.9)]
        c.fill(cup, _pick(rng, confetti), form=0.9)


def wedding(c: Canvas, rng: np.random.Generator) -> None:
    c.gradient(None, (206, 226, 226), (240, 240, 222))
    _foliage(c, rng, 0.22, 0.66, 22, ((150, 180, 140), (170, 196, 156), (132, 164, 128)))
    c.gradient(box(0, FLOOR - 0.03, 1, 1), (178, 200, 140), (200, 216, 166))
    c.fill([(0.36, FLOOR - 0.03), (0.64, FLOOR - 0.03), (0.95, 1.0), (0.05, 1.0)], (250, 244, 232))
    arch = [*ellipse(0.1, 0.06, 0.9, 0.9, start=0.5, stop=1.0)]
    c.fill(stroke([(0.1, FLOOR), *arch, (0.9, FLOOR)], 0.02), (255, 253, 248), form=0.5)
    blooms: tuple[Rgb, ...] = ((252, 246, 240), (248, 218, 214), (255, 236, 214), (176, 196, 152), (160, 186, 142))
    for turn in np.linspace(0.5, 1.0, 40):
        (x, y) = ellipse(0.1, 0.06, 0.9, 0.9, start=float(turn), stop=float(turn))[0]
        r = float(rng.uniform(0.022, 0.042))
        x, y = x + float(rng.normal(0, 0.018)), y + float(rng.normal(0, 0.015))
        rx, ry = r * c.unit / c.width, r * c.unit / c.height
        c.fill(ellipse(x - rx, y - ry, x + rx, y + ry), _pick(rng, blooms), form=0.9)
    for x in (0.04, 0.96):
        _foliage_column(c, rng, x, blooms)


def _foliage_column(c: Canvas, rng: np.random.Generator, x: float, blooms: tuple[Rgb, ...]) -> None:
    for _ in range(7):
        px, py, r = (
            x + float(rng.normal(0, 0.03)),
            0.72 + float(rng.uniform(-0.06, 0.06)),
            float(rng.uniform(0.025, 0.045)),
        )
        rx, ry = r * c.unit / c.width, r * c.unit / c.height
        c.fill(ellipse(px - rx, py - ry, px + rx, py + ry), _pick(rng, blooms), form=0.9)


def christmas(c: Canvas, rng: np.random.Generator) -> None:
    wall = _pick(rng, ((86, 104, 92), (122, 66, 62), (88, 94, 110)))
    c.gradient(None, mix(wall, (255, 240, 220), 0.12), wall)
    _planks(c, (132, 92, 64))
    stone: Rgb = (206, 198, 188)
    c.fill(box(0.08, 0.3, 0.92, FLOOR + 0.02), stone, form=0.3)
    c.fill(box(0.2, 0.42, 0.8, FLOOR + 0.02), (44, 34, 32))
    c.glow(0.5, 0.72, 0.5, (255, 150, 60), 0.85)
    for x in np.linspace(0.28, 0.72, 7):
        h = float(rng.uniform(0.08, 0.16))
        c.fill(
            smooth([(x, FLOOR - h), (x + 0.04, FLOOR - 0.04), (x, FLOOR), (x - 0.04, FLOOR - 0.04)]),
            (255, 190, 90),
            blur=0.006,
        )
    c.fill(box(0.03, 0.25, 0.97, 0.315), mix(stone, (255, 255, 255), 0.4), form=0.4)
    for x in np.linspace(0.03, 0.97, 26):
        r = float(rng.uniform(0.028, 0.05))
        rx, ry = r * c.unit / c.width, r * c.unit / c.height
        y = 0.26 + float(rng.normal(0, 0.012))
        c.fill(
            ellipse(x - rx, y - ry, x + rx, y + ry), _pick(rng, ((62, 100, 70), (78, 118, 80), (52, 86, 64))), form=0.7
        )
    for x in np.linspace(0.06, 0.94, 12):
        y = 0.27 + float(rng.normal(0, 0.014))
        c.glow(x, y, 0.045, (255, 236, 180), 1.0)
        c.fill(ellipse(x - 0.007, y - 0.006, x + 0.007, y + 0.006), (255, 246, 214))
    for x in (0.12, 0.88):
        c.fill(
            [(x - 0.035, 0.32), (x + 0.035, 0.32), (x + 0.035, 0.44), (x + 0.07, 0.48), (x - 0.035, 0.48)],
            (190, 50, 52),
            form=0.8,
        )
        c.fill(box(x - 0.042, 0.31, x + 0.042, 0.35, 0.01), (252, 248, 242), form=0.6)


def baby_shower(c: Canvas, rng: np.random.Generator) -> None:
    sky = _pick(rng, ((200, 226, 240), (244, 216, 226), (214, 234, 220)))
    c.gradient(None, sky, mix(sky, (255, 255, 255), 0.5))
    for i, colour in enumerate(((240, 166, 160), (248, 208, 150), (176, 212, 178), (164, 196, 226))):
        r = 0.42 - 0.055 * i
        rx, ry = r * c.unit / c.width, r * c.unit / c.height
        inner_x, inner_y = (r - 0.055) * c.unit / c.width, (r - 0.055) * c.unit / c.height
        c.fill(
            ellipse(0.5 - rx, 0.52 - ry, 0.5 + rx, 0.52 + ry, start=0.5, stop=1.0),
            colour,
            holes=[ellipse(0.5 - inner_x, 0.52 - inner_y, 0.5 + inner_x, 0.52 + inner_y, start=0.5, stop=1.0)],
        )
    for x, y, s in ((0.1, 0.5, 0.13), (0.9, 0.52, 0.13), (0.14, 0.14, 0.1), (0.88, 0.16, 0.09)):
        _cloud(c, x, y, s, alpha=1.0)
    for _ in range(10):
        x, y = float(rng.uniform(0.03, 0.97)), float(rng.uniform(0.03, 0.62))
        points = []
        for k in range(10):
            r = (0.02 if k % 2 == 0 else 0.009) * c.unit
            a = -np.pi / 2 + k * np.pi / 5
            points.append((x + r * np.cos(a) / c.width, y + r * np.sin(a) / c.height))
        c.fill(points, (255, 236, 170))
    c.gradient(box(0, FLOOR, 1, 1), (252, 248, 244), (236, 228, 226))
    c.fill(box(0, FLOOR, 1, FLOOR + 0.02), (255, 255, 255))


SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (
        living_room,
        bedroom,
        balcony,
        loft,
        street,
        garden,
        beach,
        office,
        birthday,
        wedding,
        christmas,
        baby_shower,
    )
}
