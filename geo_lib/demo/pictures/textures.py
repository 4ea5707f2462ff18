"""Cloth: a colour, printed with a pattern, in a material that one can see at the size of a thumbnail."""

from collections.abc import Callable

import numpy as np

from geo_lib.demo.pictures.canvas import Array, Rgb, noise, rgb
from geo_lib.demo.truth.worlds import vocabulary

Field = Callable[[Array, Array, np.random.Generator], Array]
"""From object coordinates (u right, v down; the object spans about [-1, 1]) and a seed to a value per pixel."""


def _edge(value: Array, width: float = 0.12) -> Array:
    """A soft step from 0 to 1 around 0."""
    return np.clip(value / width + 0.5, 0, 1).astype(np.float32)


def _cells(u: Array, v: Array, size: float) -> tuple[Array, Array, Array]:
    """Place in a brick-laid grid of square cells, from -0.5 to 0.5, and a number per cell."""
    row = np.floor(v / size)
    x = u / size + 0.5 * (row % 2)
    column = np.floor(x)
    return (x - column - 0.5, v / size - row - 0.5, (column * 12.9898 + row * 78.233).astype(np.float32))


def _plain(u: Array, v: Array, rng: np.random.Generator) -> Array:
    return np.zeros(np.broadcast(u, v).shape, dtype=np.float32)


def _striped(u: Array, v: Array, rng: np.random.Generator) -> Array:
    return _edge(np.cos(2 * np.pi * u / 0.27 + 0.0 * v) - 0.05, 0.35)


def _dotted(u: Array, v: Array, rng: np.random.Generator) -> Array:
    x, y, _ = _cells(u, v, 0.27)
    return _edge(0.30 - np.hypot(x, y), 0.07)


def _floral(u: Array, v: Array, rng: np.random.Generator) -> Array:
    x, y, number = _cells(u, v, 0.40)
    turn = np.sin(number) * 3
    angle = np.arctan2(y, x) + turn
    radius = np.hypot(x, y)
    petals = _edge(0.27 + 0.15 * np.cos(5 * angle) - radius, 0.07)
    heart = _edge(0.10 - radius, 0.06)
    return petals * (1 - 0.9 * heart)


def _checked(u: Array, v: Array, rng: np.random.Generator) -> Array:
    across = _edge(np.cos(2 * np.pi * u / 0.34), 0.3)
    down = _edge(np.cos(2 * np.pi * v / 0.34), 0.3)
    return 0.48 * across + 0.48 * down


PATTERNS: dict[str, Field] = {
    "plain": _plain,
    "striped": _striped,
    "dotted": _dotted,
    "floral": _floral,
    "checked": _checked,
}


def _velvet(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Deep, with broad soft brushed sheens."""
    shape = np.broadcast(u, v).shape
    brushed = noise(rng, (6, 7), shape) + 0.5 * noise(rng, (12, 13), shape)
    return np.asarray(-0.12 + 0.40 * np.tanh(1.6 * brushed))


def _linen(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """A loose weave of threads that cross, some of them thicker."""
    shape = np.broadcast(u, v).shape
    threads = np.sin(2 * np.pi * u / 0.12) * (0.8 + 0.5 * noise(rng, (6, 40), shape))
    wefts = np.sin(2 * np.pi * v / 0.12) * (0.8 + 0.5 * noise(rng, (40, 6), shape))
    return np.asarray(0.17 * threads + 0.17 * wefts + 0.02)


def _bundles(u: Array, v: Array) -> Array:
    """A basket weave: 1 on a bundle of strands, 0 in the gaps."""
    size = 0.21
    column, row = np.floor(u / size), np.floor(v / size)
    x, y = u / size - column - 0.5, v / size - row - 0.5
    across = ((column + row) % 2) > 0
    along = np.where(across, x, y)
    over = np.where(across, y, x)
    strands = 0.85 + 0.15 * np.cos(2 * np.pi * over * 3)
    return np.asarray(np.clip(np.cos(np.pi * along), 0, 1) ** 0.6 * strands)


def _rattan(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Bundles over and under."""
    return np.asarray(0.50 * _bundles(u, v) - 0.36)


def _straw(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """The natural strands that show between rattan's dyed ones."""
    return np.asarray(np.clip(0.95 - 1.15 * _bundles(u, v), 0, 0.9))


def _enamel(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Hard and smooth: darker towards the flanks."""
    return np.asarray(0.05 - 0.30 * np.abs(u) ** 1.5 + 0.0 * v)


def _gloss(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Windows mirrored in enamel: sharp slanting bands, a broad and a thin one."""
    slant = (u + 0.55 * v) / 0.85 + 0.3
    band = slant - np.floor(slant) - 0.5
    return np.asarray(0.68 * _edge(0.085 - np.abs(band), 0.02) + 0.5 * _edge(0.022 - np.abs(band - 0.17), 0.012))


def _knit(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Columns of thick V-shaped stitches."""
    column = u / 0.23
    slant = np.abs(column - np.floor(column) - 0.5)
    stitch = np.sin(2 * np.pi * (v / 0.16 + slant * 1.3))
    ridge = np.cos(2 * np.pi * column)
    return np.asarray(0.27 * stitch - 0.18 * ridge)


def _denim(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Diagonal twill, washed out in places."""
    shape = np.broadcast(u, v).shape
    twill = np.sin(2 * np.pi * (u + v) / 0.10)
    return np.asarray(0.16 * twill + 0.18 * noise(rng, (6, 6), shape) + 0.03)


def _topstitch(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Double rows of tan thread along and across."""
    dash_v, dash_u = np.cos(2 * np.pi * v / 0.11) > -0.45, np.cos(2 * np.pi * u / 0.11) > -0.45
    across, down = np.abs(((u + 0.35) % 0.7) - 0.35), np.abs(((v + 0.45) % 0.9) - 0.45)
    rows = _edge(0.016 - np.abs(across - 0.035), 0.012) * dash_v
    lines = _edge(0.016 - np.abs(down - 0.035), 0.012) * dash_u
    return np.asarray(0.95 * np.maximum(rows, lines))


def _satin(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Flowing folds that catch the light."""
    shape = np.broadcast(u, v).shape
    flow = u + 0.35 * v + 0.16 * noise(rng, (3, 3), shape)
    folds = np.sin(2 * np.pi * flow / 0.52)
    return np.asarray(0.30 * np.sign(folds) * np.abs(folds) ** 1.6 + 0.22 * np.clip(folds - 0.75, 0, 1) * 4)


def _leather(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Quilted: puffed diamonds with a dull shine between dark seams, and a grain."""
    shape = np.broadcast(u, v).shape
    a, b = (u + v) / 0.40, (u - v) / 0.40
    x, y = a - np.floor(a) - 0.5, b - np.floor(b) - 0.5
    seam = np.minimum(0.5 - np.abs(x), 0.5 - np.abs(y))
    shine = np.exp(-((x + 0.12) ** 2 + (y - 0.02) ** 2) / 0.03)
    grain = 0.06 * noise(rng, (40, 40), shape)
    return np.asarray(0.62 * shine + grain - 0.08 - 0.5 * np.clip(1 - seam / 0.10, 0, 1))


def _paper(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Flat facets between sharp folds."""
    size = 0.40
    column, row = np.floor(u / size), np.floor(v / size)
    x, y = u / size - column, v / size - row
    upper = (x + y) < 1
    facet = np.sin(column * 12.9 + row * 78.2 + np.where(upper, 0.0, 2.4)) * 0.26
    fold = np.minimum(np.abs(x + y - 1), np.minimum(x, y))
    return np.asarray(facet + 0.03 - 0.14 * np.clip(1 - fold / 0.05, 0, 1))


def _metallic(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """A mirror-like band of light, dark, light."""
    shape = np.broadcast(u, v).shape
    bend = v + 0.25 * u + 0.10 * noise(rng, (4, 4), shape)
    bands = np.sin(2 * np.pi * bend / 0.60)
    return np.asarray(0.08 + 0.42 * np.tanh(2.6 * bands) + 0.07 * np.sin(2 * np.pi * bend / 0.13))


def _glitter(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Specks that lie in shadow."""
    shape = np.broadcast(u, v).shape
    return np.asarray(-0.40 * np.clip(noise(rng, (34, 34), shape) - 0.15, 0, 1) + 0.06)


def _sparkle(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Small bright stars, scattered."""
    size = 0.155
    column, row = np.floor(u / size), np.floor(v / size)
    chance = np.modf(np.abs(np.sin(column * 12.9898 + row * 78.233) * 43758.547))[0]
    turn = chance * 40
    x, y = u / size - column - 0.5 - 0.25 * np.sin(turn), v / size - row - 0.5 - 0.25 * np.cos(turn)
    star = 0.035 / (np.abs(x) * np.abs(y) * 6 + x**2 + y**2 + 0.012)
    return np.asarray(np.clip(star - 0.25, 0, 1) * (chance > 0.3) * 0.95)


def _ridges(u: Array, v: Array) -> Array:
    return np.asarray(np.sin(2 * np.pi * (v / 0.27 + 0.34 * np.sin(2 * np.pi * u / 0.44))))


def _buttercream(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Piped waves, one soft ridge above the other."""
    return np.asarray(0.20 * _ridges(u, v) - 0.02)


def _cream(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """The ridges' pale crests."""
    return np.asarray(0.62 * np.clip(_ridges(u, v) - 0.25, 0, 1))


MATERIALS: dict[str, Field] = {
    "velvet": _velvet,
    "linen": _linen,
    "rattan": _rattan,
    "enamel": _enamel,
    "knit": _knit,
    "denim": _denim,
    "satin": _satin,
    "leather": _leather,
    "paper": _paper,
    "metallic": _metallic,
    "glitter": _glitter,
    "buttercream": _buttercream,
}
"""What a material does to light: below 0 it is in shadow, above 0 it catches light."""

OVERLAYS: dict[str, tuple[Rgb, Field]] = {
    "rattan": ((222, 190, 136), _straw),
    "enamel": ((255, 255, 255), _gloss),
    "denim": ((232, 168, 84), _topstitch),
    "glitter": ((255, 255, 250), _sparkle),
    "buttercream": ((255, 246, 226), _cream),
}
"""What some materials bring in a colour of their own, and how much of it where."""


def cloth(u: Array, v: Array, *, colour: str, pattern: str, material: str, seed: int) -> Array:
    """RGB (0–255) of a cloth over a field of object coordinates: ``u`` a row, ``v`` a column vector."""
    rng = np.random.default_rng(seed)
    hue = vocabulary().colours[colour]
    base, accent = rgb(hue.rgb), rgb(hue.accent)
    base = np.clip(base * (1 + 0.05 * rgb(tuple(rng.uniform(-1, 1, 3)))), 0, 255)
    turn = float(rng.uniform(-0.12, 0.12))
    phase = rng.uniform(0, 1, 2)
    scale = float(rng.uniform(0.92, 1.12))
    turned_u = ((u + phase[0]) * np.cos(turn) - v * np.sin(turn)) / scale
    turned_v = ((v + phase[1]) * np.cos(turn) + u * np.sin(turn)) / scale
    shape = np.broadcast(u, v).shape
    print_field = PATTERNS[pattern](turned_u.astype(np.float32), turned_v.astype(np.float32), rng)
    field = base + (accent - base) * np.broadcast_to(print_field, shape)[:, :, None]
    if material in OVERLAYS:
        own, place = OVERLAYS[material]
        field = field + (rgb(own) - field) * np.broadcast_to(place(u, v, rng).astype(np.float32), shape)[:, :, None]
    relief = np.broadcast_to(MATERIALS[material](u, v, rng).astype(np.float32), shape)[:, :, None]
    # dark cloth shows relief only if light adds to it, light cloth only if shadow takes from it
    lit = field * (1 + np.minimum(relief, 0) * 1.05) + (255 - field) * 0.18 * np.maximum(relief, 0)
    shown = lit * (1 + 0.55 * np.maximum(relief, 0)) + 26 * np.maximum(relief, 0)
    return np.asarray(np.clip(shown, 0, 255), dtype=np.float32)
