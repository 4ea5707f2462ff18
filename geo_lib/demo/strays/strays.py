"""The strays: each text with the kinds that it is of; none is of two, and fit ones are of none."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from geo_lib.demo.strays.grammar import fillings
from geo_lib.demo.truth.planted_queries import planted_queries
from geo_lib.queries.text import normalise

LOCALES = ("de", "en")
KINDS = ("brand", "off_voice", "weak_intent", "grey", "exclusionary")
HARMLESS = "harmless"
"""What a platform of pictures has pages for, near misses of every kind among it."""
_FILLINGS = 1
"""Texts that a template makes: another template teaches more than another word in it."""
_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Stray:
    """A text that somebody typed."""

    locale: str
    query: str
    kind: str | None
    """Null for a fit one."""
    template: str


@cache
def strays() -> tuple[Stray, ...]:
    """All of them, by locale and kind; a text that two kinds have is left out of both, and none is planted: what is to
    be recognised is not taught."""
    return tuple(_by_key().values())


@cache
def known_kinds() -> dict[tuple[str, str], str | None]:
    """The kind of each stray by locale and normal form."""
    return {key: stray.kind for key, stray in _by_key().items()}


@cache
def _by_key() -> dict[tuple[str, str], Stray]:
    planted = {_key(it.locale, it.query) for it in planted_queries()}
    firsts: dict[tuple[str, str], Stray] = {}
    kinds: dict[tuple[str, str], set[str | None]] = {}
    for stray in (stray for locale in LOCALES for kind in (*KINDS, HARMLESS) for stray in _of(locale, kind)):
        key = _key(stray.locale, stray.query)
        firsts.setdefault(key, stray)
        kinds.setdefault(key, set()).add(stray.kind)
    return {key: stray for key, stray in firsts.items() if len(kinds[key]) == 1 and key not in planted}


def _of(locale: str, kind: str) -> Iterator[Stray]:
    words = yaml.safe_load((_FOLDER / f"words.{locale}.yml").read_text(encoding="utf-8"))
    for template in (_FOLDER / f"{kind}.{locale}.txt").read_text(encoding="utf-8").splitlines():
        if template.startswith("# "):
            continue
        for query in fillings(template, words, count=_FILLINGS, seed=f"{locale} {kind} {template}"):
            yield Stray(locale, query, None if kind == HARMLESS else kind, template)


def _key(locale: str, query: str) -> tuple[str, str]:
    return locale, normalise(query, locale=locale)
