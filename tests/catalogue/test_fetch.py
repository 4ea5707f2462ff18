"""Pictures by their bytes. Pure Python, except where Spark fetches them."""

import errno
import hashlib
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pyspark.sql import DataFrame, SparkSession

from geo_lib.catalogue.delivery import Delivery, Mark
from geo_lib.catalogue.fetch import MARK, fetched
from geo_lib.catalogue.stored import stored
from geo_lib.pages.media import render_one
from geo_lib.pictures import UndecodableError, upright
from geo_lib.spark import local_frame


def encoded(picture: Any, kind: Any = "PNG", **options: Any) -> Any:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def sideways() -> Any:
    """A 40 × 20 picture, left half red, that says: turn me by 90 degrees."""
    picture = Image.new("RGB", (40, 20), "blue")
    picture.paste("red", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture, exif


def test_a_picture_within_bounds_is_kept_byte_for_byte() -> None:
    data = encoded(Image.new("RGB", (736, 100), "red"), "WEBP")
    kept = stored(data, longest_side=736)
    assert (kept.bytes, kept.width, kept.height, kept.format) == (data, 736, 100, "WEBP")


def test_a_larger_picture_is_scaled_to_the_bound_with_its_proportions_and_stays_the_same_each_time() -> None:
    data = encoded(Image.new("RGB", (1472, 400), "red"))
    kept = stored(data, longest_side=736)
    assert (kept.width, kept.height, kept.format) == (736, 200, "JPEG")
    assert Image.open(io.BytesIO(kept.bytes)).size == (736, 200)
    assert stored(data, longest_side=736) == kept


def test_a_picture_is_seen_the_way_its_exif_orientation_says() -> None:
    picture, exif = sideways()
    seen = upright(encoded(picture, "JPEG", exif=exif, quality=95))
    assert seen.size == (20, 40)
    red = seen.getchannel("R")
    assert float(red.getpixel((10, 5))) > 200 > 50 > float(red.getpixel((10, 35)))  # type: ignore[arg-type]
    assert (stored(encoded(picture, "JPEG", exif=exif), longest_side=736).width) == 20


def test_a_turned_picture_that_is_scaled_is_stored_upright_without_turning_twice() -> None:
    picture, exif = sideways()
    kept = stored(encoded(picture.resize((400, 200)), "JPEG", exif=exif), longest_side=100)
    assert (kept.width, kept.height) == (50, 100)
    assert upright(kept.bytes).size == (50, 100)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(mode: Any) -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0)).convert(mode)
    data = encoded(clear, transparency=clear.getpixel((0, 0))) if mode == "P" else encoded(clear)
    assert upright(data).getpixel((4, 4)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "P"])
def test_every_colour_mode_becomes_rgb(mode: Any) -> None:
    data = encoded(Image.new(mode, (8, 8)), "JPEG" if mode == "CMYK" else "PNG")
    assert upright(data).mode == "RGB"


@pytest.mark.parametrize("cut", [0, 10, -40])
def test_a_truncated_picture_is_undecodable_even_when_its_header_is_fine(cut: Any) -> None:
    noise = Image.effect_noise((200, 200), 80)
    with pytest.raises(UndecodableError):
        upright(encoded(noise, "JPEG")[:cut])


def test_what_is_wrong_with_bytes_is_said_in_the_same_words_each_time() -> None:
    said = []
    for _ in range(2):
        with pytest.raises(UndecodableError) as caught:
            upright(b"no picture")
        said.append(str(caught.value))
    assert said == ["UnidentifiedImageError: cannot identify image file"] * 2


@pytest.mark.parametrize("raised", [struct.error, KeyError, zlib.error, NotImplementedError, OverflowError])
def test_whatever_a_decoder_raises_of_broken_bytes_is_one_error_for_all_who_decode(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, raised: type[Exception]
) -> None:
    def load(_: Any) -> None:
        raise raised("broken inside")

    data = encoded(Image.new("RGB", (8, 8)))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    with pytest.raises(UndecodableError, match="broken inside"):
        stored(data, longest_side=736)
    assert render_one(data, folder=tmp_path)[-1] == f"cannot decode the picture: {raised.__name__}"


def test_a_picture_of_more_pixels_than_are_safe_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UndecodableError, match="more pixels than are safe"):
        upright(encoded(Image.new("RGB", (11, 11))))


def asked(spark: SparkSession, *uris: str, **mark: Any) -> DataFrame:
    """Addresses of which nothing is known, or all the same ``mark``."""
    columns = "uri string, address string, size bigint, mtime_ns bigint, etag string, last_modified string"
    return local_frame(spark, [(uri, *(mark.get(name) for name in MARK)) for uri in uris], columns)


@pytest.mark.transform
def test_every_address_has_an_outcome(spark: SparkSession, tmp_path: Path) -> None:
    good = encoded(Image.new("RGB", (5, 4), "red"))
    (tmp_path / "good.png").write_bytes(good)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    uris = [*(str(tmp_path / name) for name in ("good.png", "broken.png", "absent.png")), f"file://{tmp_path}/good.png"]
    found = fetched(asked(spark, *uris), longest_side=736, tasks=2).collect()
    outcome = {r.uri.removeprefix(str(tmp_path)): r for r in found}
    assert len(found) == 4
    assert outcome["/good.png"].signature == hashlib.sha256(good).hexdigest()
    assert (bytes(outcome["/good.png"].bytes), outcome["/good.png"].width, outcome["/good.png"].height) == (good, 5, 4)
    assert outcome[f"file://{tmp_path}/good.png"].signature == outcome["/good.png"].signature
    assert (outcome["/broken.png"].reason, outcome["/absent.png"].reason) == ("undecodable_image", "missing_file")
    assert outcome["/absent.png"].width is None


@pytest.mark.transform
def test_a_file_is_opened_only_when_its_size_or_time_is_another(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "pin.png"
    path.write_bytes(encoded(Image.new("RGB", (5, 4), "red")))
    (first,) = fetched(asked(spark, str(path)), longest_side=736, tasks=1).collect()
    mark = {name: first[name] for name in MARK}
    path.write_bytes(b"?" * first.size)  # whoever opens it finds no picture
    os.utime(path, ns=(first.mtime_ns, first.mtime_ns))
    (same,) = fetched(asked(spark, str(path), **mark), longest_side=736, tasks=1).collect()
    assert (same.signature, same.bytes, same.reason, {name: same[name] for name in MARK}) == (None, None, None, mark)
    for changed in ({"size": first.size + 1}, {"mtime_ns": first.mtime_ns + 1}, {"mtime_ns": None}):
        (opened,) = fetched(asked(spark, str(path), **mark | changed), longest_side=736, tasks=1).collect()
        assert opened.reason == "undecodable_image", changed


@pytest.mark.transform
def test_an_address_that_cannot_be_read_is_a_row_and_an_outage_is_not(spark: SparkSession) -> None:
    addresses = ["gopher://pins.test/a.png", f"/{'a' * 300}.png"]
    found = {r.uri: r for r in fetched(asked(spark, *addresses), longest_side=736, tasks=2).collect()}
    assert {r.reason for r in found.values()} == {"unreadable_file"}
    assert all(found[a].detail.startswith(f"cannot read {a}") for a in addresses)

    def outage(uri: str, known: Mark | None) -> Delivery:
        raise OSError(errno.EIO, "the store is gone")

    with pytest.raises(Exception, match="the store is gone"):
        fetched(asked(spark, *addresses), longest_side=736, tasks=1, take=outage).collect()
