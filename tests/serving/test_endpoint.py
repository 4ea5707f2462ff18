"""One request's fault costs that request, and what every request would meet ends the asking: on real HTTP."""

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic
from typing import Any

import pytest

from geo_lib.demo.oracle.chat import ChatServer, Reply, completion, error
from geo_lib.serving.endpoint import EndpointServer, EndpointSpec
from geo_lib.serving.endpoints import ChatDecoding, Endpoint, Prices, Shape
from geo_lib.serving.requests import Generation, Request, answer_each
from tests.kit import png

MODEL = "model-of-a-test"
SHAPE = Shape(
    "word",
    {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"], "additionalProperties": False},
)
FINE = json.dumps({"word": "oak"})
Script = Callable[[str, int], Reply]
"""Of a request's prompt and how often it has been sent, what the server does."""


def fine(text: str | None = FINE, **more: Any) -> Reply:
    return completion(text, model=MODEL, prompt_tokens=100, **more)


@contextmanager
def scripted(script: Script) -> Iterator[tuple[Endpoint, Counter[str]]]:
    """A server that does as the script says, and how often it was sent each prompt."""
    sent: Counter[str] = Counter()
    lock = threading.Lock()

    def answer(body: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        prompt = body["messages"][0]["content"][0]["text"]
        with lock:
            sent[prompt] += 1
            attempt = sent[prompt]
        return script(prompt, attempt)

    with serving(answer) as endpoint:
        yield endpoint, sent


@contextmanager
def serving(answer: Callable[[Mapping[str, Any], Mapping[str, str]], Reply]) -> Iterator[Endpoint]:
    server = ChatServer(answer, model=MODEL)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield Endpoint(url=server.url, model=MODEL, attempts=3)
    finally:
        server.shutdown()
        server.server_close()


def ask(endpoint: Endpoint, *prompts: str, key: str | None = None) -> list[Generation]:
    server = EndpointServer(EndpointSpec("oracle", endpoint, key, ChatDecoding(), SHAPE))
    return answer_each(server, [Request(f"id of {prompt}", prompt) for prompt in prompts])


def test_a_request_says_what_is_asked_shows_the_pictures_as_they_are_and_names_the_shape() -> None:
    bodies: list[Mapping[str, Any]] = []

    def answer(body: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        bodies.append({**body, "key": headers["authorization"]})
        return fine()

    picture = png("red", (8, 8))
    with serving(answer) as endpoint:
        priced = replace(endpoint, prices=Prices(prompt=2.0, output=10.0), most_dollars=1.0)
        server = EndpointServer(EndpointSpec("oracle", priced, "secret", ChatDecoding(0.3, 77), SHAPE))
        (answered,) = answer_each(server, [Request("a", "which word?", (picture, picture))])
    assert replace(answered, cost_dollars=None) == Generation(
        FINE, finish_reason="stop", prompt_tokens=100, output_tokens=len(FINE) // 4
    )
    assert answered.cost_dollars == pytest.approx(0.00023)
    (body,) = bodies
    assert body["key"] == "Bearer secret"
    assert (body["model"], body["temperature"], body["max_completion_tokens"]) == (MODEL, 0.3, 77)
    schema = body["response_format"]["json_schema"]
    assert (schema["name"], schema["schema"], schema["strict"]) == ("word", SHAPE.schema, True)
    text, *images = body["messages"][0]["content"]
    assert text == {"type": "text", "text": "which word?"}
    assert [image["image_url"]["url"][:22] for image in images] == ["data:image/png;base64,"] * 2


def test_the_spec_does_not_show_its_key() -> None:
    assert "secret" not in repr(EndpointSpec("oracle", Endpoint(), "secret", ChatDecoding()))


def test_a_picture_that_cannot_be_decoded_is_never_sent() -> None:
    with scripted(lambda prompt, attempt: fine()) as (endpoint, sent):
        server = EndpointServer(EndpointSpec("oracle", endpoint, None, ChatDecoding()))
        (answered,) = answer_each(server, [Request("a", "p", (b"no picture",))])
    assert (answered.error_class, sent.total()) == ("undecodable_image", 0)


def test_what_passes_is_tried_again_until_it_is_answered() -> None:
    def script(prompt: str, attempt: int) -> Reply:
        if attempt == 1:
            return {
                "limited": error(429, "rate_limit_exceeded", "slow down", retry_after_ms="1"),
                "failed": error(500, "server_error", "a fault"),
                "busy": error(503, "overloaded", "busy"),
                "malformed": fine('{"word": "oa'),
                "misshapen": fine('{"words": 1}'),
                "page": Reply(200, b"<html>gateway</html>", {"content-type": "text/html"}),
                "broken": Reply(200, b'{"choices": ['),
            }[prompt]
        return fine()

    prompts = ("limited", "failed", "busy", "malformed", "misshapen", "page", "broken")
    with scripted(script) as (endpoint, sent):
        answers = ask(endpoint, *prompts)
    assert [a.text for a in answers] == [FINE] * len(prompts)
    assert sent == dict.fromkeys(prompts, 2)
    tokens = dict(zip(prompts, (a.prompt_tokens for a in answers), strict=True))
    assert tokens == dict.fromkeys(prompts, 100) | {"malformed": 200, "misshapen": 200}, "what was answered is paid for"


def test_what_never_passes_is_an_error_of_its_kind() -> None:
    replies = {
        "limited": error(429, "rate_limit_exceeded", "slow down", retry_after_ms="1"),
        "failed": error(500, "server_error", "a fault"),
        "rejected": error(400, "invalid_request_error", "too large a picture"),
        "filtered": error(400, "content_filter", "not allowed"),
        "refused": fine(None, refusal="I will not"),
        "cut": fine('{"word": "oa', finish_reason="length"),
        "malformed": fine("the word is oak"),
        "misshapen": fine('{"word": 7}'),
        "fine": fine(),
    }
    with scripted(lambda prompt, attempt: replies[prompt]) as (endpoint, sent):
        answers = dict(zip(replies, ask(replace(endpoint, concurrent=20), *replies), strict=True))
    assert {prompt: a.error_class for prompt, a in answers.items()} == {
        "limited": "rate_limited", "failed": "unavailable", "rejected": "rejected", "filtered": "refused",
        "refused": "refused", "cut": "not_json", "malformed": "not_json", "misshapen": "bad_schema", "fine": None,
    }  # fmt: skip
    assert sent == {
        "limited": 3, "failed": 3, "rejected": 1, "filtered": 1, "refused": 1, "cut": 1, "malformed": 2,
        "misshapen": 2, "fine": 1,
    }  # fmt: skip
    assert "I will not" in str(answers["refused"].error_message)
    assert "the word is oak" in str(answers["malformed"].error_message)
    assert "$.word" in str(answers["misshapen"].error_message)
    assert answers["malformed"].prompt_tokens == 200
    assert answers["limited"].prompt_tokens is None
    assert all((a.text is None) != (a.error_class is None) for a in answers.values())


def test_an_answer_that_is_no_chat_completion_costs_its_request_alone() -> None:
    bodies: dict[str, Any] = {"nothing": {}, "null": None, "a list": [1]}
    replies = {name: Reply(200, json.dumps(body).encode()) for name, body in bodies.items()}
    replies |= {"half a character": fine('{"word": "oak\ud83d"}'), "deep": fine("[" * 100_000)}
    with scripted(lambda prompt, attempt: replies[prompt]) as (endpoint, _):
        answers = dict(zip(replies, ask(replace(endpoint, concurrent=20, attempts=1), *replies), strict=True))
    assert {name: answers[name].error_class for name in bodies} == dict.fromkeys(bodies, "unavailable")
    assert answers["half a character"].text == '{"word": "oak\ufffd"}'
    assert answers["deep"].error_class == "not_json"


def test_an_answer_that_is_odd_was_paid_for_and_is_not_bought_again() -> None:
    def with_choices(*choices: Any) -> dict[str, Any]:
        return {**fine().body, "choices": choices}  # type: ignore[dict-item]

    said = {"message": {"content": FINE}, "finish_reason": "stop"}
    bodies = {
        "no choice": with_choices(), "no message": with_choices({}), "null message": with_choices({"message": None}),
        "no text": with_choices(said | {"message": {"content": 7}}),
        "no reason": with_choices(said | {"finish_reason": 7}),
        "parts": with_choices(said | {"message": {"content": [{"type": "text", "text": FINE}]}}),
    }  # fmt: skip
    with scripted(lambda prompt, attempt: Reply(200, bodies[prompt])) as (endpoint, sent):
        answers = ask(replace(endpoint, prices=Prices(prompt=10_000.0), most_dollars=9.0), *bodies)
    assert {(a.error_class, a.prompt_tokens, a.cost_dollars) for a in answers} == {("bad_schema", 100, 1.0)}
    assert sent == dict.fromkeys(bodies, 1)


@pytest.mark.parametrize(
    "usage",
    [None, 7, {}, {"prompt_tokens": None, "completion_tokens": 1}, {"prompt_tokens": "many", "completion_tokens": 1},
     {"prompt_tokens": -5, "completion_tokens": 1}, {"prompt_tokens": 2**40, "completion_tokens": 1},
     {"prompt_tokens": 1e400, "completion_tokens": 1}],
)  # fmt: skip
def test_an_answer_that_nobody_counted_is_kept_and_costs_nobody_knows_what(usage: Any) -> None:
    with scripted(lambda prompt, attempt: Reply(200, {**fine().body, "usage": usage})) as (endpoint, sent):  # type: ignore[dict-item]
        (answer,) = ask(replace(endpoint, prices=Prices(prompt=1.0), most_dollars=9.0), "a")
    assert (answer.text, answer.prompt_tokens, answer.cost_dollars) == (FINE, None, None)
    assert sent["a"] == 1


def test_a_server_that_hangs_is_left_after_the_time_for_the_whole_exchange() -> None:
    def script(prompt: str, attempt: int) -> Reply:
        return replace(fine(), seconds=5.0 if prompt == "hangs" or attempt == 1 else 0.0)

    with scripted(script) as (endpoint, _):
        start = monotonic()
        hangs, late = ask(replace(endpoint, timeout_seconds=0.3, attempts=2), "hangs", "late")
    assert (hangs.error_class, hangs.error_message) == ("timeout", "no answer in 0.3 s")
    assert late.text == FINE
    assert monotonic() - start < 4


def test_a_request_that_gets_no_answer_in_time_is_sent_twice_at_most() -> None:
    with scripted(lambda prompt, attempt: replace(fine(), seconds=2.0)) as (endpoint, sent):
        (hangs,) = ask(replace(endpoint, timeout_seconds=0.2, attempts=5), "hangs")
    assert (hangs.error_class, sent["hangs"]) == ("timeout", 2)


def test_no_error_says_the_key_wherever_the_server_repeats_it() -> None:
    def answer(body: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        said = "x" * 285 + headers["authorization"]  # an error quotes 300 characters
        return {
            "rejected": error(400, "invalid_request_error", said),
            "refused": fine(None, refusal=said),
            "malformed": fine(said),
            "misshapen": fine(json.dumps({"word": 7, said: 1})),
            "odd": Reply(200, {"choices": [], "said": said}),
            "forbidden": error(401, "invalid_api_key", said),
        }[body["messages"][0]["content"][0]["text"]]

    with serving(answer) as endpoint:
        prompts = ("rejected", "refused", "malformed", "misshapen", "odd", "forbidden")
        answers = ask(replace(endpoint, concurrent=1), *prompts, key="open-sesame")
    assert len({a.error_class for a in answers}) == 5
    assert not any("open" in str(a.error_message) for a in answers)


def test_what_the_server_asks_to_wait_is_waited_by_all_that_are_under_way() -> None:
    came: list[float] = []

    def script(prompt: str, attempt: int) -> Reply:
        came.append(monotonic())
        if len(came) == 1:
            moment = datetime.now(UTC) + timedelta(seconds=2)
            return error(429, "rate_limit_exceeded", "slow down", retry_after=format_datetime(moment, usegmt=True))
        return fine()

    with scripted(script) as (endpoint, _):
        answers = ask(replace(endpoint, concurrent=1), "first", "second")
    assert [a.text for a in answers] == [FINE] * 2
    assert came[1] - came[0] > 0.9, "a date has no fractions of a second"


@pytest.mark.parametrize(
    ("reply", "error_class", "sentence"),
    [
        (error(401, "invalid_api_key", "no such key"), "unauthorised", "refuses the key.*no such key.*put a valid one"),
        (error(429, "insufficient_quota", "pay first"), "quota", "has no quota left.*pay first.*run again"),
        (error(402, "payment_required", "pay first"), "quota", "has no quota left"),
        (error(404, "model_not_found", "unknown"), "not_found", f"has no model {MODEL}.*unknown"),
    ],
)
def test_what_every_request_would_meet_ends_the_asking_and_keeps_what_was_answered(
    reply: Reply, error_class: str, sentence: str
) -> None:
    prompts = [f"prompt {n}" for n in range(40)]
    with scripted(lambda prompt, attempt: fine() if prompt == prompts[0] else reply) as (endpoint, sent):
        answers = ask(replace(endpoint, concurrent=2, key="MY_KEY"), *prompts)
    assert answers[0].text == FINE
    assert {a.error_class for a in answers[1:]} == {error_class}
    assert sent.total() <= 4, "those that were under way when the first of them came"
    assert all(re.search(sentence, str(a.error_message)) for a in answers[1:])


def test_a_403_ends_the_asking_until_the_key_has_worked_once() -> None:
    with scripted(lambda prompt, attempt: error(403, "forbidden", "not yours")) as (endpoint, sent):
        answers = ask(replace(endpoint, concurrent=1, key="MY_KEY"), *map(str, range(9)))
    assert {a.error_class for a in answers} == {"unauthorised"}
    assert re.search("refuses the key .*not yours.*into MY_KEY", str(answers[0].error_message))
    assert sent.total() == 1


def test_a_403_for_one_picture_costs_that_picture_and_for_all_that_follow_the_asking() -> None:
    def script(prompt: str, attempt: int) -> Reply:
        return error(403, "flagged", "not this one") if int(prompt) in (1, 3) or int(prompt) >= 10 else fine()

    with scripted(script) as (endpoint, sent):
        answers = ask(replace(endpoint, concurrent=1), *map(str, range(30)))
    fates = [a.error_class for a in answers]
    assert fates[:10] == [None, "refused", None, "refused", *[None] * 6]
    assert "not this one" in str(answers[1].error_message)
    assert fates[10:] == ["refused"] * 4 + ["unauthorised"] * 16
    assert sent.total() == 15


def test_a_server_that_is_gone_is_given_up_after_a_few_requests_in_a_row() -> None:
    with serving(lambda body, headers: fine()) as endpoint:
        pass
    answers = ask(replace(endpoint, attempts=1, concurrent=4), *map(str, range(200)))
    assert {a.error_class for a in answers} == {"unavailable"}
    asked = [a for a in answers if "not asked" not in str(a.error_message)]
    assert 5 <= len(asked) <= 8


def test_a_server_that_wants_to_be_left_alone_for_long_is() -> None:
    reply = error(429, "rate_limit_exceeded", "tomorrow", retry_after="3600")
    with scripted(lambda prompt, attempt: reply) as (endpoint, sent):
        answers = ask(replace(endpoint, concurrent=1), "a", "b", "c")
    assert {a.error_class for a in answers} == {"rate_limited"}
    assert sent.total() == 1


def test_of_a_thousand_requests_exactly_the_poisoned_ones_are_in_error() -> None:
    poison = {f"prompt {n}": n % 3 for n in range(50, 1000, 100)}

    def script(prompt: str, attempt: int) -> Reply:
        if prompt in poison:
            return (error(500, "server_error", "a fault"), fine("{"), fine(None, refusal="no"))[poison[prompt]]
        if attempt == 1 and prompt.endswith("7"):
            return error(429, "rate_limit_exceeded", "slow down", retry_after_ms="1")
        return fine()

    prompts = [f"prompt {n}" for n in range(1000)]
    with scripted(script) as (endpoint, _):
        answers = ask(replace(endpoint, attempts=2, concurrent=16), *prompts)
    assert len(answers) == 1000
    assert {p for p, a in zip(prompts, answers, strict=True) if a.error_class is not None} == set(poison)
    assert {a.text for a in answers} == {FINE, None}
