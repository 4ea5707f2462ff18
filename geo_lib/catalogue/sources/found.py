"""One row of a manifest to be, or why there is none."""

import hashlib
import html
import re
from dataclasses import dataclass
from urllib.parse import urljoin

from geo_lib.catalogue.web import is_web

_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")


@dataclass(frozen=True, slots=True)
class Found:
    """A picture with the page that shows it; null is what the source does not say."""

    image_id: str
    uri: str
    page_url: str
    title: str | None = None
    description: str | None = None
    board_title: str | None = None
    creator: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that cannot be a row: where it stands, a reason code, and what was found."""

    where: str
    reason: str
    detail: str = ""


def web_address(text: str | None, *, base: str | None) -> str | None:
    """An address of the web, a relative one joined to ``base``; null if it is none."""
    if not text or not text.strip():
        return None
    try:
        address = urljoin(base or "", text.strip())
    except ValueError:  # as of brackets that are not an IPv6 address
        return None
    return address if is_web(address) else None


def plain(text: str | None) -> str | None:
    """Text without tags, entities and double blanks; null when nothing is left."""
    bare = _TAG.sub(" ", html.unescape(text or ""))
    return " ".join(html.unescape(bare).split()) or None


def id_of(*parts: str) -> str:
    """The same short id for the same parts, for what comes without one."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
