"""Bytes to pictures: the one way in which anything here decodes an image."""

import io
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

_BROKEN_PICTURE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    NotImplementedError,
    EOFError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise for bytes that lie about themselves; memory and programming errors are not among it."""
_ADDRESS = re.compile(r"\s*<[^<>]* at 0x[0-9a-fA-F]+>")


class UndecodableError(ValueError):
    """The bytes are no picture that can be decoded to its last pixel. Equal bytes give an equal message."""


def turned(data: bytes) -> "tuple[Image, str]":
    """The picture as its EXIF orientation says, in its own colour mode, and its format (``unknown`` if it has none).

    The first frame of an animation. Raises ``UndecodableError``.
    """
    from PIL import Image, ImageOps

    with _broken_is_undecodable(), Image.open(io.BytesIO(data)) as opened:
        opened.load()  # verify() looks at headers alone; a truncated picture passes it
        return ImageOps.exif_transpose(opened), opened.format or "unknown"


def upright(data: bytes) -> "Image":
    """The picture as people see it: ``turned``, RGB, transparency over white. Raises ``UndecodableError``."""
    return over_white(turned(data)[0])


def over_white(picture: "Image") -> "Image":
    """The picture in RGB; what is transparent is white. Raises ``UndecodableError`` where colours have no RGB."""
    from PIL import Image

    with _broken_is_undecodable():
        if not picture.has_transparency_data:
            return picture.convert("RGB")
        rgba = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


@contextmanager
def _broken_is_undecodable() -> Iterator[None]:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise UndecodableError(f"more pixels than are safe to decode: {bomb}") from bomb
    except _BROKEN_PICTURE as broken:
        raise UndecodableError(f"{type(broken).__name__}: {_ADDRESS.sub('', str(broken))}") from broken
