"""Product feeds as merchants have them: RSS 2.0, Atom, or tab-separated (https://support.google.com/merchants/answer/7052112)."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element

from geo_lib.catalogue.sources.document import name
from geo_lib.catalogue.sources.found import Found, LeftOut, id_of, plain, web_address
from geo_lib.errors import InputError

ROOTS = ("rss", "feed", "rdf")
_MANDATORY = ("id", "link", "image_link")
_WITHIN = re.compile(r"\s*>\s*|\s*/\s*")


def xml_products(root: Element, *, address: str, site_url: str | None) -> Iterator[Found | LeftOut]:
    """The pictures of an RSS or Atom feed's products, the additional ones as rows of their own."""
    for item in root.iter():
        if name(item) in ("item", "entry"):
            fields: dict[str, list[str]] = {}
            for child in item:
                said = "".join(child.itertext()).strip() or child.get("href", "").strip()
                if said and child.get("rel", "alternate") == "alternate":
                    fields.setdefault(name(child), []).append(said)
            yield from _pictures(fields, where=address, site_url=site_url)


def tabbed_products(data: bytes, *, address: str, site_url: str | None) -> Iterator[Found | LeftOut]:
    """The pictures of a tab-separated feed. Raises ``InputError`` for what is no such file."""
    try:
        lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter="\t")
        header = [re.sub(r"[\s_]+", "_", column.strip().lower()).removeprefix("g:") for column in next(lines, [])]
        if missing := [column for column in _MANDATORY if column not in header]:
            raise InputError(
                f"{address} is neither XML nor a tab-separated product feed: its first line lacks {', '.join(missing)}."
            )
        for row in lines:
            if not any(cell.strip() for cell in row):
                continue
            where = f"{address}, line {lines.line_num}"
            if len(row) > len(header):
                yield LeftOut(where, "too_many_columns", f"{len(row)} columns under a header of {len(header)}")
                continue
            fields = {key: [cell.strip()] for key, cell in zip(header, row, strict=False) if cell.strip()}
            more = fields.pop("additional_image_link", [""])[0]
            fields["additional_image_link"] = [link for link in more.split(",") if link.strip()]
            yield from _pictures(fields, where=where, site_url=site_url)
    except UnicodeDecodeError as wrong:
        raise InputError(f"{address} is not UTF-8: {wrong}; save it as UTF-8.") from wrong
    except csv.Error as wrong:
        raise InputError(f"{address} is no tab-separated file: {wrong}.") from wrong


def _pictures(fields: Mapping[str, Sequence[str]], *, where: str, site_url: str | None) -> Iterator[Found | LeftOut]:
    def first(field: str) -> str | None:
        return next(iter(fields.get(field, ())), None)

    product = first("id") or first("guid")
    where = f"{where}, product {product}" if product else where
    page = web_address(first("link"), base=site_url)
    links = list(dict.fromkeys([*fields.get("image_link", [])[:1], *fields.get("additional_image_link", [])]))
    if product is None:
        yield LeftOut(where, "no_id", f"title is {first('title')!r}")
    elif page is None:
        yield LeftOut(where, "no_page_address", f"link is {first('link')!r}")
    elif not links:
        yield LeftOut(where, "no_image_address", "no image_link")
    else:
        kind = plain(first("product_type"))
        board = _WITHIN.split(kind)[-1] if kind else None
        title = plain(first("title"))
        description = plain(first("description") or first("summary") or first("content"))
        for number, link in enumerate(links):
            uri = web_address(link, base=site_url)
            if uri is None:
                yield LeftOut(where, "no_image_address", f"an image link is {link!r}")
                continue
            # by the link, not the place: a picture put before the others must not rename them
            image_id = product if number == 0 else f"{product}-{id_of(uri)}"
            yield Found(image_id, uri, page, title=title, description=description, board_title=board)
