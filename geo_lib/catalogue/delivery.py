"""What an address gives: bytes and what to know them by, the word that nothing has changed, or a reason why not."""

from dataclasses import dataclass
from typing import ClassVar

from geo_lib.files import UnreadableFileError, look_at, read_bytes


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


def read_file(uri: str, known: Mark | None) -> Delivery:
    """The file at ``uri``, opened only if its size or time is another than ``known``.

    Raises ``NoPictureError``; an outage of the store is raised as it is.
    """
    try:
        there = look_at(uri)
        mark = Mark(uri, there.size, there.mtime_ns)
        if mark == known and mark.mtime_ns is not None:
            return Delivery(None, mark)
        return Delivery(read_bytes(uri), mark)
    except FileNotFoundError:
        raise MissingPictureError(f"no file at {uri}") from None
    except UnreadableFileError as refused:
        raise UnreadablePictureError(str(refused)) from refused
