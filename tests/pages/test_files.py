"""What the site consists of besides HTML: pictures, sitemaps, and a folder that holds nothing else."""

import hashlib
import io
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageChops, ImageStat

from geo_lib.pages import sitemap
from geo_lib.pages.media import render_one
from geo_lib.pages.site import Site
from geo_lib.pages.sitemap import Entry, robots, sitemaps

DAY = date(2026, 10, 30)
NAMES = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "i": "http://www.google.com/schemas/sitemap-image/1.1"}


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def test_a_picture_gets_a_small_rendition_and_keeps_its_stored_bytes(tmp_path: Path) -> None:
    content = encoded(Image.new("RGB", (736, 368), (200, 100, 50)), "PNG")
    full, small, width, height, colour, error = render_one(content, folder=tmp_path)
    name = hashlib.sha256(content).hexdigest()
    place = f"/media/{name[:2]}/{name}"
    assert (full, small, width, height, error) == (f"{place}.png", f"{place}-480.webp", 736, 368, None)
    assert (tmp_path / f"{place}.png"[1:]).read_bytes() == content
    with Image.open(tmp_path / f"{place}-480.webp"[1:]) as reduced:
        assert reduced.size == (480, 240)
    assert colour is not None
    assert [int(colour[i : i + 2], 16) for i in (1, 3, 5)] == pytest.approx([200, 100, 50], abs=6)


def test_a_picture_taken_sideways_is_measured_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded(Image.new("RGB", (60, 40)), "JPEG", exif=exif)
    _, small, width, height, _, _ = render_one(content, folder=tmp_path)
    assert (width, height) == (40, 60)
    with Image.open(tmp_path / str(small)[1:]) as reduced:
        assert reduced.size == (40, 60)


def test_a_format_that_browsers_may_not_know_is_served_as_another(tmp_path: Path) -> None:
    full, *_ = render_one(encoded(Image.new("RGB", (8, 8)), "BMP"), folder=tmp_path)
    assert full is not None
    assert full.endswith(".webp")


def test_a_picture_stored_in_another_size_is_another_file(tmp_path: Path) -> None:
    small, large = (encoded(Image.new("RGB", (side, side)), "JPEG") for side in (600, 1200))
    assert render_one(small, folder=tmp_path)[0] != render_one(large, folder=tmp_path)[0]


def test_a_picture_with_a_palette_is_scaled_as_smoothly_as_one_without(tmp_path: Path) -> None:
    stripes = Image.new("P", (960, 960))
    stripes.putpalette([0, 0, 0, 255, 255, 255])
    stripes.putdata([(x // 3) % 2 for _ in range(960) for x in range(960)])
    paths = [render_one(encoded(p, "PNG"), folder=tmp_path)[1] for p in (stripes, stripes.convert("RGB"))]
    with_palette, without = (Image.open(tmp_path / str(path)[1:]).convert("L") for path in paths)
    assert len(set(with_palette.getdata())) > 2
    difference = ImageStat.Stat(ImageChops.difference(with_palette, without))
    assert difference.mean[0] < 1


def test_bytes_that_are_no_picture_are_an_error_on_their_row_and_leave_no_file(tmp_path: Path) -> None:
    full, *_, error = render_one(b"<svg onload=alert(1)>", folder=tmp_path)
    assert full is None
    assert error == "cannot decode the picture: UnidentifiedImageError"
    assert not list(tmp_path.rglob("*"))


def test_rendering_again_gives_the_same_and_writes_nothing(tmp_path: Path) -> None:
    content = encoded(Image.new("RGB", (900, 300), (1, 2, 3)), "PNG")
    first = render_one(content, folder=tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert render_one(content, folder=tmp_path) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_sitemap_lists_pages_with_their_pictures_and_escapes_addresses() -> None:
    (text,) = sitemaps([Entry("https://x.test/a?b&c", DAY, ["https://x.test/1.webp"])], root="https://x.test/").values()
    root = ElementTree.fromstring(text)
    assert [loc.text for loc in root.findall("s:url/s:loc", NAMES)] == ["https://x.test/a?b&c"]
    assert [loc.text for loc in root.findall("s:url/i:image/i:loc", NAMES)] == ["https://x.test/1.webp"]
    assert [day.text for day in root.findall("s:url/s:lastmod", NAMES)] == ["2026-10-30"]


def test_a_sitemap_has_at_most_fifty_thousand_pages_and_the_rest_goes_to_the_next() -> None:
    files = sitemaps((Entry(f"https://x.test/{n}/", DAY) for n in range(100_001)), root="https://x.test/")
    assert list(files) == ["sitemap-1.xml", "sitemap-2.xml", "sitemap-3.xml", "sitemap.xml"]
    found = [len(ElementTree.fromstring(files[f"sitemap-{n}.xml"]).findall("s:url", NAMES)) for n in (1, 2, 3)]
    assert found == [50_000, 50_000, 1]
    index = ElementTree.fromstring(files["sitemap.xml"])
    assert [loc.text for loc in index.iter(f"{{{NAMES['s']}}}loc")] == [
        f"https://x.test/sitemap-{n}.xml" for n in (1, 2, 3)
    ]


def test_a_sitemap_stays_below_its_size_and_a_page_below_its_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "MOST_BYTES", 2_000)
    files = sitemaps((Entry(f"https://x.test/{'a' * 400}/{n}/", DAY) for n in range(9)), root="https://x.test/")
    assert all(len(text.encode()) <= 2_000 for name, text in files.items() if name != "sitemap.xml")
    assert sum(text.count("<url>") for text in files.values()) == 9
    assert Entry("https://x.test/", DAY, ["https://x.test/1.webp"] * 1_200).xml().count("<image:image>") == 1_000


def test_an_empty_site_has_an_empty_sitemap_and_robots_name_it() -> None:
    assert ElementTree.fromstring(sitemaps([], root="https://x.test/")["sitemap.xml"]).findall("s:url", NAMES) == []
    assert "Sitemap: https://x.test/sitemap.xml" in robots(root="https://x.test/")


def test_a_file_is_written_only_when_its_content_differs(tmp_path: Path) -> None:
    digest, changed = Site(tmp_path).write("en/index.html", "one")
    assert changed
    assert Site(tmp_path).write("en/index.html", "one") == (digest, False)
    assert Site(tmp_path).write("en/index.html", "two")[1]


def test_what_a_run_neither_wrote_nor_kept_is_swept_away_with_its_folders(tmp_path: Path) -> None:
    old = Site(tmp_path)
    for path in ("en/c/gone/index.html", "media/ab/x.webp", "media/cd/y.webp", "index.html"):
        old.write(path, path)
    new = Site(tmp_path)
    new.write("index.html", "new")
    assert new.sweep(keep={"/media/ab/x.webp"}) == 2
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")) == [
        *("index.html", "media", "media/ab", "media/ab/x.webp")
    ]
