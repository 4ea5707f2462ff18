"""Documents from outside: read whole within limits, unzipped, and XML parsed without entities."""

from collections.abc import Callable
from dataclasses import replace
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from geo_lib.catalogue.delivery import NoPictureError
from geo_lib.catalogue.web import Web, get, is_web, unzipped
from geo_lib.errors import InputError
from geo_lib.files import UnreadableFileError, look_at, read_found

MAX_BYTES = 50_000_000
"""Of a document, unzipped: what sitemaps.org allows; larger feeds are split by whoever makes them."""
_DEEPEST = 32
_GZIP = b"\x1f\x8b"

Read = Callable[[str], bytes]


def read_document(address: str, *, web: Web) -> bytes:
    """A file or an address of the web, unzipped. Raises ``InputError``."""
    try:
        if is_web(address):
            data = get(address, web=replace(web, max_bytes=MAX_BYTES)).body or b""
        else:
            there = look_at(address)
            if there.size > MAX_BYTES:
                raise InputError(f"{address} has {there.size:,} bytes, and {MAX_BYTES:,} are allowed; split it.")
            data = read_found(there)
        return unzipped(data, at_most=MAX_BYTES, what=address) if data.startswith(_GZIP) else data
    except FileNotFoundError:
        raise InputError(f"there is no file or folder {address}; name one that exists, or an https address.") from None
    except (NoPictureError, UnreadableFileError) as none:
        raise InputError(f"{address} cannot be read: {none}") from none


def looks_like_xml(data: bytes) -> bool:
    return data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") or data.startswith((b"\xff\xfe<", b"\xfe\xff\0<"))


def xml(data: bytes, *, what: str) -> Element:
    """The root of an XML document. Raises ``InputError`` if it is not well-formed, brings entities or is too deep."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import XMLParser

    parser = XMLParser(target=_Shallow(), forbid_dtd=False, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(data)
        root: Element = parser.close()
    except DefusedXmlException as refused:
        raise InputError(f"{what} brings entities of its own, which are not read: {refused}") from refused
    except (ParseError, ValueError, LookupError) as wrong:
        raise InputError(f"{what} is not well-formed XML: {wrong}") from wrong
    return root


def name(element: Element) -> str:
    """The tag without its namespace, in lower case."""
    return str(element.tag).rpartition("}")[2].lower()


def texts(element: Element, tag: str) -> list[str]:
    """What the children of that tag say, in order; blank ones left out."""
    said = ("".join(child.itertext()).strip() for child in element if name(child) == tag)
    return [text for text in said if text]


def text(element: Element, tag: str) -> str | None:
    return next(iter(texts(element, tag)), None)


class _Shallow(TreeBuilder):
    """Refuses what is nested so deep that nobody wrote it."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"elements are nested more than {_DEEPEST} deep")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)
