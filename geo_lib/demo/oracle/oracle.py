"""The oracle: looks a picture up by its bytes, a text by its words, and answers from truth as well and as badly as it
was told to behave."""

import base64
import json
import re
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from geo_lib.demo.oracle.behaviour import Behaviour
from geo_lib.demo.oracle.chat import Reply, completion, error
from geo_lib.demo.oracle.judgements import judged, texts_to_judge
from geo_lib.demo.oracle.labels import queries, speaks
from geo_lib.demo.truth.latent import Latent

MODEL = "simulated-oracle-1"
"""What its answers are known by; another version where the same seed answers otherwise."""
_TOKENS_OF_A_PICTURE = 255
_LOCALE = re.compile(r"^locale: (\S+)$", re.MULTILINE)
_DATA = re.compile(r"data:image/\w+;base64,(.*)", re.DOTALL)


@dataclass
class Oracle:
    """Answers chat completions about the pictures that it knows, by signature. Safe to be asked by many threads."""

    pictures: Mapping[str, Latent]
    behaviour: Behaviour = field(default_factory=Behaviour)
    key: str | None = None
    """What a client must send; null: nobody is asked for one."""
    log: Path | None = None
    """Where a line of JSON is appended for each request: the pictures' digests, locale, try, status and outcome."""
    _tries: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, body: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        digests, text = _shown(body)
        # what is asked without a picture is known by its text, or one fault would befall all of it
        first, locale = digests[0] if digests else sha256(text.encode()).hexdigest(), _locale(text)
        with self._lock:
            self._tries[first, locale] += 1
            attempt = self._tries[first, locale]
        outcome, reply = self._answered(first, locale, attempt, text, len(digests), headers)
        self._note(digests=digests, locale=locale, attempt=attempt, status=reply.status, outcome=outcome)
        return replace(reply, seconds=self.behaviour.latency_ms / 1000)

    def _answered(
        self, signature: str, locale: str, attempt: int, text: str, pictures: int, headers: Mapping[str, str]
    ) -> tuple[str, Reply]:
        if self.key is not None and headers.get("authorization") != f"Bearer {self.key}":
            return "wrong_key", error(401, "invalid_api_key", "the key is not one of this server's")
        which, behaviour = (signature, locale, attempt), self.behaviour
        if behaviour.happens("limited", *which):
            after = str(behaviour.retry_after_seconds)
            return "limited", error(429, "rate_limit_exceeded", "too many requests", retry_after=after)
        if behaviour.happens("failed", *which):
            return "failed", error(500, "server_error", "the server has a fault")
        tokens = len(text) // 4 + pictures * _TOKENS_OF_A_PICTURE
        texts = None if pictures else texts_to_judge(text)
        latent = self.pictures.get(signature)
        is_unknown = latent is None and texts is None
        if is_unknown or not speaks(locale) or behaviour.happens("refused", signature):
            why = "I cannot make this picture out." if is_unknown or speaks(locale) else f"I do not speak {locale}."
            return "refused", completion(None, model=MODEL, prompt_tokens=tokens, refusal=why)
        said = judged(texts, locale, behaviour) if latent is None else queries(latent, locale, signature, behaviour)
        answer = json.dumps(said, ensure_ascii=False)
        if behaviour.happens("malformed", *which):
            return "malformed", completion(answer[: len(answer) // 2], model=MODEL, prompt_tokens=tokens)
        return "answered", completion(answer, model=MODEL, prompt_tokens=tokens)

    def _note(self, **what: object) -> None:
        if self.log is None:
            return
        with self._lock, self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(what) + "\n")


def _shown(body: Mapping[str, Any]) -> tuple[list[str], str]:
    """The signatures of a request's pictures, and its text."""
    digests: list[str] = []
    texts: list[str] = []
    for message in body.get("messages", ()):
        content = message.get("content")
        for part in content if isinstance(content, list) else [{"type": "text", "text": content or ""}]:
            if part.get("type") == "text":
                texts.append(part["text"])
            elif match := _DATA.fullmatch(part.get("image_url", {}).get("url", "")):
                digests.append(sha256(base64.b64decode(match[1])).hexdigest())
    return digests, "\n".join(texts)


def _locale(text: str) -> str:
    match = _LOCALE.search(text)
    return match[1] if match else ""
