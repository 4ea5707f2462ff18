"""Connections to the public network alone, each exchange over by its deadline: what lies below the HTTP client.

A name is looked up once and the address that was checked is the one connected to, so a name that changes between
the two cannot lead inside.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2

from geo_lib.catalogue.delivery import PrivateAddressError

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_current = threading.local()


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, an IPv4 one within an IPv6 one too."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        within = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            within = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if within is not None:
            return is_public(str(within))
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """End all that this thread reads and writes within the block after ``seconds``: a client's own timeouts are
    between two bytes, and a server that sends one now and then never exceeds them."""
    _current.ends = time.monotonic() + seconds
    try:
        yield
    finally:
        del _current.ends


def _left(timeout: float | None, late: type[Exception]) -> float | None:
    ends = getattr(_current, "ends", None)
    if ends is None:
        return timeout
    left = float(ends) - time.monotonic()
    if left <= 0:
        raise late("the time for the whole answer is over")
    return left if timeout is None else min(timeout, left)


class PublicNetwork(httpcore2.NetworkBackend):
    """The network as a client may see it; ``allow_private`` is for servers of one's own."""

    def __init__(self, *, allow_private: bool = False) -> None:
        self._network = httpcore2.SyncBackend()
        self._allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Raises ``PrivateAddressError`` when any address of ``host`` is not public."""
        addresses = _addresses(host, port)
        inner = [a for a in addresses if not is_public(a)]
        if inner and not self._allow_private:
            raise PrivateAddressError(f"{host} is {inner[0]}, which is no address of the public internet")
        for last, address in enumerate(addresses, 1 - len(addresses)):
            try:
                left = _left(timeout, httpcore2.ConnectTimeout)
                return _Bounded(self._network.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if last == 0:
                    raise
        raise httpcore2.ConnectError(f"{host} has no address")


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, OverflowError) as unknown:
        raise httpcore2.ConnectError(f"{host} cannot be looked up: {unknown}") from unknown
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _Bounded(httpcore2.NetworkStream):
    """A connection that keeps to the deadline of whoever uses it."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _left(timeout, httpcore2.ConnectTimeout)
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
