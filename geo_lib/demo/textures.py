"""Cloth: a colour, printed with a pattern, in a material that one can see at the size of a thumbnail."""

from collections.abc import Callable

import numpy as np

from geo_lib.demo.canvas import Array, noise, rgb
from geo_lib.demo.worlds import vocabulary

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
    threads = np.sin(2 * np.pi * u / 0.095) * (0.8 + 0.5 * noise(rng, (6, 40), shape))
    wefts = np.sin(2 * np.pi * v / 0.095) * (0.8 + 0.5 * noise(rng, (40, 6), shape))
    return np.asarray(0.14 * threads + 0.14 * wefts + 0.03)


def _rattan(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """A basket weave: bundles over and under, dark in the gaps."""
    size = 0.18
    column, row = np.floor(u / size), np.floor(v / size)
    x, y = u / size - column - 0.5, v / size - row - 0.5
    across = ((column + row) % 2) > 0
    along = np.where(across, x, y)
    over = np.where(across, y, x)
    bundle = np.clip(np.cos(np.pi * along), 0, 1) ** 0.6
    strands = 0.85 + 0.15 * np.cos(2 * np.pi * over * 3)
    return np.asarray(0.62 * bundle * strands - 0.46)


def _enamel(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Hard gloss: one sharp streak of light, darker flanks."""
    streak = np.exp(-(((u + 0.28) / 0.075) ** 2)) + 0.5 * np.exp(-(((u + 0.12) / 0.03) ** 2))
    return np.asarray(0.85 * streak - 0.24 * np.abs(u) ** 1.5 + 0.3 * np.exp(-(((u - 0.52) / 0.05) ** 2)) + 0.0 * v)


def _knit(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Columns of V-shaped stitches."""
    column = u / 0.17
    slant = np.abs(column - np.floor(column) - 0.5)
    stitch = np.sin(2 * np.pi * (v / 0.12 + slant * 1.3))
    ridge = np.cos(2 * np.pi * column)
    return np.asarray(0.24 * stitch - 0.16 * ridge)


def _denim(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Diagonal twill, washed out in places."""
    shape = np.broadcast(u, v).shape
    twill = np.sin(2 * np.pi * (u + v) / 0.10)
    return np.asarray(0.19 * twill + 0.12 * noise(rng, (6, 6), shape) + 0.10 * noise(rng, (60, 60), shape) + 0.03)


def _satin(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Flowing folds that catch the light."""
    shape = np.broadcast(u, v).shape
    flow = u + 0.35 * v + 0.16 * noise(rng, (3, 3), shape)
    folds = np.sin(2 * np.pi * flow / 0.52)
    return np.asarray(0.30 * np.sign(folds) * np.abs(folds) ** 1.6 + 0.22 * np.clip(folds - 0.75, 0, 1) * 4)


def _leather(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Grain: raised pebbles between dark creases, with a dull shine."""
    shape = np.broadcast(u, v).shape
    creases = np.minimum(np.abs(noise(rng, (18, 18), shape)), np.abs(noise(rng, (15, 15), shape)))
    shine = np.exp(-((u + 0.3) ** 2 + (v + 0.35) ** 2) / 0.22)
    return np.asarray(np.clip(creases * 3.4, 0, 0.5) - 0.42 + 0.5 * shine)


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
    """Sparkles and specks."""
    shape = np.broadcast(u, v).shape
    fine = noise(rng, (44, 44), shape)
    return np.asarray(1.5 * np.clip(fine - 0.42, 0, 1) - 0.55 * np.clip(-fine - 0.35, 0, 1) + 0.0)


def _buttercream(u: Array, v: Array, rng: np.random.Generator) -> Array:
    """Piped waves, one soft ridge above the other."""
    wave = v / 0.20 + 0.30 * np.sin(2 * np.pi * u / 0.34)
    return np.asarray(0.22 * np.sin(2 * np.pi * wave) + 0.04)


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
    relief = np.broadcast_to(MATERIALS[material](u, v, rng), shape)[:, :, None]
    # dark cloth shows relief only if light adds to it, light cloth only if shadow takes from it
    lit = field * (1 + np.minimum(relief, 0) * 1.05) + (255 - field) * 0.18 * np.maximum(relief, 0)
    shown = lit * (1 + 0.55 * np.maximum(relief, 0)) + 26 * np.maximum(relief, 0)
    return np.asarray(np.clip(shown, 0, 255), dtype=np.float32)
