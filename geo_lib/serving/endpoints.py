"""Which endpoints there are and how they are asked: ``settings: endpoints:`` of a configuration, by name."""

import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from geo_lib.config import at_least_one, not_negative
from geo_lib.errors import ConfigError
from geo_lib.provenance import version_of

PORT = "{port}"
"""In an endpoint's ``url`` and ``serve``: a free port of this machine, found when it is served."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars for a million tokens."""

    prompt: float = 0.0
    """Tokens read, those of pictures among them."""
    output: float = 0.0
    """Tokens written."""

    def __post_init__(self) -> None:
        not_negative(self, "prompt", "output")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server that speaks OpenAI's chat completions."""

    url: str = ""
    """Where its paths begin, as https://api.openai.com/v1."""
    model: str = ""
    """Its name for the model; name a dated one, since stored answers are known by it."""
    key: str = ""
    """Environment variable that holds the key; none is sent where this is empty."""
    prices: Prices = field(default_factory=Prices)
    most_dollars: float | None = None
    """Most that all jobs together spend there in a calendar month of as_of; null where it costs nothing."""
    concurrent: int = 8
    """Requests that one partition has under way at a time."""
    timeout_seconds: float = 120.0
    """From a request's first byte to the last one of its answer."""
    attempts: int = 5
    """How often a request is sent before it is given up, where another try may help."""
    serve: tuple[str, ...] = ()
    """A command, word by word, that serves it: started, waited for and stopped by the job that asks, on the driver's
    machine."""

    def __post_init__(self) -> None:
        at_least_one(self, "concurrent", "attempts")
        if "@" in self.url:
            raise ValueError("url has an @, as one with a user and a password in it does; key names where a secret is")
        if self.url and not self.url.startswith(("https://", "http://")):
            raise ValueError(f"url must begin with https:// or http://, not be {self.url!r}")
        if self.key and not self.key.isidentifier():
            raise ValueError("key must be the name of an environment variable, which holds the key itself")
        if self.timeout_seconds <= 0:
            raise ValueError(f"timeout_seconds must be above 0, not {self.timeout_seconds}")
        if self.prices != Prices() and self.most_dollars is None:
            raise ValueError("it has prices and no most_dollars; say what may be spent there in a month")
        if self.most_dollars is not None:
            not_negative(self, "most_dollars")
            if self.prices == Prices():
                raise ValueError(
                    "it has most_dollars and no prices.prompt nor prices.output, so that nothing is held to it; say "
                    "what a million tokens cost"
                )
        if PORT in self.url and not self.serve:
            raise ValueError(f"url has {PORT}, which is found when the endpoint is served, and there is no serve")

    def dollars(self, prompt_tokens: int, output_tokens: int) -> float | None:
        """What an answer costs; null where nobody charges."""
        if self.prices == Prices():
            return None
        return (prompt_tokens * self.prices.prompt + output_tokens * self.prices.output) / 1e6


Endpoints = dict[str, Endpoint]


@dataclass(frozen=True, slots=True)
class Shape:
    """What an answer must be: a JSON schema under a name."""

    name: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChatDecoding:
    """How an endpoint draws an answer."""

    temperature: float | None = 0.2
    """Null where the model takes none."""
    max_new_tokens: int = 512

    def __post_init__(self) -> None:
        at_least_one(self, "max_new_tokens")

    def version(self, shape: Shape | None) -> str:
        """Another shape, too, draws other answers."""
        return version_of(decoding=asdict(self), shape=None if shape is None else dict(shape.schema))


def endpoint_named(endpoints: Endpoints, name: str) -> Endpoint:
    """The endpoint, fit to be asked. Raises ``ConfigError``."""
    if name not in endpoints:
        there = f"it has {', '.join(sorted(endpoints))}" if endpoints else "there is none"
        raise ConfigError(
            f"settings.endpoints has no {name}, and {there}; name its url and model as conf/prod.yml does"
        )
    endpoint = endpoints[name]
    if missing := [part for part in ("url", "model") if not getattr(endpoint, part)]:
        raise ConfigError(
            f"settings.endpoints.{name} has no {' and no '.join(missing)}, so there is nobody to ask; set it there, or "
            "let no job ask"
        )
    return endpoint


def key_of(name: str, endpoint: Endpoint) -> str | None:
    """The endpoint's key; null where it wants none. Raises ``ConfigError`` when the environment has none that can be
    sent."""
    if not endpoint.key:
        return None
    if not (key := os.environ.get(endpoint.key, "").strip()):
        raise ConfigError(
            f"settings.endpoints.{name} takes its key from the environment variable {endpoint.key}, which is not set"
        )
    if not re.fullmatch("[!-~]+", key):
        raise ConfigError(
            f"the environment variable {endpoint.key} holds no key that can be sent: there is a blank, a line break or "
            "a letter beyond ASCII within it; put the key alone there"
        )
    return key
