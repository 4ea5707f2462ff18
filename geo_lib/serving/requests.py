"""What a model is asked and what comes back, whoever serves it: one bad request costs its own answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Prepared = Any
"""A request as its server takes it; nobody else looks into it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question: a prompt, and the pictures it is about, as the bytes they were delivered in."""

    id: str
    prompt: str
    images: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """What the model wrote for one request, or why it could not."""

    text: str | None = None
    error_class: str | None = None
    error_message: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    cost_dollars: float | None = None
    """What the answer was charged; null where nobody charges."""
    token_ends: list[int] | None = None
    """How many characters of the text are written after each token;"""
    token_logprobs: list[float] | None = None
    """the natural logarithm of the probability that the model gave it, before any decoding parameter. Null where the
    server does not say."""


class BadRequestError(ValueError):
    """This request, and not the model or the machine, is at fault."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class


class RefusedError(ValueError):
    """The server refused a batch because of some request in it; the others would go through."""


class BrokenServerError(RuntimeError):
    """The server broke while it answered, whatever of these requests or of the machine is the cause."""


STALLED = "stalled"
"""The error of a request that got no further while the server was sound."""
CURABLE = ("too_many_tokens", "rejected_by_engine", STALLED)
"""Errors that another setting of the server may cure; no part of what an answer is known by, so they are not kept."""


class Server(Protocol):
    """Whoever answers: an engine in this process, or an endpoint."""

    at_once: int
    """Requests that it is given in one call."""

    def prepare(self, request: Request) -> Prepared:
        """Decode and render; raise ``BadRequestError`` if this request cannot be answered. Called by another thread
        than ``generate``, and at the same time."""
        ...

    def generate(self, prepared: Sequence[Prepared]) -> list[Generation]:
        """Answer every request, in order; raise ``RefusedError`` if one of them is refused, ``BrokenServerError`` if
        the server is of no use any more."""
        ...


def answer_each(server: Server, requests: Sequence[Request]) -> list[Generation]:
    """An answer for every request, in order. A bad one costs its own answer; all else is raised."""
    return answer_prepared(server, prepare_each(server, requests))


def prepare_each(server: Server, requests: Sequence[Request]) -> list[Prepared | Generation]:
    """Every request as its server takes it, in order, or why it cannot be answered."""
    prepared: list[Prepared | Generation] = []
    for request in requests:
        try:
            prepared.append(server.prepare(request))
        except BadRequestError as bad:
            prepared.append(Generation(error_class=bad.error_class, error_message=str(bad)))
    return prepared


def answer_prepared(server: Server, prepared: Sequence[Prepared | Generation]) -> list[Generation]:
    """An answer for everything that ``prepare_each`` made, in order."""
    asked = {place: one for place, one in enumerate(prepared) if not isinstance(one, Generation)}
    answers = dict(zip(asked, _halving(server, list(asked.values())), strict=True))
    return [answers.get(place, one) for place, one in enumerate(prepared)]


def _halving(server: Server, prepared: list[Prepared]) -> list[Generation]:
    """One refused request makes a server refuse the whole call: halve until it stands alone."""
    if not prepared:
        return []
    try:
        return server.generate(prepared)
    except RefusedError as refused:
        if len(prepared) == 1:
            return [Generation(error_class="rejected_by_engine", error_message=str(refused))]
        middle = len(prepared) // 2
        return _halving(server, prepared[:middle]) + _halving(server, prepared[middle:])
