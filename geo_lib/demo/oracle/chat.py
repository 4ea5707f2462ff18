"""A real HTTP server of chat completions: whatever answers requests stands behind it."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the server: JSON, or bytes as they are."""

    status: int
    body: Mapping[str, Any] | bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    """How long it takes."""


Answerer = Callable[[Mapping[str, Any], Mapping[str, str]], Reply]
"""Of a request's body and its headers, in lower case; called by many threads at once."""


def completion(
    text: str | None, *, model: str, prompt_tokens: int, refusal: str | None = None, finish_reason: str = "stop"
) -> Reply:
    """A whole answer, or a refusal, as the protocol has it; four characters of it count as a token."""
    output_tokens = len(text or refusal or "") // 4
    return Reply(
        200,
        {
            "id": "chatcmpl-simulated",
            "object": "chat.completion",
            "created": 0,
            "model": model,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": refusal},
                    "finish_reason": finish_reason,
                }
            ],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": output_tokens,
                "total_tokens": prompt_tokens + output_tokens,
            },
        },
    )


def error(status: int, code: str, message: str, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"error": {"message": message, "type": code, "code": code}}, named)


class ChatServer(ThreadingHTTPServer):
    """Answers POST …/chat/completions by an ``Answerer``, and GET …/models with one model."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Answerer, *, model: str, port: int = 0) -> None:
        """``port`` 0: a free one."""
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer = answer
        self.model = model

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has hung up is no error of the server's."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept
    disable_nagle_algorithm = True  # or a body waits 40 ms for the acknowledgement of its headers
    server: ChatServer

    def do_GET(self) -> None:
        if self.path.endswith("/models"):
            self._send(Reply(200, {"object": "list", "data": [{"id": self.server.model, "object": "model"}]}))
        else:
            self._send(error(404, "not_found", f"there is nothing at {self.path}"))

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        if not self.path.endswith("/chat/completions"):
            self._send(error(404, "not_found", f"there is nothing at {self.path}"))
            return
        try:
            body = json.loads(content)
        except ValueError as wrong:
            self._send(error(400, "invalid_request_error", f"the request is not JSON: {wrong}"))
            return
        if body.get("model") != self.server.model:
            self._send(error(404, "model_not_found", f"there is no model {body.get('model')}"))
            return
        self._send(self.server.answer(body, {name.lower(): value for name, value in self.headers.items()}))

    def _send(self, reply: Reply) -> None:
        if reply.seconds:
            time.sleep(reply.seconds)
        content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {"content-type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as http.server has it
        """Nothing: the oracle keeps a log of its own."""
