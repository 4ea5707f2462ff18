"""A manifest from whatever people have: which kind a source is, and its rows."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from geo_lib.catalogue.sources import feed, folder, sitemap
from geo_lib.catalogue.sources.document import looks_like_xml, name, read_document, xml
from geo_lib.catalogue.sources.found import Found, LeftOut
from geo_lib.catalogue.web import Web, is_web
from geo_lib.counts import Counts
from geo_lib.errors import InputError
from geo_lib.files import is_folder

REPEATED = "repeated"


def images_of(source: str, *, locale: str, site_url: str | None, web: Web) -> Iterator[Found | LeftOut]:
    """What a folder, a sitemap or a feed at ``source`` shows. Raises ``InputError`` when it is none of these."""
    if not is_web(source) and is_folder(source):
        if site_url is None:
            raise InputError(f"{source} is a folder, which does not say what pages show its pictures; give --site-url.")
        return folder.folder_pictures(source, site_url=site_url, locale=locale)
    address = source if is_web(source) else str(Path(source).absolute()) if ":/" not in source else source
    read = partial(read_document, web=web)
    data = read(address)
    if not looks_like_xml(data):
        return feed.tabbed_products(data, address=address, site_url=site_url)
    root = xml(data, what=address)
    if name(root) in sitemap.ROOTS:
        return sitemap.sitemap_images(root, address=address, read=read)
    if name(root) in feed.ROOTS:
        return feed.xml_products(root, address=address, site_url=site_url or (address if is_web(address) else None))
    raise InputError(f"{address} is <{name(root)}>; it must be a sitemap (<urlset>, <sitemapindex>), RSS or Atom.")


def sorted_out(images: Iterable[Found | LeftOut]) -> tuple[list[Found], list[LeftOut], Counts]:
    """The rows with each id once, what is left out, and the balance of both.

    A repeated row is dropped; of two different ones with one id the second is left out as ``repeated_id``.
    """
    rows: dict[str, Found] = {}
    left: list[LeftOut] = []
    dropped = 0
    for image in images:
        if isinstance(image, LeftOut):
            left.append(image)
        elif (known := rows.get(image.image_id)) is None:
            rows[image.image_id] = image
        elif (known.uri, known.page_url) == (image.uri, image.page_url):
            dropped += 1
        else:
            left.append(LeftOut(image.page_url, "repeated_id", f"{image.image_id} is also {known.uri}"))
    failed = Counter(one.reason for one in left)
    total = len(rows) + dropped + len(left)
    return list(rows.values()), left, Counts(total, len(rows), {REPEATED: dropped} if dropped else {}, dict(failed))
