"""How many tokens an image costs. The arithmetic of Qwen2-VL's ``smart_resize``, in Python and as columns.

With the bounds of the paper (175,616 and 602,112 pixels) an image costs 224 to 768 tokens: most of a
sequence of 1,024. So the budget is settled before training, and an example that does not fit is
dropped by name, never truncated.
"""

import math
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

MAX_ASPECT_RATIO = 200


@dataclass(frozen=True, slots=True)
class PixelBounds:
    """What an image is resized into before the vision tower sees it."""

    min_pixels: int
    max_pixels: int
    factor: int = 28
    """Pixels along each side of one visual token: patch size times spatial merge."""

    def __post_init__(self) -> None:
        if not self.factor**2 <= self.min_pixels <= self.max_pixels:
            raise ValueError(
                f"pixel bounds must hold {self.factor**2} <= min_pixels <= max_pixels, "
                f"not {self.min_pixels} and {self.max_pixels}"
            )

    def visual_tokens(self, width: int, height: int) -> int:
        """Tokens of one image, without the two markers around it."""
        if max(width, height) > MAX_ASPECT_RATIO * min(width, height):
            raise ValueError(f"an image of {width} x {height} is beyond the aspect ratio of {MAX_ASPECT_RATIO}")
        across, down = round(width / self.factor), round(height / self.factor)
        if across * down * self.factor**2 > self.max_pixels:
            shrink = math.sqrt(width * height / self.max_pixels)
            across = max(1, math.floor(width / shrink / self.factor))
            down = max(1, math.floor(height / shrink / self.factor))
        elif across * down * self.factor**2 < self.min_pixels:
            grow = math.sqrt(self.min_pixels / (width * height))
            across, down = math.ceil(width * grow / self.factor), math.ceil(height * grow / self.factor)
        return across * down


def visual_tokens(width: Column, height: Column, bounds: PixelBounds, *, max_pixels: Column | None = None) -> Column:
    """``PixelBounds.visual_tokens`` as a column; null beyond the aspect ratio that the model takes.

    ``max_pixels``: a bound of each row's own instead of that of ``bounds``; it must not fall below ``min_pixels``.
    """
    factor = F.lit(float(bounds.factor))
    most = F.lit(float(bounds.max_pixels)) if max_pixels is None else max_pixels.cast("double")
    # rint rounds halves to even, as Python's round does
    pixels = F.rint(width / factor) * F.rint(height / factor) * factor * factor
    area = width.cast("double") * height

    shrink = F.sqrt(area / most)
    grow = F.sqrt(F.lit(float(bounds.min_pixels)) / area)

    def side(length: Column) -> Column:
        return (
            F.when(pixels > most, F.greatest(F.lit(1.0), F.floor(length / shrink / factor).cast("double")))
            .when(pixels < bounds.min_pixels, F.ceil(length * grow / factor).cast("double"))
            .when(pixels.isNotNull(), F.rint(length / factor))
        )

    is_taken = F.greatest(width, height) <= MAX_ASPECT_RATIO * F.least(width, height)
    return F.when(is_taken, (side(width) * side(height)).cast("int"))
