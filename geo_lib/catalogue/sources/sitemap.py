"""Image sitemaps, and indexes of them: https://developers.google.com/search/docs/crawling-indexing/sitemaps/image-sitemaps."""

from collections.abc import Iterator
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

from geo_lib.catalogue.sources.document import Read, name, text, xml
from geo_lib.catalogue.sources.found import Found, LeftOut, id_of, plain, web_address
from geo_lib.catalogue.web import is_web
from geo_lib.errors import InputError

ROOTS = ("urlset", "sitemapindex")
_MOST_SITEMAPS = 50_000


def sitemap_images(root: Element, *, address: str, read: Read) -> Iterator[Found | LeftOut]:
    """The images of a sitemap, or of all sitemaps of an index; one picture on two pages is two.

    Raises ``InputError`` when a sitemap of an index cannot be read: without it its images would be taken for removed.
    """
    left, seen = [(address, root)], {address}
    while left:
        at, document = left.pop()
        if name(document) == "urlset":
            yield from _images(document, address=at)
            continue
        for child in document:
            if name(child) != "sitemap" or (loc := text(child, "loc")) is None:
                continue
            there = urljoin(at, loc)
            if is_web(at) and not is_web(there):
                raise InputError(f"{at} names the sitemap {loc}, which is no address of the web.")
            if there in seen:
                continue
            if len(seen) > _MOST_SITEMAPS:
                raise InputError(f"{address} leads to more than {_MOST_SITEMAPS:,} sitemaps; name some of them.")
            seen.add(there)
            inner = xml(read(there), what=there)
            if name(inner) not in ROOTS:
                raise InputError(f"{there} is <{name(inner)}>, and an index names sitemaps alone.")
            left.append((there, inner))


def _images(urlset: Element, *, address: str) -> Iterator[Found | LeftOut]:
    base = address if is_web(address) else None
    for url in urlset:
        if name(url) != "url":
            continue
        page = web_address(text(url, "loc"), base=base)
        for image in (child for child in url if name(child) == "image"):
            loc = text(image, "loc")
            uri = web_address(loc, base=base)
            if page is None:
                yield LeftOut(address, "no_page_address", f"loc is {text(url, 'loc')!r}")
            elif uri is None:
                yield LeftOut(page, "no_image_address", f"image:loc is {loc!r}")
            else:
                title, caption = (plain(text(image, tag)) for tag in ("title", "caption"))
                yield Found(id_of(page, uri), uri, page, title=title, description=caption)
