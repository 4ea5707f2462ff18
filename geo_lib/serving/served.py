"""An endpoint that a job serves itself: its command started, waited for, and stopped with the job."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from geo_lib.errors import EndpointError
from geo_lib.serving import guard
from geo_lib.serving.endpoints import PORT, Endpoint

_PATIENCE = 900.0
"""Seconds until a server must answer: one that loads a model takes minutes."""
_STOPPING = 30.0


@contextmanager
def served(endpoint: Endpoint, *, log_file: str | None) -> Iterator[Endpoint]:
    """The endpoint with its server running, and its port filled in; as it is where it has no command.

    ``log_file``: where the server's output goes; null: nowhere. Raises ``EndpointError`` when the command ends, or
    takes too long, before it answers.
    """
    if not endpoint.serve:
        yield endpoint
        return
    port = str(_free_port())
    words = tuple(str(word).replace(PORT, port) for word in endpoint.serve)
    running = replace(endpoint, url=endpoint.url.replace(PORT, port), serve=words)
    with _started(words, log_file) as process:
        _await_answer(running, process, log_file)
        yield running


@contextmanager
def _started(words: tuple[str, ...], log_file: str | None) -> Iterator["subprocess.Popen[bytes]"]:
    """The command under a guard that ends it when this process is gone."""
    beside = Path(sys.executable).parent  # where geo and vllm are, also when nobody has activated the environment
    environment = os.environ | {"PATH": f"{beside}{os.pathsep}{os.environ.get('PATH', '')}"}
    if log_file is not None:
        Path(log_file).parent.mkdir(parents=True, exist_ok=True)
    with Path(log_file or os.devnull).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, guard.__file__, *words],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        assert process.stdin is not None, "it is a pipe"
        process.stdin.close()
        process.wait(_STOPPING)


def _await_answer(endpoint: Endpoint, process: "subprocess.Popen[bytes]", log_file: str | None) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not _answers(endpoint.url):
        command = " ".join(endpoint.serve)
        if (status := process.poll()) is not None:
            raise EndpointError(
                f"`{command}` ended with status {status} before {endpoint.url} answered{_last_words(log_file)}"
            )
        if time.monotonic() > deadline:
            raise EndpointError(f"`{command}` has run for {_PATIENCE:,.0f} s, and {endpoint.url} does not answer yet")
        time.sleep(0.1)


def _answers(url: str) -> bool:
    """Whether a server of HTTP is there, whatever it says."""
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=5)
    try:
        connection.request("GET", f"{address.path.rstrip('/')}/models")
        connection.getresponse().read()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True


def _last_words(log_file: str | None) -> str:
    lines = Path(log_file).read_text("utf-8", errors="replace").split("\n") if log_file else []
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {said[:300]}" if said else ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
