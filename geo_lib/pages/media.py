"""Pictures of the site: a small rendition and a full one per content, written once, by the workers."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from pyspark.sql import DataFrame

from geo_lib.files import write_whole
from geo_lib.pictures import UndecodableError, turned

if TYPE_CHECKING:
    from PIL.Image import Image

SMALL = 480
"""Longest side of the small rendition in pixels: a row of the grid at twice the density."""
_SUFFIX = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif"}
"""Formats that are served as they are stored; others become WEBP."""
_RENDERED = "signature string, full string, small string, width int, height int, colour string, error string"


def rendered(pictures: DataFrame, *, folder: str) -> DataFrame:
    """``signature, full, small, width, height, colour, error`` per picture; evaluating it writes the files.

    ``pictures``: signature, bytes. ``full`` and ``small`` are paths from the root of the site, below
    ``folder``; sizes are those of the full rendition held upright; ``colour`` is its mean, ``#rrggbb``. Files
    are named by the SHA-256 of ``bytes``, so one that is there is not written again. ``error`` says why a
    picture has none.
    """

    def render(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        columns = [field.split()[0] for field in _RENDERED.split(", ")]
        for batch in batches:
            rows = [
                (signature, *render_one(content, folder=Path(folder)))
                for signature, content in zip(batch["signature"], batch["bytes"], strict=True)
            ]
            yield pd.DataFrame(rows, columns=columns, dtype=object).astype({"width": "Int32", "height": "Int32"})

    return pictures.select("signature", "bytes").mapInPandas(render, _RENDERED)


Rendered = tuple[str | None, str | None, int | None, int | None, str | None, str | None]


def render_one(content: bytes, *, folder: Path) -> Rendered:
    """Write both renditions of one picture below ``folder``; return their paths, size, colour and no error."""
    from PIL import Image

    try:
        picture, stored = turned(content)
    except UndecodableError as wrong:  # by kind alone: failures are counted by what this says
        return None, None, None, None, None, f"cannot decode the picture: {type(wrong.__cause__).__name__}"
    name = hashlib.sha256(content).hexdigest()
    place = f"/media/{name[:2]}"
    full = f"{place}/{name}{_SUFFIX.get(stored, '.webp')}"
    small = f"{place}/{name}-{SMALL}.webp"
    if not (folder / full[1:]).is_file():
        write_whole(folder / full[1:], content if stored in _SUFFIX else _webp(picture))
    target = folder / small[1:]
    if not target.is_file():
        reduced = _solid(picture).copy()
        reduced.thumbnail((SMALL, SMALL), Image.Resampling.LANCZOS)
        write_whole(target, _webp(reduced))
    with Image.open(target) as written:  # of the file, so that a later run finds the same colour
        colour = mean_colour(written)
    return full, small, picture.width, picture.height, colour, None


def mean_colour(picture: "Image") -> str:
    """Mean colour over white, ``#rrggbb``: what stands in a picture's place until it is there."""
    from PIL import Image

    white = Image.new("RGBA", picture.size, "white")
    solid = Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    return f"#{solid.resize((1, 1), Image.Resampling.BOX).tobytes().hex()}"


def _solid(picture: "Image") -> "Image":
    """In colours that can be mixed: Pillow scales those of a palette without smoothing."""
    return picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGBA")


def _webp(picture: "Image") -> bytes:
    out = io.BytesIO()
    _solid(picture).save(out, "WEBP", quality=82, method=2)
    return out.getvalue()
