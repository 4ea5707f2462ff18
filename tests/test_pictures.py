"""Pixels as people see them, whatever is written beside them."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from geo_lib.catalogue.stored import stored
from geo_lib.pages.media import render_one
from geo_lib.pictures import UndecodableError, as_viewers_show_it, turned, upright

RAMP = np.linspace(0, 65535, 256).astype("uint16").reshape(1, 256).repeat(8, axis=0)


def encoded(picture: Any, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunk(png: bytes, added: bytes) -> bytes:
    """The PNG with a chunk after its header."""
    return png[:33] + added + png[33:]


def swapped_profile() -> bytes:
    """sRGB with red and blue changed places: who throws it away shows other colours."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {bytes(profile[i : i + 4]): i for i in range(132, 132 + 12 * int.from_bytes(profile[128:132], "big"), 12)}
    red, blue = (tags[name] for name in (b"rXYZ", b"bXYZ"))
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def grey_profile_of_gamma_1() -> bytes:
    """A grey profile in which half the light is half the number."""
    tags = [(b"wtpt", b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)), (b"kTRC", b"curv" + bytes(8))]
    place, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags:
        table += name + struct.pack(">II", place + len(body), len(content))
        body += content
    head = bytearray(128)
    head[0:4] = struct.pack(">I", place + len(body))
    head[8:24], head[36:40] = b"\x02\x40\0\0mntrGRAYXYZ ", b"acsp"
    head[68:80] = struct.pack(">3i", 63190, 65536, 54061)
    return bytes(head) + table + body


@pytest.mark.parametrize(("kind", "dtype"), [("PNG", "<u2"), ("TIFF", "<u2"), ("TIFF", ">u2"), ("PPM", "<u2")])
def test_grey_of_sixteen_bits_keeps_its_shades(kind: str, dtype: str) -> None:
    seen = np.asarray(upright(encoded(Image.fromarray(RAMP.astype(dtype)), kind)))[..., 0]
    assert (seen[0] == np.arange(256)).all()


@pytest.mark.parametrize("top", [1, 255, 65535, 4e6])
def test_grey_in_floating_point_numbers_is_scaled_by_what_is_usual_for_its_size(top: float) -> None:
    ramp = (np.arange(256, dtype="float32") * (top / 255)).reshape(1, 256)
    seen = np.asarray(upright(encoded(Image.fromarray(ramp), "TIFF")))[0, :, 0].astype(int)
    assert np.abs(seen - np.arange(256)).max() <= 1


def test_what_is_transparent_of_sixteen_bits_is_white() -> None:
    png = encoded(Image.fromarray(np.array([[1000, 65535, 0]], dtype="uint16")))
    seen = upright(with_chunk(png, chunk(b"tRNS", struct.pack(">H", 1000))))
    assert [seen.getpixel((x, 0)) for x in range(3)] == [(255,) * 3, (255,) * 3, (0,) * 3]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
@pytest.mark.parametrize("side", [64, 1000])
def test_colours_are_those_of_the_profile_in_every_rendition(tmp_path: Path, mode: Any, side: int) -> None:
    picture = Image.new("RGB", (side, side), (220, 30, 30)).convert(mode, palette=Image.Palette.ADAPTIVE)
    data = encoded(picture, icc_profile=swapped_profile())
    kept = stored(data, longest_side=736)
    _, small, *_, colour, _ = render_one(kept.bytes, folder=tmp_path)
    with Image.open(tmp_path / str(small)[1:]) as reduced:
        assert "icc_profile" not in reduced.info
        shown = [
            upright(data).getpixel((9, 9)),
            upright(kept.bytes).getpixel((9, 9)),
            reduced.convert("RGB").getpixel((9, 9)),
        ]
    assert np.abs(np.array(shown) - (30, 30, 220)).max() <= 6
    assert [int(str(colour)[i : i + 2], 16) for i in (1, 3, 5)] == pytest.approx([30, 30, 220], abs=6)


def test_a_profile_of_greys_and_transparency_go_together() -> None:
    picture = Image.new("LA", (4, 4), (128, 255))
    picture.putpixel((0, 0), (128, 0))
    seen = upright(encoded(picture, icc_profile=grey_profile_of_gamma_1()))
    assert seen.getpixel((0, 0)) == (255, 255, 255)
    assert seen.getpixel((1, 1)) == pytest.approx((188, 188, 188), abs=2)


@pytest.mark.parametrize("profile", [b"no profile", grey_profile_of_gamma_1(), swapped_profile()[:200]])
def test_a_profile_that_is_none_or_of_other_pictures_changes_nothing_and_is_not_handed_on(profile: bytes) -> None:
    picture, _ = turned(encoded(Image.new("RGB", (4, 4), (220, 30, 30)), icc_profile=profile))
    assert picture.getpixel((1, 1)) == (220, 30, 30)
    assert picture.info == {}


def test_a_rendition_is_the_same_bytes_each_time() -> None:
    data = encoded(Image.new("RGB", (900, 9), (220, 30, 30)), icc_profile=swapped_profile())
    assert stored(data, longest_side=736).bytes == stored(data, longest_side=736).bytes


@pytest.mark.parametrize(
    "beside",
    [
        chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(70_000_000))),
        chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(70_000_000))),
        chunk(b"tEXt", b"note\0text")[:-1] + b"?",
    ],
)
def test_what_is_written_beside_the_pixels_of_a_png_costs_no_picture(tmp_path: Path, beside: bytes) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = encoded(Image.new("RGB", (40, 20), "red"), exif=exif)
    picture, kind = turned(with_chunk(plain, beside))
    assert (picture.size, picture.getpixel((0, 0)), kind) == ((20, 40), (255, 0, 0), "unknown")
    full, *_ = render_one(with_chunk(plain, beside), folder=tmp_path)
    with Image.open(tmp_path / str(full)[1:]) as served:  # that others can read
        assert served.size == (20, 40)


def test_an_orientation_that_stands_in_broken_exif_is_still_followed() -> None:
    tags = [(0x0112, 3, 1, struct.pack("<HH", 6, 0)), (0x010F, 4, 1, b"text")]
    entries = b"".join(struct.pack("<HHI", tag, kind, count) + value for tag, kind, count, value in sorted(tags))
    broken = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 9_999_999)
    assert upright(encoded(Image.new("RGB", (40, 20)), "JPEG", exif=broken)).size == (20, 40)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_a_moving_picture_the_first_frame_is_seen(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    data = encoded(
        frames[0],
        kind,
        save_all=True,
        append_images=frames[1:],
        duration=100,
        **({"lossless": True} if kind == "WEBP" else {}),
    )
    assert upright(data).getpixel((4, 4)) == (255, 0, 0)


@pytest.mark.parametrize(("kind", "mime"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_what_any_viewer_shows_upright_is_shown_as_it_is(kind: str, mime: str) -> None:
    data = encoded(Image.new("RGB", (8, 4), "red"), kind)
    assert as_viewers_show_it(data) == (data, mime)


def test_what_some_viewers_would_turn_or_not_show_becomes_a_jpeg() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying, uncommon = Image.new("RGB", (8, 4), "red"), encoded(Image.new("RGB", (8, 4), "red"), "TIFF")
    for data, size in ((encoded(lying, "JPEG", exif=exif), (4, 8)), (uncommon, (8, 4))):
        shown, mime = as_viewers_show_it(data)
        assert (mime, turned(shown)[0].size, turned(shown)[1]) == ("image/jpeg", size, "JPEG")
    with pytest.raises(UndecodableError):
        as_viewers_show_it(b"no picture")
