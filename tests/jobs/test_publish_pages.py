"""What a publishing that cannot succeed leaves behind: the site as it was."""

import hashlib
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from geo_lib.arms import VLM
from geo_lib.errors import TooManyFailedError
from jobs.publish_pages import JOB, PublishPages
from jobs.run.job import Context
from schemas.image_bytes import IMAGE_BYTES
from schemas.images import IMAGES
from schemas.page_authority import PAGE_AUTHORITY
from schemas.pages import PAGES
from tests.builders import build
from tests.kit import png

pytestmark = pytest.mark.slow


def put(context: Context, spark: SparkSession, **pictures: bytes) -> None:
    """A site of home, one locale and one image page per (image_id, content)."""
    signatures = {i: hashlib.sha256(i.encode() + content).hexdigest() for i, content in pictures.items()}
    pages = [{"page": "/", "kind": "home", "id": "home"}, {"page": "/en/", "kind": "locale", "id": "en"}]
    pages += [{"page": f"/en/pin/{i}/", "kind": "image", "id": i} for i in pictures]
    context.tables.write(PAGE_AUTHORITY, build(PAGE_AUTHORITY, spark, *pages, arm=VLM))
    images = [{"image_id": i, "signature": s} for i, s in signatures.items()]
    context.tables.write(IMAGES, build(IMAGES, spark, *images, locale="en"))
    stored = [{"signature": signatures[i], "bytes": bytearray(content)} for i, content in pictures.items()]
    context.tables.write(IMAGE_BYTES, build(IMAGE_BYTES, spark, *stored, width=112, height=112))


def html(context: Context) -> dict[str, str]:
    return {str(p): p.read_text(encoding="utf-8") for p in Path(context.path("site")).rglob("*.html")}


def test_too_many_broken_pictures_are_refused_before_the_site_changes(context: Context, spark: SparkSession) -> None:
    put(context, spark, a=png("red"), b=png("blue"))
    assert context.run(JOB, PublishPages()).kept == 4
    published, version = html(context), context.tables.version(PAGES)
    put(context, spark, a=b"no picture", b=png("green"), c=png("blue"))
    with pytest.raises(TooManyFailedError, match="1 of 5 pages failed"):
        context.run(JOB, PublishPages())
    assert (html(context), context.tables.version(PAGES)) == (published, version)
    counts = context.run(JOB, PublishPages(max_failed_share=0.2))
    assert (counts.kept, counts.failed) == (4, {"cannot decode the picture: UnidentifiedImageError": 1})


def test_of_twins_the_smallest_id_stands_for_its_locale_and_locales_know_of_each_other(
    context: Context, spark: SparkSession
) -> None:
    rows = [("a", "en"), ("b", "en"), ("c", "de"), ("d", "de")]
    pages = [{"page": f"/{locale}/pin/{i}/", "kind": "image", "id": i} for i, locale in rows]
    hubs = [{"page": f"/{locale}/", "kind": "locale", "id": locale} for locale in ("en", "de")]
    home = {"page": "/", "kind": "home", "id": "home"}
    context.tables.write(PAGE_AUTHORITY, build(PAGE_AUTHORITY, spark, home, *hubs, *pages, arm=VLM))
    images = [{"image_id": i, "locale": locale, "signature": "e" if i == "d" else "s"} for i, locale in rows]
    context.tables.write(IMAGES, build(IMAGES, spark, *images))
    stored = [{"signature": s, "bytes": bytearray(png(colour))} for s, colour in (("s", "red"), ("e", "blue"))]
    context.tables.write(IMAGE_BYTES, build(IMAGE_BYTES, spark, *stored, width=112, height=112))
    context.run(JOB, PublishPages(site_url="https://x.test", min_annotations=0))

    site = Path(context.path("site"))
    told = {i: (site / locale / "pin" / i / "index.html").read_text(encoding="utf-8") for i, locale in rows}
    at = {i: f'href="https://x.test/{locale}/pin/{i}/"' for i, locale in rows}
    for i, stands_for_it in {"a": "a", "b": "a", "c": "c", "d": "d"}.items():
        assert f'rel="canonical" {at[stands_for_it]}' in told[i]
    for i in "ac":
        assert f'hreflang="en" {at["a"]}' in told[i]
        assert f'hreflang="de" {at["c"]}' in told[i]
    for i in "bd":
        assert 'hreflang="' not in told[i]
    known = (site / "sitemap.xml").read_text(encoding="utf-8")
    assert [i for i, locale in rows if f"/{locale}/pin/{i}/" in known] == ["a", "c", "d"]
    canonical = {row["url"]: row["canonical"] for row in context.tables.read(PAGES).where("kind = 'image'").collect()}
    assert [url for url, it in canonical.items() if it] == ["https://x.test/en/pin/b/"]
