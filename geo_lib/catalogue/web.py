"""Pictures and documents by http and https, from servers that nobody here knows."""

import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from time import sleep
from typing import TYPE_CHECKING

from geo_lib.catalogue.delivery import (
    BrokenTransferError,
    Delivery,
    Mark,
    MissingPictureError,
    NoPictureError,
    NotAPictureError,
    PassingTroubleError,
    RedirectError,
    RefusedPictureError,
    ServerTroubleError,
    TooLargeError,
    TooSlowError,
    UnreachableError,
    UnreadablePictureError,
    UnwantedUseError,
    read_file,
)
from geo_lib.config import at_least_one
from geo_lib.retries import retry_after

if TYPE_CHECKING:
    import httpcore2

_WEB = re.compile(r"https?://", re.IGNORECASE)
_REDIRECTS = 5
_MOVED = (301, 302, 303, 307, 308)
_LONGEST_WAIT = 30.0
"""Seconds; a server may ask for more, and a task does not wait that long."""
_NOAI = re.compile(r"noai|noimageai", re.IGNORECASE)
_PICTURES = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP|BM|II\*\0|MM\0\*"
    rb"|....ftyp(?:avif|avis|mif1)|\0\0\0\x0cjP  ",
    re.DOTALL,
)
"""How pictures of the web begin: JPEG, PNG, GIF, WebP, BMP, TIFF, AVIF, JPEG 2000."""


@dataclass(frozen=True, slots=True)
class Web:
    """How servers are asked; a section of the jobs that ask them."""

    connections_per_host: int = 8
    seconds: float = 60.0
    """For one answer from the first to the last byte."""
    patience: float = 10.0
    """Seconds to wait for a connection, and between two pieces of an answer."""
    max_bytes: int = 20_000_000
    tries: int = 3
    """How often to ask where trouble may pass (429, 5xx, timeouts, broken connections), with ever longer waits."""
    variant_pattern: str | None = None
    """Regular expression of addresses that have a smaller variant, as a CDN's 736 pixels; none: as they stand."""
    variant: str = ""
    r"""What to put for what matched, ``\1`` for its groups; if that gives no picture, the original is asked."""
    honour_noai: bool = True
    """Leave out pictures whose server says ``X-Robots-Tag: noai`` or ``noimageai``."""
    user_agent: str = "visual-geo"
    allow_private: bool = False
    """Whether addresses of a private network, of this machine too, may be asked."""

    def __post_init__(self) -> None:
        at_least_one(self, "connections_per_host", "max_bytes", "tries")
        if self.variant_pattern is not None:
            re.compile(self.variant_pattern)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status 200 with its body, or 304 without."""

    body: bytes | None
    headers: Mapping[str, str]
    """By lower-case name; of one that is repeated the values, joined by commas."""


def is_web(uri: str) -> bool:
    return _WEB.match(uri) is not None


def take(uri: str, known: Mark | None, *, web: Web) -> Delivery:
    """What the address of a picture gives, whether it names a file or a server. Raises ``NoPictureError``."""
    return read_web(uri, known, web=web) if is_web(uri) else read_file(uri, known)


def read_web(uri: str, known: Mark | None, *, web: Web) -> Delivery:
    """The picture at ``uri``, its smaller variant first, asked only for a change where its mark is ``known``.

    Raises ``NoPictureError``: of several addresses with what is wrong with the original.
    """
    smaller = re.sub(web.variant_pattern, web.variant, uri, count=1) if web.variant_pattern else uri
    if smaller != uri:
        try:
            return _picture(smaller, known, web)
        except UnwantedUseError:
            raise
        except NoPictureError:
            pass
    return _picture(uri, known, web)


def _picture(address: str, known: Mark | None, web: Web) -> Delivery:
    same = known if known is not None and known.address == address else None
    answer = get(address, web=web, known=same)
    if web.honour_noai and asks_for_no_use(answer.headers.get("x-robots-tag", ""), web.user_agent):
        raise UnwantedUseError(f"{address} may not be used: its server says {answer.headers['x-robots-tag']}")
    if answer.body is None:
        assert same is not None, "only who knows a mark is told that nothing changed"
        return Delivery(None, same)
    if not _PICTURES.match(answer.body):
        kind = answer.headers.get("content-type", "of no type")
        raise NotAPictureError(f"{address} gave no picture, but ({kind}) {answer.body[:40]!r}")
    etag, last_modified = (_plain(answer.headers.get(name)) for name in ("etag", "last-modified"))
    return Delivery(answer.body, Mark(address, len(answer.body), etag=etag, last_modified=last_modified))


def _plain(value: str | None) -> str | None:
    """What may be sent back in a header."""
    return value if value is not None and value.isascii() and value.isprintable() else None


def asks_for_no_use(robots: str, agent: str) -> bool:
    """Whether an ``X-Robots-Tag`` says noai or noimageai to all, or to ``agent``; a name holds until the next one."""
    whom = "*"
    for part in robots.split(","):
        name, colon, rule = part.rpartition(":")
        whom = name.strip().lower() if colon else whom
        if _NOAI.fullmatch(rule.strip()) and whom in ("*", agent.lower().partition("/")[0]):
            return True
    return False


def get(address: str, *, web: Web, known: Mark | None = None) -> Answer:
    """What a server answers, asked again where trouble may pass. Raises ``NoPictureError``."""
    for attempt in range(1, web.tries + 1):
        try:
            return _asked_once(address, web, known)
        except PassingTroubleError as passing:
            if attempt == web.tries:
                raise
            sleep(min(_LONGEST_WAIT, 0.5 * 2 ** (attempt - 1) if passing.wait is None else passing.wait))
    raise AssertionError("the last try returns or raises")


def _asked_once(address: str, web: Web, known: Mark | None) -> Answer:
    import httpx2

    from geo_lib.catalogue.network import deadline

    headers: dict[bytes | str, bytes | str] = {
        "User-Agent": web.user_agent,
        "Accept": "image/*,*/*;q=0.5",
        "Accept-Encoding": "identity",
    }
    if known is not None and known.etag is not None:
        headers["If-None-Match"] = known.etag
    if known is not None and known.last_modified is not None:
        headers["If-Modified-Since"] = known.last_modified
    is_conditional = "If-None-Match" in headers or "If-Modified-Since" in headers
    patience = dict.fromkeys(("connect", "read", "write", "pool"), web.patience)
    with _told(address), deadline(web.seconds):
        url = httpx2.URL(address)
        for _ in range(_REDIRECTS + 1):
            if url.scheme not in ("http", "https") or not url.host:
                raise RedirectError(f"{address} leads to {url}, which is no address of the web")
            request = _pool(web).stream(
                "GET",
                str(url.copy_with(fragment=None)),
                headers=[*headers.items(), ("Host", url.netloc.decode("ascii"))],
                extensions={"timeout": patience},
            )
            with request as response:
                said = _headers(response)
                if response.status in _MOVED and "location" in said:
                    url = url.join(said["location"])
                elif response.status == 304 and is_conditional:
                    return Answer(None, said)
                elif response.status == 200:
                    return Answer(_body(address, response, said, web), said)
                else:
                    raise _refusal(address, response.status, said)
        raise RedirectError(f"{address} is redirected more than {_REDIRECTS} times, at last to {url}")


@cache
def _pool(web: Web) -> "httpcore2.ConnectionPool":
    """One per process, so that connections are used again."""
    import httpcore2

    from geo_lib.catalogue.network import PublicNetwork

    return httpcore2.ConnectionPool(
        ssl_context=httpcore2.default_ssl_context(),
        max_connections=64,
        keepalive_expiry=5,
        network_backend=PublicNetwork(allow_private=web.allow_private),
    )


@contextmanager
def _told(address: str) -> Iterator[None]:
    """The client's errors by their cause."""
    import httpcore2
    import httpx2

    try:
        yield
    except NoPictureError:
        raise
    except httpcore2.TimeoutException as late:
        raise TooSlowError(f"{address} took too long: {late or type(late).__name__}") from late
    except httpcore2.ConnectError as unreachable:
        raise UnreachableError(f"{address} cannot be reached: {unreachable}") from unreachable
    except (httpcore2.NetworkError, httpcore2.RemoteProtocolError) as broken:
        raise BrokenTransferError(f"{address} broke off: {broken or type(broken).__name__}") from broken
    except (httpx2.InvalidURL, httpcore2.UnsupportedProtocol, httpcore2.LocalProtocolError, ValueError) as wrong:
        raise UnreadablePictureError(f"cannot read {address}: {wrong}") from wrong


def _headers(response: "httpcore2.Response") -> dict[str, str]:
    said: dict[str, str] = {}
    for raw, value in response.headers:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1").strip()
        said[name] = f"{said[name]},{text}" if name in said else text
    return said


def _body(address: str, response: "httpcore2.Response", said: Mapping[str, str], web: Web) -> bytes:
    length = said.get("content-length", "")
    if length.isdecimal() and int(length) > web.max_bytes:
        raise TooLargeError(f"{address} announces {int(length):,} bytes, and {web.max_bytes:,} are allowed")
    body = bytearray()
    for piece in response.iter_stream():
        body += piece
        if len(body) > web.max_bytes:
            raise TooLargeError(f"{address} sends more than {web.max_bytes:,} bytes")
    coding = said.get("content-encoding", "identity").lower()
    if coding in ("gzip", "x-gzip", "deflate"):  # though none was asked for
        return unzipped(bytes(body), at_most=web.max_bytes, what=address)
    return bytes(body)


def unzipped(data: bytes, *, at_most: int, what: str) -> bytes:
    """The content of gzip or zlib data. Raises ``TooLargeError`` above ``at_most`` bytes, ``BrokenTransferError``."""
    inflating = zlib.decompressobj(wbits=47)
    try:
        content = inflating.decompress(data, at_most + 1)
    except zlib.error as broken:
        raise BrokenTransferError(f"{what} is not the gzip it is called: {broken}") from broken
    if len(content) > at_most:
        raise TooLargeError(f"{what} unpacks to more than {at_most:,} bytes")
    if not inflating.eof:
        raise BrokenTransferError(f"{what} is gzip that was cut off")
    return content


def _refusal(address: str, status: int, said: Mapping[str, str]) -> NoPictureError:
    if status in (404, 410):
        return MissingPictureError(f"{address} answers {status}")
    if status in (408, 425, 429) or status >= 500:
        trouble = ServerTroubleError(f"{address} answers {status}")
        trouble.wait = retry_after(said.get("retry-after", ""))
        return trouble
    return RefusedPictureError(f"{address} answers {status}")
