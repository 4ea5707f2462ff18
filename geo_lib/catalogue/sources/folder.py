"""A folder of pictures: what they say of themselves in XMP or IPTC, else what their names say."""

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote
from xml.etree.ElementTree import Element

from geo_lib.catalogue.sources.document import name, xml
from geo_lib.catalogue.sources.found import Found, LeftOut, plain
from geo_lib.errors import InputError
from geo_lib.files import is_uri, read_found, walk
from geo_lib.pictures import UndecodableError, upright

_XMP = {"title": "title", "description": "description", "creator": "creator"}
"""Columns to Dublin Core's properties."""
_IPTC = {"title": (2, 5), "description": (2, 120), "creator": (2, 80)}
_BY_CAMERAS = {
    "img",
    "dsc",
    "dscn",
    "dscf",
    "dcim",
    "pxl",
    "mvimg",
    "vid",
    "p",
    "image",
    "photo",
    "picture",
    "screenshot",
}
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def folder_pictures(folder: str, *, site_url: str, locale: str) -> Iterator[Found | LeftOut]:
    """Every picture below ``folder``, its path as its id; its page is ``site_url`` and the path without suffix."""
    root = folder if is_uri(folder) else str(Path(folder).absolute())
    for file in walk(root):
        data = read_found(file)
        try:
            upright(data)
        except UndecodableError as wrong:
            yield LeftOut(file.relative, "not_a_picture", str(wrong))
            continue
        said = _said(data, locale=locale)
        page = f"{site_url.rstrip('/')}/{quote(str(PurePosixPath(file.relative).with_suffix('')))}"
        title = said.pop("title", None) or words_of(PurePosixPath(file.relative).stem)
        yield Found(file.relative, file.uri, page, title=title, **said)


def words_of(stem: str) -> str | None:
    """A file's name in words; null when a camera or a program gave it.

    ``red-armchair_02`` is ``red armchair``, ``IMG_1234`` nothing.
    """
    parts = re.split(r"[\s_\-.+,()]+", unquote(stem))
    words = [
        part for part in parts if part and not re.fullmatch(r"\d+x?\d*|[0-9a-fA-F]{8,}|(?=.*\d)[0-9a-zA-Z]{12,}", part)
    ]
    own = (word for word in words if word.lower().rstrip("0123456789") not in _BY_CAMERAS)
    is_named = any(re.search(r"[^\W\d_]{2}", word) or re.search(r"[^\x00-\x7f]", word) for word in own)
    return " ".join(words) if is_named else None


def _said(data: bytes, *, locale: str) -> dict[str, Any]:
    """Title, description and creator as the picture carries them, XMP before IPTC."""
    from PIL import Image, IptcImagePlugin

    with Image.open(io.BytesIO(data)) as picture:
        packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp")
        try:
            iptc = IptcImagePlugin.getiptcinfo(picture) or {}
        except (SyntaxError, ValueError, OSError, LookupError):  # a broken note costs the words, not the picture
            iptc = {}
    by_xmp = _from_xmp(packet, locale=locale) if packet else {}
    return {column: said for column in _XMP if (said := by_xmp.get(column) or _from_iptc(iptc, _IPTC[column]))}


def _from_xmp(packet: bytes | str, *, locale: str) -> dict[str, str | None]:
    raw = packet.encode() if isinstance(packet, str) else packet
    try:
        root = xml(raw.rstrip(b"\0 \r\n"), what="the picture's XMP")
    except InputError:
        return {}
    found = {name(element): element for element in root.iter() if name(element) in _XMP.values()}
    return {column: _in_language(found[tag], locale) for column, tag in _XMP.items() if tag in found}


def _in_language(element: Element, locale: str) -> str | None:
    """Of alternatives in several languages that of ``locale``, else the default, else the first."""
    said = [(li.get(_LANGUAGE, ""), plain("".join(li.itertext()))) for li in element.iter() if name(li) == "li"]
    language = locale.partition("-")[0].lower()

    def rank(tag: str) -> int:
        exact = tag.lower() == locale.lower()
        return 0 if exact else 1 if tag.lower().partition("-")[0] == language else 2 if tag == "x-default" else 3

    best = min(said, key=lambda one: rank(one[0]), default=None)
    return best[1] if best else plain("".join(element.itertext()))


def _from_iptc(iptc: Mapping[tuple[int, int], Any], field: tuple[int, int]) -> str | None:
    value = iptc.get(field)
    raw = value[0] if isinstance(value, list) and value else value
    if not isinstance(raw, bytes):
        return None
    try:
        return plain(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return plain(raw.decode("latin-1"))
