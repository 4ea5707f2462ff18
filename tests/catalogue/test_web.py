"""Pictures from servers that nobody knows, against a local one that does all that it should not."""

import io
import socket
import socketserver
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from email.utils import formatdate
from functools import partial
from typing import Any

import pytest
from PIL import Image
from pyspark.sql import SparkSession

from geo_lib.catalogue import delivery, network
from geo_lib.catalogue.fetch import MARK, fetched
from geo_lib.catalogue.network import is_public
from geo_lib.catalogue.web import Web, asks_for_no_use, read_web, take
from geo_lib.pictures import UndecodableError, upright
from geo_lib.spark import local_frame
from tests.kit import png

PICTURE = png("red", (5, 4))
PATIENT = Web(allow_private=True, patience=5, seconds=5, tries=1)
HASTY = replace(PATIENT, patience=0.3, seconds=0.6)

Send = Callable[[bytes], None]


def answer(body: bytes = PICTURE, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    said = [f"Content-Length: {len(body) if length is None else length}", "Connection: close", *headers]
    return "\r\n".join([f"HTTP/1.1 {status}", *said, "", ""]).encode() + body


class Hostile(socketserver.ThreadingTCPServer):
    """Answers each path with bytes or by a function; keeps what it was asked."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), None)  # type: ignore[arg-type]
        self.paths: dict[str, bytes | Callable[[Send, str], None]] = {}
        self.asked: list[str] = []

    def finish_request(self, request: Any, client_address: Any) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (piece := request.recv(4096)):
                return
            head += piece
        text = head.decode()
        self.asked.append(text)
        there = self.paths.get(text.split(" ")[1], answer(b"", status="404 Not Found"))
        with suppress(OSError):  # the client has gone
            request.sendall(there) if isinstance(there, bytes) else there(request.sendall, text)

    def at(self, path: str, there: bytes | Callable[[Send, str], None]) -> str:
        self.paths[path] = there
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


@pytest.fixture(scope="module")
def server() -> Iterator[Hostile]:
    with Hostile() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geo_lib.catalogue.web.sleep", lambda seconds: None)


def dripping(first: bytes, every: float = 0.1) -> Callable[[Send, str], None]:
    def drip(send: Send, asked: str) -> None:
        send(first)
        for _ in range(100):
            time.sleep(every)
            send(b"x")

    return drip


def endless(send: Send, asked: str) -> None:
    send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + PICTURE)
    while True:
        send(b"x" * 65536)


def in_turn(*answers: bytes) -> Callable[[Send, str], None]:
    left = list(answers)
    return lambda send, asked: send(left.pop(0) if len(left) > 1 else left[0])


def test_a_picture_comes_with_what_to_know_it_by(server: Hostile) -> None:
    uri = server.at("/a.png", answer(PICTURE, 'ETag: "7"', "Last-Modified: Thu, 01 Oct 2026 00:00:00 GMT"))
    came = read_web(uri, None, web=PATIENT)
    assert came.data == PICTURE
    stamp = "Thu, 01 Oct 2026 00:00:00 GMT"
    assert came.mark == delivery.Mark(uri, len(PICTURE), etag='"7"', last_modified=stamp)


BOMB = png("red", (12_000, 12_000))
CAUSES: dict[str, tuple[bytes | Callable[[Send, str], None], type[Exception]]] = {
    "silent": (lambda send, asked: time.sleep(2), delivery.TooSlowError),
    "dripping its head": (dripping(b"HTTP/1.1 200 OK\r\nX: "), delivery.TooSlowError),
    "dripping its body": (dripping(answer(b"", length=1000)), delivery.TooSlowError),
    "endless": (endless, delivery.TooLargeError),
    "announcing too much": (answer(PICTURE, length=10**9), delivery.TooLargeError),
    "shorter than it says": (answer(PICTURE, length=len(PICTURE) + 9), delivery.BrokenTransferError),
    "no http": (b"SSH-2.0-OpenSSH_9.6\r\n", delivery.BrokenTransferError),
    "unpacking to too much": (
        answer(zlib.compress(b"\0" * 9_000_000), "Content-Encoding: deflate"),
        delivery.TooLargeError,
    ),
    "html as jpeg": (answer(b"<!doctype html>Not found", "Content-Type: image/jpeg"), delivery.NotAPictureError),
    "empty": (answer(b""), delivery.NotAPictureError),
    "postscript": (answer(b"%!PS-Adobe-3.0 EPSF-3.0"), delivery.NotAPictureError),
    "gone": (answer(b"", status="410 Gone"), delivery.MissingPictureError),
    "forbidden": (answer(b"", status="403 Forbidden"), delivery.RefusedPictureError),
    "unasked 304": (b"HTTP/1.1 304 Not Modified\r\n\r\n", delivery.RefusedPictureError),
    "overloaded": (answer(b"", status="503 Slow Down"), delivery.ServerTroubleError),
    "a file elsewhere": (answer(b"", "Location: file:///etc/passwd", status="302 Found"), delivery.RedirectError),
    "round in circles": (answer(b"", "Location: /circle", status="301 Moved"), delivery.RedirectError),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_has_an_error_of_its_own_and_ends_in_time(server: Hostile, cause: str) -> None:
    there, error = CAUSES[cause]
    path = "/circle" if cause == "round in circles" else f"/{cause.replace(' ', '-')}"
    web = replace(PATIENT if error is delivery.BrokenTransferError else HASTY, max_bytes=4_000_000)
    began = time.monotonic()
    with pytest.raises(error) as caught:
        read_web(server.at(path, there), None, web=web)
    assert type(caught.value) is error
    assert time.monotonic() - began < 2
    assert f"127.0.0.1:{server.server_address[1]}{path}" in str(caught.value)


def test_the_causes_are_counted_apart() -> None:
    def below(kind: type[delivery.NoPictureError]) -> list[type[delivery.NoPictureError]]:
        return [kind, *(k for sub in kind.__subclasses__() for k in below(sub))]

    reasons = [k.reason for k in below(delivery.NoPictureError) if "reason" in vars(k)]
    assert len(reasons) == len(set(reasons)) == 12


def test_a_length_that_is_too_short_gives_a_picture_that_cannot_be_decoded(server: Hostile) -> None:
    came = read_web(server.at("/cut", answer(PICTURE, length=len(PICTURE) - 30)), None, web=PATIENT)
    assert came.data is not None
    with pytest.raises(UndecodableError):
        upright(came.data)


def test_a_picture_of_few_bytes_and_many_pixels_is_not_decoded(server: Hostile) -> None:
    came = read_web(server.at("/bomb", answer(BOMB)), None, web=PATIENT)
    assert came.data is not None
    assert len(came.data) < 1_000_000
    with pytest.raises(UndecodableError, match="more pixels than are safe"):
        upright(came.data)


@pytest.mark.parametrize("host", ["nowhere.invalid", "127.0.0.1:1"])
def test_a_host_that_is_not_there_is_unreachable(host: str) -> None:
    with pytest.raises(delivery.UnreachableError):
        read_web(f"http://{host}/a.png", None, web=PATIENT)


@pytest.mark.parametrize("uri", ["http:///a.png", "http://[::1/a.png", "https://a b/c.png", "http://x:99999999/a.png"])
def test_an_address_that_is_none_costs_its_row_alone(uri: str) -> None:
    with pytest.raises(delivery.NoPictureError):
        read_web(uri, None, web=PATIENT)


INNER = """127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 240.0.0.1 198.18.0.1
255.255.255.255 ::1 :: fe80::1%eth0 fd00::1 fec0::1 ff02::1 ::ffff:10.0.0.1 2002:7f00:1:: 64:ff9b::a00:1 ::7f00:1"""


@pytest.mark.parametrize("address", INNER.split())
def test_addresses_within_networks_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


STRICT = replace(PATIENT, allow_private=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_a_private_address_is_not_connected_to_however_it_is_written(server: Hostile, host: str) -> None:
    server.asked.clear()
    server.at("/a.png", answer())
    with pytest.raises(delivery.PrivateAddressError):
        read_web(f"http://{host}:{server.server_address[1]}/a.png", None, web=STRICT)
    assert not server.asked


def test_a_redirect_to_a_private_address_is_not_followed(server: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "is_public", lambda address: address == "127.0.0.1")
    inner = f"http://127.0.0.2:{server.server_address[1]}/a.png"
    server.at("/a.png", answer())
    uri = server.at("/moved", answer(b"", f"Location: {inner}", status="302 Found"))
    with pytest.raises(delivery.PrivateAddressError, match=r"127\.0\.0\.2"):
        read_web(uri, None, web=STRICT)
    assert (
        read_web(server.at("/near", answer(b"", "Location: a.png", status="307 T")), None, web=STRICT).data == PICTURE
    )


def test_a_name_that_changes_is_checked_where_it_is_connected_to(
    server: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "is_public", lambda address: address == "127.0.0.1")
    answers = [["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1", "10.0.0.1"]]

    look_up = socket.getaddrinfo

    def changing(host: str, port: int, *rest: Any, **named: Any) -> Any:
        if host != "rebind.test":
            return look_up(host, port, *rest, **named)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in answers.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    server.at("/a.png", answer())
    uri = f"http://rebind.test:{server.server_address[1]}/a.png"
    assert read_web(uri, None, web=STRICT).data == PICTURE  # looked up once, and that address asked
    for _ in range(2):
        with pytest.raises(delivery.PrivateAddressError, match=r"10\.0\.0\.1"):
            read_web(uri, None, web=STRICT)


def test_trouble_that_passes_is_waited_out_as_long_as_the_server_asks(
    server: Hostile, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("geo_lib.catalogue.web.sleep", waited.append)
    busy = [
        answer(b"", status="429 Too Many"),
        answer(b"", "Retry-After: 7", status="503 Busy"),
        answer(b"", "Retry-After: 9000", status="500 No"),
        answer(b"", f"Retry-After: {formatdate(0, usegmt=True)}", status="502 No"),
    ]
    uri = server.at("/busy", in_turn(*busy, answer()))
    assert read_web(uri, None, web=replace(PATIENT, tries=5)).data == PICTURE
    assert waited == [0.5, 7.0, 30.0, 0.0]
    server.asked.clear()
    with pytest.raises(delivery.MissingPictureError):
        read_web(server.at("/none", answer(b"", status="404 No")), None, web=replace(PATIENT, tries=5))
    assert len(server.asked) == 1


def test_what_is_known_is_asked_for_a_change_only(server: Hostile) -> None:
    def by_tag(send: Send, asked: str) -> None:
        same = 'if-none-match: "7"' in asked.lower()
        send(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n" if same else answer(PICTURE, 'ETag: "7"'))

    uri = server.at("/tagged", by_tag)
    first = read_web(uri, None, web=PATIENT)
    again = read_web(uri, first.mark, web=PATIENT)
    assert (again.data, again.mark) == (None, first.mark)
    elsewhere = replace(first.mark, address="http://other.test/")  # the tag of another address says nothing of this one
    assert read_web(uri, elsewhere, web=PATIENT).data == PICTURE


def test_the_smaller_variant_is_taken_and_the_original_where_there_is_none(server: Hostile) -> None:
    small = png("blue", (2, 2))
    server.at("/736x/a.png", answer(small))
    both, alone = server.at("/originals/a.png", answer()), server.at("/originals/b.png", answer())
    web = replace(PATIENT, variant_pattern="/originals/", variant="/736x/")
    came = read_web(both, None, web=web)
    assert (came.data, came.mark.address) == (small, both.replace("originals", "736x"))
    came = read_web(alone, None, web=web)
    assert (came.data, came.mark.address) == (PICTURE, alone)


def test_a_server_that_wants_no_use_by_models_is_heard_unless_told_otherwise(server: Hostile) -> None:
    uri = server.at("/mine.png", answer(PICTURE, "X-Robots-Tag: noindex", "X-Robots-Tag: NoImageAI"))
    with pytest.raises(delivery.UnwantedUseError):
        read_web(uri, None, web=PATIENT)
    assert read_web(uri, None, web=replace(PATIENT, honour_noai=False)).data == PICTURE


@pytest.mark.parametrize(
    ("robots", "is_asked"),
    [
        ("noai", True),
        ("noindex, noimageai", True),
        ("otherbot: noai", False),
        ("otherbot: noindex, noai", False),
        ("otherbot: noindex,visual-geo: noai", True),
        ("*: noai", True),
        ("noindex, nofollow", False),
        ("max-image-preview: large, noai", False),
        ("", False),
    ],
)
def test_a_wish_holds_for_whom_it_names(robots: str, is_asked: bool) -> None:
    assert asks_for_no_use(robots, "visual-geo/0.1") is is_asked


@pytest.mark.transform
def test_in_spark_a_host_is_asked_by_as_many_at_once_as_allowed_and_every_address_has_an_outcome(
    spark: SparkSession, server: Hostile
) -> None:
    now, most, lock = [0], [0], threading.Lock()

    def counted(send: Send, asked: str) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1
        send(answer())

    uris = [*(server.at(f"/{n}.png", counted) for n in range(12)), server.at("/text", answer(b"<html>"))]
    unknown = local_frame(spark, [(u,) for u in uris], "uri string").selectExpr(
        "uri", *[f"cast(null as {'bigint' if name in ('size', 'mtime_ns') else 'string'}) {name}" for name in MARK]
    )
    reading = partial(take, web=PATIENT)
    found = fetched(unknown, longest_side=736, tasks=4, take=reading, connections_per_host=3).collect()
    assert sorted((r.reason or "", r.width) for r in found) == [("", 5)] * 12 + [("not_a_picture", None)]
    assert 1 < most[0] <= 3
    assert Image.open(io.BytesIO(found[0].bytes or PICTURE)).size == (5, 4)
