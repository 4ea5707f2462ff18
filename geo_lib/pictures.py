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
_ORIENTATION = 0x0112
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""EXIF orientation to what holds the picture upright."""
_DEEP = {
    **dict.fromkeys(("I;16", "I;16L", "I;16B", "I;16N"), (65535.0,)),
    "I": (255.0, 65535.0),
    "F": (1.0, 255.0, 65535.0),
}
"""Modes of more than eight bits, and the largest values that are usual in them."""
_UNKNOWN = "unknown"
_SHOWN_BY_ALL = ("JPEG", "PNG", "WEBP", "GIF")
_PNG = b"\x89PNG\r\n\x1a\n"
_OF_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_ADDRESS = re.compile(r"\s*<[^<>]* at 0x[0-9a-fA-F]+>")


class UndecodableError(ValueError):
    """The bytes are no picture that can be decoded to its last pixel. Equal bytes give an equal message."""


def turned(data: bytes) -> "tuple[Image, str]":
    """The picture as its EXIF orientation says, in sRGB at eight bits a channel, and its format.

    Its mode is its own where that holds such colours. The first frame of an animation. What is written beside the
    pixels costs no picture; where it kept the bytes from being read, and so may keep others from it, the format is
    ``unknown``, as it is where there is none. Raises ``UndecodableError``.
    """
    with _broken_is_undecodable():
        try:
            return _turned(data)
        except _BROKEN_PICTURE:
            if not data.startswith(_PNG):
                raise
            return _turned(_pixels_alone(data))[0], _UNKNOWN


def _turned(data: bytes) -> "tuple[Image, str]":
    from PIL import Image

    with Image.open(io.BytesIO(data)) as opened:
        opened.load()  # verify() looks at headers alone; a truncated picture passes it
        turn = _TURNS.get(_orientation(opened))
        picture = _in_srgb(_in_eight_bits(opened))
        picture = picture.copy() if turn is None else picture.transpose(Image.Transpose[turn])
    # of what else was known of it nothing holds any more
    picture.info = {name: known for name, known in picture.info.items() if name == "transparency"}
    return picture, opened.format or _UNKNOWN


def _orientation(picture: "Image") -> int:
    """As EXIF counts it; 1, as the pixels lie, where it says nothing that counts."""
    try:
        said = picture.getexif().get(_ORIENTATION)
    except _BROKEN_PICTURE:
        return 1
    return said if isinstance(said, int) else 1


def _in_eight_bits(picture: "Image") -> "Image":
    """Deeper greys scaled to 0 … 255, from the least range that is usual for such values and holds these.

    Pillow would cut all above 255 off, and leave a white picture.
    """
    import numpy as np
    from PIL import Image

    if picture.mode not in _DEEP:
        return picture
    values = np.nan_to_num(np.asarray(picture, dtype="float32"), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    usual = next((top for top in _DEEP[picture.mode] if low >= 0 and high <= top), None)
    low, high = (low, high) if usual is None else (0.0, usual)
    grey = Image.fromarray(((values - low) * (255 / ((high - low) or 1))).astype("uint8"))
    if (clear := picture.info.get("transparency")) is not None:
        grey.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype("uint8")))
    if profile := picture.info.get("icc_profile"):
        grey.info["icc_profile"] = profile
    return grey


def _in_srgb(picture: "Image") -> "Image":
    """The picture in the colours that its profile means; as it is without one, or with one of no such picture."""
    from PIL import ImageCms

    if not (profile := picture.info.get("icc_profile")):
        return picture
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}[given.profile.xcolor_space.strip()]
        own = {"CMYK": "CMYK", "1": "L", "L": "L", "LA": "L"}.get(picture.mode, "RGB")
        if own != mode and (own, mode) != ("L", "RGB"):
            return picture
        alpha = picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else None
        srgb = ImageCms.createProfile("sRGB")
        coloured = ImageCms.profileToProfile(picture.convert(mode), given, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, *_BROKEN_PICTURE):
        return picture
    assert coloured is not None, "a picture of its own, as it was not asked to change the one given"
    coloured.info.clear()
    if alpha is not None:
        coloured.putalpha(alpha)
    return coloured


def _pixels_alone(png: bytes) -> bytes:
    """A PNG without what is written beside its pixels; of that it keeps a sound EXIF, for the orientation."""
    parts, place = [_PNG], len(_PNG)
    while place < len(png):
        end = place + int.from_bytes(png[place : place + 4], "big") + 12
        kind, checked, checksum = png[place + 4 : place + 8], png[place + 4 : end - 4], png[end - 4 : end]
        if kind in _OF_PIXELS or (kind == b"eXIf" and zlib.crc32(checked) == int.from_bytes(checksum, "big")):
            parts.append(png[place:end])
        place = end
    return b"".join(parts)


def upright(data: bytes) -> "Image":
    """The picture as people see it: ``turned``, RGB, transparency over white. Raises ``UndecodableError``."""
    return over_white(turned(data)[0])


def as_viewers_show_it(data: bytes) -> tuple[bytes, str]:
    """Bytes that any viewer shows as people see the picture, and their MIME type: as they are where that holds of them.

    They are in a format that every browser has and held upright; others become JPEG. Raises ``UndecodableError``.
    """
    from PIL import Image

    with _broken_is_undecodable(), Image.open(io.BytesIO(data)) as opened:
        if opened.format in _SHOWN_BY_ALL and _orientation(opened) == 1:
            return data, Image.MIME[opened.format]
    encoded = io.BytesIO()
    upright(data).save(encoded, "JPEG", quality=90)
    return encoded.getvalue(), "image/jpeg"


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
