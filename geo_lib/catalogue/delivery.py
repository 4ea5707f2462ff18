"""What an address gives: bytes and what to know them by, the word that nothing has changed, or a reason why not."""

from dataclasses import dataclass
from typing import ClassVar

from geo_lib.files import UnreadableFileError, look_at, read_found


@dataclass(frozen=True, slots=True)
class Mark:
    """What a delivery is known by; null is what its kind of address does not say."""

    address: str
    """The address that answered."""
    size: int
    """Bytes as delivered."""
    mtime_ns: int | None = None
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    data: bytes | None
    """Null: nothing has changed since the mark that was known."""
    mark: Mark


class NoPictureError(ValueError):
    """The address gives no picture. Each cause has a class of its own, and its ``reason`` is what is counted."""

    reason: ClassVar[str]


class MissingPictureError(NoPictureError):
    """There is nothing at the address."""

    reason = "missing_file"


class UnreadablePictureError(NoPictureError):
    """No store has the address's scheme, its name is too long, or it is barred."""

    reason = "unreadable_file"


class PrivateAddressError(NoPictureError):
    """The name leads to an address within some network, which a catalogue from outside must not reach."""

    reason = "private_address"


class RefusedPictureError(NoPictureError):
    """The server says that it will not give it: a status of 4xx that is not about being there."""

    reason = "refused_by_server"


class RedirectError(NoPictureError):
    """Redirects that end nowhere, or lead away from the web."""

    reason = "bad_redirect"


class TooLargeError(NoPictureError):
    """More bytes than are allowed, as announced or as they came."""

    reason = "too_large"


class NotAPictureError(NoPictureError):
    """What came does not begin as any picture of the web does."""

    reason = "not_a_picture"


class UnwantedUseError(NoPictureError):
    """The server asks that the picture be left out of what models read."""

    reason = "noai"


class PassingTroubleError(NoPictureError):
    """What may be over in a moment; ``wait``: seconds that the server asks to wait, null if it does not say."""

    wait: float | None = None


class ServerTroubleError(PassingTroubleError):
    """The server is overloaded or broken: 429 or 5xx."""

    reason = "server_error"


class TooSlowError(PassingTroubleError):
    """No answer, or not all of it, in the time allowed."""

    reason = "timed_out"


class UnreachableError(PassingTroubleError):
    """No such host, no connection, no trustworthy certificate."""

    reason = "unreachable_host"


class BrokenTransferError(PassingTroubleError):
    """The answer is no HTTP, or ended before the length that it announced."""

    reason = "broken_transfer"


def read_file(uri: str, known: Mark | None) -> Delivery:
    """The file at ``uri``, opened only if its size or time is another than ``known``.

    Raises ``NoPictureError``; an outage of the store is raised as it is.
    """
    try:
        there = look_at(uri)
        mark = Mark(uri, there.size, there.mtime_ns)
        if mark == known and mark.mtime_ns is not None:
            return Delivery(None, mark)
        return Delivery(read_found(there), mark)
    except FileNotFoundError:
        raise MissingPictureError(f"no file at {uri}") from None
    except UnreadableFileError as refused:
        raise UnreadablePictureError(str(refused)) from refused
