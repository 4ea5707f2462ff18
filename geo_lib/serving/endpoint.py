"""A client of any OpenAI-compatible endpoint: many requests under way at once, each patient and counted in dollars.

One request's fault costs that request. Where nobody could be answered (no quota, a refused key, a server that is
gone) the rest is not asked, so that what was answered before can be kept.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from geo_lib.errors import first_line
from geo_lib.pictures import UndecodableError, as_viewers_show_it
from geo_lib.retries import retry_after
from geo_lib.serving.endpoints import ChatDecoding, Endpoint, Shape
from geo_lib.serving.requests import BadRequestError, Generation, Prepared, Request

if TYPE_CHECKING:
    from openai import APIStatusError, AsyncOpenAI

ANSWERED = REFUSED, NOT_JSON, BAD_SCHEMA = "refused", "not_json", "bad_schema"
"""Errors that are answers, and paid for: they are kept as answers are."""
RATE_LIMITED, TIMEOUT, UNAVAILABLE, REJECTED = "rate_limited", "timeout", "unavailable", "rejected"
QUOTA, UNAUTHORISED, NOT_FOUND = "quota", "unauthorised", "not_found"
_TOKENS = range(2**31)
"""Counts that a table can hold; all else says nothing."""
HALTING = (QUOTA, UNAUTHORISED, NOT_FOUND)
"""Errors that every request would meet until somebody mends the cause: their message is the sentence that says so."""
UNANSWERED = (RATE_LIMITED, TIMEOUT, UNAVAILABLE, REJECTED, *HALTING)
"""Errors of requests that nobody answered, nor charged for: they are not kept, and the next run asks again."""

_CALLS_AHEAD = 32
"""Requests of one call per place: a call ends with places that stay empty."""
_LONGEST_WAIT = 120.0
"""Seconds that a Retry-After may ask for; an endpoint that wants more is left alone."""
_LEAST_IN_VAIN = 5
"""Requests in a row that come to nothing before an endpoint is given up, or as many as are under way."""
_MOST_TIMEOUTS = 2
"""Times that one request may get no answer in time: whoever computes on after that may charge for it."""
_FIRST_WAIT, _LONGEST_BACKOFF = 0.5, 30.0
_SAID = 300
"""Characters of an answer or a sentence that an error quotes."""


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """All that a worker needs to ask an endpoint for answers of one shape."""

    name: str
    endpoint: Endpoint
    key: str | None = field(repr=False)
    decoding: ChatDecoding
    shape: Shape | None = None


_has_worked: set[tuple[str, str | None]] = set()
"""Endpoints, by url and key, that have answered this worker: a status 403 of theirs is about what was asked."""


class _NoAnswerError(Exception):
    """One try that gave no answer. ``wait``: how long the endpoint wants to be left alone, in seconds."""

    def __init__(self, error_class: str, message: str, *, wait: float | None = None) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.wait = wait


class EndpointServer:
    """``Server`` on an endpoint, one for a partition: whether it answers at all is found out anew by each."""

    def __init__(self, spec: EndpointSpec) -> None:
        self.at_once = _CALLS_AHEAD * spec.endpoint.concurrent
        self._spec = spec
        self._endpoint = spec.endpoint
        self._halted: _NoAnswerError | None = None
        self._most_in_vain = max(spec.endpoint.concurrent, _LEAST_IN_VAIN)
        self._in_vain = 0
        self._forbidden = 0
        self._not_before = 0.0

    def prepare(self, request: Request) -> Prepared:
        content: list[dict[str, Any]] = [{"type": "text", "text": request.prompt}]
        for image in request.images:
            try:
                data, kind = as_viewers_show_it(image)
            except UndecodableError as bad:
                raise BadRequestError("undecodable_image", str(bad)) from bad
            url = f"data:{kind};base64,{base64.b64encode(data).decode()}"
            content.append({"type": "image_url", "image_url": {"url": url}})
        return request.id, [{"role": "user", "content": content}]

    def generate(self, prepared: Sequence[Prepared]) -> list[Generation]:
        return asyncio.run(self._answer_all(prepared))

    async def _answer_all(self, prepared: Sequence[Prepared]) -> list[Generation]:
        self._not_before = 0.0  # another call, another loop's clock
        places = asyncio.Semaphore(self._endpoint.concurrent)
        async with _client(self._spec) as client:

            async def answer(request_id: str, messages: Any) -> Generation:
                async with places:
                    return await self._answer(client, request_id, messages)

            return list(await asyncio.gather(*(answer(*request) for request in prepared)))

    async def _answer(self, client: "AsyncOpenAI", request_id: str, messages: Any) -> Generation:
        """An answer, or why there is none after as many tries as may help. Every try that was answered is counted."""
        paid, timeouts = Generation(), 0
        for attempt in range(1, self._endpoint.attempts + 1):
            await self._pause()
            if self._halted is not None:
                return _given_up(paid, self._halted)
            try:
                answer = _counted(paid, await self._ask(client, messages))
            except _NoAnswerError as none:
                timeouts += none.error_class == TIMEOUT
                is_last = attempt == self._endpoint.attempts or timeouts == _MOST_TIMEOUTS
                if is_last or self._is_final(none):
                    return _given_up(paid, self._noted(none))
                if none.wait is not None:  # what one is asked to wait, all that are under way do
                    self._not_before = max(self._not_before, asyncio.get_running_loop().time() + none.wait)
                else:
                    await asyncio.sleep(_backoff(attempt, request_id))
                continue
            self._in_vain = 0
            is_worth_another = answer.error_class in (NOT_JSON, BAD_SCHEMA) and answer.finish_reason == "stop"
            if not is_worth_another or paid.error_class is not None:
                return answer
            paid = answer  # a second answer may be sound; a third seldom is, and each is paid for
        return paid

    async def _pause(self) -> None:
        while (left := self._not_before - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(left)

    async def _ask(self, client: "AsyncOpenAI", messages: Any) -> Generation:
        """One try: an answer, or one of the errors that are one. Raises ``_NoAnswerError``."""
        import openai

        seconds = self._endpoint.timeout_seconds
        try:
            async with asyncio.timeout(seconds):  # a client's own timeouts are between two bytes
                completion = await client.chat.completions.create(messages=messages, **_options(self._spec))
        except (TimeoutError, openai.APITimeoutError) as late:
            raise _NoAnswerError(TIMEOUT, f"no answer in {seconds:g} s") from late
        except openai.APIStatusError as refusal:
            if self._is_of_this_request(refusal):
                cost = self._endpoint.dollars(0, 0)
                return Generation(error_class=REFUSED, error_message=self._quoted(refusal.message), cost_dollars=cost)
            raise self._refusal(refusal) from refusal
        except openai.APIError as broken:
            raise _NoAnswerError(UNAVAILABLE, self._quoted(first_line(broken.__cause__ or broken))) from broken
        except ValueError as wrong:  # announced as JSON, and none
            raise _NoAnswerError(UNAVAILABLE, f"what came is no chat completion: {self._quoted(wrong)}") from wrong
        counted = self._counted(getattr(completion, "usage", None))
        if counted.prompt_tokens is None and getattr(completion, "choices", None) is None:
            raise _NoAnswerError(UNAVAILABLE, f"what came is no chat completion: {self._quoted(completion)}")
        _has_worked.add((self._endpoint.url, self._spec.key))
        self._forbidden = 0
        try:
            return self._generation(completion.choices[0], counted)
        except (AttributeError, LookupError, TypeError, ValueError):  # the package checks nothing of what came
            said = f"what came is no chat completion: {self._quoted(completion)}"
            return replace(counted, error_class=BAD_SCHEMA, error_message=said)

    def _counted(self, usage: Any) -> Generation:
        """What an answer took and cost, as far as the endpoint says."""
        try:
            tokens = (int(usage.prompt_tokens), int(usage.completion_tokens))
        except (AttributeError, TypeError, ValueError, OverflowError):
            return Generation()
        if not all(n in _TOKENS for n in tokens):
            return Generation()
        return Generation(
            prompt_tokens=tokens[0], output_tokens=tokens[1], cost_dollars=self._endpoint.dollars(*tokens)
        )

    def _generation(self, choice: Any, counted: Generation) -> Generation:
        if choice.finish_reason is not None:
            counted = replace(counted, finish_reason=_sound(choice.finish_reason))
        if choice.message.refusal or choice.finish_reason == "content_filter":
            said = choice.message.refusal or "the endpoint filtered its answer"
            return replace(counted, error_class=REFUSED, error_message=self._quoted(said))
        text = _sound(choice.message.content or "")
        error_class, error_message = self._misshapen(text)
        if error_class is not None:
            return replace(counted, error_class=error_class, error_message=error_message)
        return replace(counted, text=text)

    def _misshapen(self, text: str) -> tuple[str | None, str | None]:
        """The error of a text that is not of the shape asked for, or nulls."""
        if self._spec.shape is None:
            return None, None
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import best_match

        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as wrong:
            return NOT_JSON, f"{wrong}: {self._quoted(text)}"
        error = best_match(Draft202012Validator(self._spec.shape.schema).iter_errors(value))
        return (None, None) if error is None else (BAD_SCHEMA, f"{error.json_path}: {self._quoted(error.message)}")

    def _is_of_this_request(self, refusal: "APIStatusError") -> bool:
        """Whether a status is about what was asked, as a filter's is, and no sign for the requests after it.

        A 403 is, once the key has worked; but not when many come in a row.
        """
        if refusal.status_code == 403 and (self._endpoint.url, self._spec.key) in _has_worked:
            self._forbidden += 1
            return self._forbidden < self._most_in_vain
        return refusal.status_code == 400 and refusal.code in ("content_filter", "content_policy_violation")

    def _refusal(self, refusal: "APIStatusError") -> _NoAnswerError:
        """What a status other than success means."""
        status, said = refusal.status_code, self._quoted(refusal.message)
        if status == 402 or (status == 429 and refusal.code == "insufficient_quota"):
            return _NoAnswerError(QUOTA, said)
        if status == 429:
            headers = refusal.response.headers
            after_ms = headers.get("retry-after-ms", "")
            wait = float(after_ms) / 1000 if after_ms.isdecimal() else retry_after(headers.get("retry-after", ""))
            return _NoAnswerError(RATE_LIMITED, said, wait=wait)
        if status in (401, 403):
            return _NoAnswerError(UNAUTHORISED, said)
        if status == 404:
            return _NoAnswerError(NOT_FOUND, said)
        return _NoAnswerError(UNAVAILABLE if status in (408, 409) or status >= 500 else REJECTED, said)

    def _is_final(self, none: _NoAnswerError) -> bool:
        """Whether another try is in vain, for this request or for all."""
        is_left_alone = none.wait is not None and none.wait > _LONGEST_WAIT
        return none.error_class in (REJECTED, *HALTING) or is_left_alone or self._halted is not None

    def _noted(self, none: _NoAnswerError) -> _NoAnswerError:
        """Why a request is given up. It may be the last that is sent: after one that all would end like, or when too
        many in a row came to nothing."""
        if none.error_class in HALTING:
            self._halted = none = _NoAnswerError(none.error_class, self._sentence(none))
        elif none.error_class != REJECTED:
            self._in_vain += 1
            is_left_alone = none.wait is not None and none.wait > _LONGEST_WAIT
            is_given_up = self._in_vain >= self._most_in_vain
            if self._halted is None and (is_left_alone or is_given_up):
                self._halted = _NoAnswerError(none.error_class, f"not asked after another request's end: {none}")
        return none

    def _quoted(self, said: object) -> str:
        """What somebody else said, as an error may quote it: short, and without the key."""
        text = str(said)
        if self._spec.key:
            text = text.replace(self._spec.key, "<the key>")
        return _sound(text) if len(text) <= _SAID else _sound(text[:_SAID]) + "…"

    def _sentence(self, none: _NoAnswerError) -> str:
        who = f"the endpoint {self._spec.name} at {self._endpoint.url}"
        if none.error_class == QUOTA:
            return f"{who} has no quota left ({none}); raise it there and run again"
        if none.error_class == NOT_FOUND:
            return f"{who} has no model {self._endpoint.model}, or no chat completions ({none}); mend its settings"
        key = self._endpoint.key
        remedy = f"put a valid one into {key}" if key else "name the environment variable that holds one as its key"
        return f"{who} refuses the key ({none}); {remedy}"


def _client(spec: EndpointSpec) -> "AsyncOpenAI":
    import openai

    here = urlsplit(spec.endpoint.url).hostname in ("127.0.0.1", "localhost", "::1")
    http = openai.DefaultAsyncHttpxClient(trust_env=not here)  # a proxy does not lead to this machine
    return openai.AsyncOpenAI(
        api_key=spec.key or "none",
        base_url=spec.endpoint.url,
        timeout=spec.endpoint.timeout_seconds,
        max_retries=0,
        http_client=http,
    )


def _options(spec: EndpointSpec) -> dict[str, Any]:
    options: dict[str, Any] = {"model": spec.endpoint.model, "max_completion_tokens": spec.decoding.max_new_tokens}
    if spec.decoding.temperature is not None:
        options["temperature"] = spec.decoding.temperature
    if spec.shape is not None:
        schema = {"name": spec.shape.name, "schema": dict(spec.shape.schema), "strict": True}
        options["response_format"] = {"type": "json_schema", "json_schema": schema}
    return options


def _counted(paid: Generation, answer: Generation) -> Generation:
    """``answer`` with what the tries before it took and cost."""

    def both(name: str) -> Any:
        known = [value for one in (paid, answer) if (value := getattr(one, name)) is not None]
        return sum(known) if known else None

    return replace(answer, **{name: both(name) for name in ("prompt_tokens", "output_tokens", "cost_dollars")})


def _given_up(paid: Generation, none: _NoAnswerError) -> Generation:
    """An answer that was paid for stands, however unsound; else why there is none."""
    return paid if paid.error_class is not None else Generation(error_class=none.error_class, error_message=str(none))


def _backoff(attempt: int, request_id: str) -> float:
    """Seconds to wait after so many tries: twice as long each time, and not the same for all that failed at once."""
    digest = hashlib.sha256(f"{request_id} {attempt}".encode()).digest()
    return min(_FIRST_WAIT * 2.0 ** (attempt - 1), _LONGEST_BACKOFF) * (0.5 + digest[0] / 255)


def _sound(text: str) -> str:
    """The text without halves of characters, which JSON can spell and no table can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
