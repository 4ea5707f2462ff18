"""The simulated oracle answers from truth by the picture's bytes, and fails at the rates it was told, always alike."""

import base64
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from geo_lib.demo.oracle.behaviour import Behaviour
from geo_lib.demo.oracle.chat import Reply
from geo_lib.demo.oracle.labels import known_pictures, queries
from geo_lib.demo.oracle.oracle import Oracle
from geo_lib.demo.platform import simulate
from geo_lib.demo.truth.intents import intents
from geo_lib.demo.truth.latent import Latent, sample_latent, stream_seed
from geo_lib.queries.kinds import CATEGORIES
from tests.kit import Drawn, drawn

SOUND = Behaviour(wrong=0.0)
PICTURES = drawn(4)
TRUTH = {p.signature: sample_latent(stream_seed("kit", n)) for n, p in enumerate(PICTURES)}


def request(picture: Drawn | bytes, locale: str = "en") -> dict[str, Any]:
    content = picture.content if isinstance(picture, Drawn) else picture
    url = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    parts = [
        {"type": "text", "text": f"Write.\nlocale: {locale}\nboard: x"},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    return {"messages": [{"role": "user", "content": parts}]}


def said(reply: Reply) -> Any:
    assert isinstance(reply.body, Mapping)
    return reply.body["choices"][0]["message"]


def wordings(latent: Latent, locale: str) -> dict[str, set[str]]:
    return {c: {w for i in intents(latent, locale) if i.category == c for w in i.paraphrases} for c in CATEGORIES}


@pytest.mark.parametrize("locale", ["en", "de"])
def test_every_query_of_a_sound_oracle_is_a_wording_of_the_pictures_truth_in_the_requests_language(locale: str) -> None:
    oracle = Oracle(TRUTH, SOUND)
    for picture in PICTURES:
        reply = oracle(request(picture, locale), {})
        answer = json.loads(said(reply)["content"])
        assert [len(answer[c]) for c in CATEGORIES] == [2, 2, 3]
        true = wordings(TRUTH[picture.signature], locale)
        assert all(set(answer[category]) <= true[category] for category in CATEGORIES)
        assert reply.body["usage"]["completion_tokens"] > 0  # type: ignore[call-overload]


def test_some_queries_are_of_another_picture_at_the_rate_it_was_told() -> None:
    latents = [sample_latent(n) for n in range(300)]
    count = 0
    for n, latent in enumerate(latents):
        answer, true = queries(latent, "en", str(n), Behaviour(wrong=0.2)), wordings(latent, "en")
        count += sum(query not in true[category] for category in CATEGORIES for query in answer[category])
    assert 0.15 < count / (7 * len(latents)) < 0.2, "another picture may be found by the same words"


def test_faults_befall_the_same_requests_whatever_else_is_asked() -> None:
    behaviour = Behaviour(limited=0.2, failed=0.2, malformed=0.2, refused=0.2)

    def outcomes(order: list[Drawn]) -> dict[str, list[object]]:
        oracle = Oracle(TRUTH, behaviour)
        replies: dict[str, list[object]] = {p.signature: [] for p in order}
        for picture in order * 3:
            reply = oracle(request(picture), {})
            replies[picture.signature].append((reply.status, reply.body))
        return replies

    assert outcomes(PICTURES) == outcomes(PICTURES[::-1])


@pytest.mark.parametrize(
    ("behaviour", "status", "content"),
    [
        (Behaviour(limited=1.0, retry_after_seconds=7), 429, "rate_limit_exceeded"),
        (Behaviour(failed=1.0), 500, "server_error"),
        (Behaviour(malformed=1.0), 200, '{\\"description\\": ['),
        (Behaviour(refused=1.0), 200, "I cannot make this picture out."),
    ],
)
def test_each_fault_looks_as_it_does_elsewhere(behaviour: Behaviour, status: int, content: str) -> None:
    reply = Oracle(TRUTH, behaviour)(request(PICTURES[0]), {})
    assert (reply.status, reply.headers.get("retry-after")) == (status, "7" if status == 429 else None)
    assert isinstance(reply.body, Mapping)
    assert content in json.dumps(reply.body, ensure_ascii=False)
    if behaviour.malformed:
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            json.loads(said(reply)["content"])


def test_what_it_does_not_know_it_refuses_and_another_key_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    oracle = Oracle(TRUTH, SOUND, key="right", log=log)
    right, wrong = {"authorization": "Bearer right"}, {"authorization": "Bearer wrong"}
    assert oracle(request(PICTURES[0]), wrong).status == 401
    assert said(oracle(request(b"another picture"), right))["refusal"] == "I cannot make this picture out."
    assert said(oracle(request(PICTURES[0], "fr"), right))["refusal"] == "I do not speak fr."
    assert json.loads(said(oracle(request(PICTURES[0]), right))["content"])["use_case"]
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["status"], line["outcome"], line["locale"]) for line in lines] == [
        (401, "wrong_key", "en"), (200, "refused", "en"), (200, "refused", "fr"), (200, "answered", "en"),
    ]  # fmt: skip
    assert lines[0]["digests"] == lines[3]["digests"] == [PICTURES[0].signature]
    assert (lines[0]["attempt"], lines[3]["attempt"]) == (1, 2)


def test_it_knows_every_picture_of_a_platform_by_its_delivered_bytes(tmp_path: Path) -> None:
    summary = simulate(tmp_path, images=3, seed=5, days=7, as_of=date(2026, 10, 30), processes=1)
    assert known_pictures(tmp_path) == {p.signature: p.latent for p in summary.pins if p.signature}


@pytest.mark.parametrize("wrong", [{"refused": 1.5}, {"latency_ms": -1}])
def test_a_behaviour_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"refused is a share of 0 to 1, and not 1\.5|latency_ms must not be negative"):
        Behaviour(**wrong)
