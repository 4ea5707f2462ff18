"""What the lakehouse keeps of a picture's bytes."""

import io
from dataclasses import dataclass

from geo_lib.pictures import over_white, turned


@dataclass(frozen=True, slots=True)
class Picture:
    """Stored bytes and what they hold. Width and height are those of the picture held upright."""

    bytes: bytes
    width: int
    height: int
    format: str


def stored(data: bytes, *, longest_side: int) -> Picture:
    """What the lakehouse keeps of delivered bytes: themselves, or a smaller picture where they are too large.

    A picture within ``longest_side`` is kept byte for byte, so whoever decodes it goes through ``upright``;
    a larger one is held upright, laid over white, scaled down and encoded as JPEG. Raises ``UndecodableError``.
    """
    from PIL import Image

    as_stored, kind = turned(data)
    picture = over_white(as_stored)
    if max(picture.size) <= longest_side:
        return Picture(data, picture.width, picture.height, kind)
    picture.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG", quality=90)
    return Picture(encoded.getvalue(), picture.width, picture.height, "JPEG")
