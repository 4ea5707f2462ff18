"""Image sitemaps and indexes of them."""

import pytest

from geo_lib.catalogue.sources.document import xml
from geo_lib.catalogue.sources.found import Found, LeftOut
from geo_lib.catalogue.sources.sitemap import sitemap_images
from geo_lib.errors import InputError

AT = "https://pins.test/sitemap.xml"
NAMES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
)


def urlset(*urls: str) -> bytes:
    return f"<urlset {NAMES}>{''.join(f'<url>{url}</url>' for url in urls)}</urlset>".encode()


def index(*locs: str) -> bytes:
    inner = "".join(f"<sitemap><loc>{loc}</loc></sitemap>" for loc in locs)
    return f"<sitemapindex {NAMES}>{inner}</sitemapindex>".encode()


def images(data: bytes, at: str = AT, **others: bytes) -> list[Found | LeftOut]:
    def read(address: str) -> bytes:
        return others[address.rpartition("/")[2].partition(".")[0]]

    return list(sitemap_images(xml(data, what=at), address=at, read=read))


def test_every_image_of_every_page_is_a_row_with_its_words() -> None:
    one = (
        "<loc> https://pins.test/a?x=1&amp;y=2 </loc>"
        "<image:image><image:loc>https://cdn.test/1.jpg</image:loc>"
        "<image:title>Oak &amp;amp; ash</image:title></image:image>"
        "<image:image><image:loc>/2.jpg</image:loc><image:caption>A desk</image:caption></image:image>"
    )
    first, second, third = images(urlset(one, "<loc>https://pins.test/b</loc>", one.replace("/a?", "/c?")))[:3]
    assert isinstance(first, Found)
    assert isinstance(second, Found)
    assert isinstance(third, Found)
    assert (first.uri, first.page_url) == ("https://cdn.test/1.jpg", "https://pins.test/a?x=1&y=2")
    assert (first.title, first.description) == ("Oak & ash", None)
    assert (second.uri, second.description) == ("https://pins.test/2.jpg", "A desk")
    assert len({first.image_id, second.image_id, third.image_id}) == 3


def test_what_has_no_address_is_left_out_and_named() -> None:
    picture = "<image:image><image:loc>https://cdn.test/1.jpg</image:loc></image:image>"
    nowhere = "<loc>https://pins.test/a</loc><image:image><image:loc>data:image/png;base64,AA</image:loc></image:image>"
    left = images(urlset(picture, nowhere))
    assert [one.reason for one in left if isinstance(one, LeftOut)] == ["no_page_address", "no_image_address"]


def test_an_index_leads_to_its_sitemaps_once_each_even_in_circles() -> None:
    page = urlset("<loc>https://pins.test/a</loc><image:image><image:loc>/1.jpg</image:loc></image:image>")
    whole = index("https://pins.test/one.xml", "/one.xml", "/inner.xml")
    assert len(images(whole, one=page, inner=index(AT, "/two.xml"), two=page)) == 2


def test_a_sitemap_that_cannot_be_read_stops_it_all() -> None:
    with pytest.raises(InputError, match=r"one\.xml is not well-formed"):
        images(index("/one.xml"), one=b"<urlset>")
    with pytest.raises(InputError, match="<html>"):
        images(index("/one.xml"), one=b"<html/>")
    with pytest.raises(InputError, match="no address of the web"):
        images(index("file:///etc/passwd"))
