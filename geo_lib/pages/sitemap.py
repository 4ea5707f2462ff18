"""sitemap.xml and robots.txt, within the limits of the sitemap protocol."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from xml.sax.saxutils import escape

MOST_URLS = 50_000
MOST_BYTES = 50_000_000
"""Uncompressed; the limit is 50 MB, and the head and foot need some of it."""
MOST_IMAGES = 1_000

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">\n'
)
_FOOT = "</urlset>\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """A page to be crawled: absolute address, day of its last change, and the pictures on it."""

    loc: str
    lastmod: date
    images: Sequence[str] = ()

    def xml(self) -> str:
        images = "".join(
            f"<image:image><image:loc>{escape(image)}</image:loc></image:image>" for image in self.images[:MOST_IMAGES]
        )
        return f"<url><loc>{escape(self.loc)}</loc><lastmod>{self.lastmod.isoformat()}</lastmod>{images}</url>\n"


def sitemaps(entries: Iterable[Entry], *, root: str) -> dict[str, str]:
    """File name to content: ``sitemap.xml`` alone, or it as the index of ``sitemap-1.xml`` and so on.

    ``root``: absolute address of the site, ending in a slash.
    """
    parts = list(_parts(entry.xml() for entry in entries))
    if len(parts) == 1:
        return {"sitemap.xml": parts[0]}
    files = {f"sitemap-{n}.xml": part for n, part in enumerate(parts, 1)}
    index = "".join(f"<sitemap><loc>{escape(root + name)}</loc></sitemap>\n" for name in files)
    return files | {
        "sitemap.xml": '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{index}</sitemapindex>\n'
    }


def robots(*, root: str) -> str:
    """Everything may be crawled; what stays out of search says so itself, which only a crawler can read."""
    return f"User-agent: *\nAllow: /\n\nSitemap: {root}sitemap.xml\n"


def _parts(entries: Iterator[str]) -> Iterator[str]:
    """The entries as files of at most ``MOST_URLS`` and ``MOST_BYTES``; at least one, even if it is empty."""
    held: list[str] = []
    size = 0
    room = MOST_BYTES - len(_HEAD) - len(_FOOT)
    for entry in entries:
        length = len(entry.encode())
        if held and (len(held) == MOST_URLS or size + length > room):
            yield _HEAD + "".join(held) + _FOOT
            held, size = [], 0
        held.append(entry)
        size += length
    yield _HEAD + "".join(held) + _FOOT
