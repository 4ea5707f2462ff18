"""The strays: each text with the kinds that it is of; none is of two, and fit ones are of none."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock

import yaml

from geo_lib.demo.strays.grammar import fillings
from geo_lib.demo.truth.planted_queries import planted_queries
from geo_lib.queries.text import normalise, same_words_key

LOCALES = ("de", "en")
KINDS = ("brand", "off_voice", "weak_intent", "grey", "exclusionary")
HARMLESS = "harmless"
"""What a platform of pictures has pages for, near misses of every kind among it."""
_FILLINGS = {"brand": 3, "grey": 3}
"""Texts that a template makes where few were written; else one, for another template teaches more than another word."""
_FOLDER = Path(__file__).parent
_MADE_ONCE = Lock()
"""Threads of a server that are asked at once wait for the first, where each would make them all."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A text that somebody typed."""

    locale: str
    query: str
    kind: str | None
    """Null for a fit one."""
    template: str


def strays() -> tuple[Stray, ...]:
    """All of them, by locale and kind; a text that two kinds have is left out of both, and none is planted: what is to
    be recognised is not taught."""
    return tuple(_by_key().values())


def known_kind(locale: str, query: str) -> str | None:
    """The kind of a stray; null for a fit one and for any other text."""
    stray = _by_key().get(_key(locale, query))
    return None if stray is None else stray.kind


def _by_key() -> dict[tuple[str, str], Stray]:
    with _MADE_ONCE:
        return _made()


@cache
def _made() -> dict[tuple[str, str], Stray]:
    planted = {_words(*_key(it.locale, it.query)) for it in planted_queries()}
    firsts: dict[tuple[str, str], Stray] = {}
    kinds: dict[tuple[str, str], set[str | None]] = {}
    for stray in (stray for locale in LOCALES for kind in (*KINDS, HARMLESS) for stray in _of(locale, kind)):
        key = _key(stray.locale, stray.query)
        firsts.setdefault(key, stray)
        kinds.setdefault(key, set()).add(stray.kind)
    return {key: stray for key, stray in firsts.items() if len(kinds[key]) == 1 and _words(*key) not in planted}


def _of(locale: str, kind: str) -> Iterator[Stray]:
    words = yaml.safe_load((_FOLDER / f"words.{locale}.yml").read_text(encoding="utf-8"))
    for template in (_FOLDER / f"{kind}.{locale}.txt").read_text(encoding="utf-8").splitlines():
        if template.startswith("# "):
            continue
        for query in fillings(template, words, count=_FILLINGS.get(kind, 1), seed=f"{locale} {kind} {template}"):
            yield Stray(locale, query, None if kind == HARMLESS else kind, template)


def _key(locale: str, query: str) -> tuple[str, str]:
    return locale, normalise(query, locale=locale)


def _words(locale: str, normal: str) -> tuple[str, str]:
    """Equal for normal forms that say the same words, in whatever order and number."""
    return locale, same_words_key(normal, locale=locale)
