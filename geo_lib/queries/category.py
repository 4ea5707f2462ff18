"""Which of the paper's three kinds a query is (3.1.1): description, style or use case. Rules, then meaning.

Markers decide most queries. One or two words without a marker name a thing. What is longer and undecided is compared
with prototype sentences by a text encoder, and goes to the category of the nearest few.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from geo_lib.embeddings.encoder import TextEncoder, load_packaged
from geo_lib.locales import language_of
from geo_lib.queries.kinds import CATEGORIES, DESCRIPTION, STYLE, USE_CASE
from geo_lib.queries.text import normalise, words

_FILE = Path(__file__).with_name("lexicon") / "categories.yml"
_NAMES_A_THING = 2
"""Words up to which a query without any marker is a name."""
_NEAREST = 3
"""Prototypes that vote: the mean similarity of a category's nearest few, so that one odd sentence decides nothing."""


@dataclass(frozen=True)
class Markers:
    """The marker words of one language."""

    purposes: "Marker"
    looks: "Marker"
    occasions: "Marker"
    deeds: "Marker"
    """Verbs that tell a purpose unless the query names a look beside them."""
    aesthetics: frozenset[str]
    colours: frozenset[str]
    materials: frozenset[str]
    patterns: frozenset[str]
    settings: "Marker"
    """Nouns too wide to name one thing (outfit, decor): with attributes alone beside them, a look is asked for."""

    def category(self, text: str) -> str | None:
        """The category that the markers of a normalised text tell, in the order below; null for none.

        A look by its name; a purpose; attributes of no particular thing; an aesthetic; something to do; an occasion;
        an attribute of a thing.
        """
        found = self._words(text)
        attributes = [kind for kind in (self.colours, self.materials, self.patterns) if kind & set(found)]
        is_aesthetic = bool(self.aesthetics & set(found))
        things = [w for w in found if w not in self._attributes and w not in _LINKS and not self.settings.has(w)]
        if self.looks.marks(text, found) and not self.purposes.in_phrase(text):
            return STYLE
        if self.purposes.marks(text, found):
            return USE_CASE
        if (attributes and not things) or (is_aesthetic and not attributes):
            return STYLE
        if self.deeds.marks(text, found) or (self.occasions.marks(text, found) and not attributes):
            return USE_CASE
        return DESCRIPTION if attributes or len(found) <= _NAMES_A_THING else None

    def _words(self, text: str) -> list[str]:
        """The words of a normalised text; one that is a marker with its hyphens (mid-century) stays whole."""
        return [word for part in text.split() for word in ([part] if part in self._hyphenated else words(part))]

    @cached_property
    def _hyphenated(self) -> frozenset[str]:
        markers = (self.purposes, self.looks, self.occasions, self.deeds, self.settings)
        return frozenset(w for w in self._attributes.union(*(m.words for m in markers)) if "-" in w)

    @cached_property
    def _attributes(self) -> frozenset[str]:
        return self.aesthetics | self.colours | self.materials | self.patterns


_LINKS = frozenset(("and", "in", "with", "und", "mit"))


@dataclass(frozen=True, slots=True)
class Marker:
    """Words, parts of compounds and phrases that mean the same thing."""

    words: frozenset[str] = frozenset()
    stems: tuple[str, ...] = ()
    phrases: re.Pattern[str] | None = None

    def marks(self, text: str, found: Sequence[str]) -> bool:
        return any(self.has(word) for word in found) or self.in_phrase(text)

    def has(self, word: str) -> bool:
        return word in self.words or word.startswith(self.stems) or word.endswith(self.stems)

    def in_phrase(self, text: str) -> bool:
        return self.phrases is not None and self.phrases.search(text) is not None


def categories_of(queries: Sequence[tuple[str, str]], *, load: Callable[[], TextEncoder] = load_packaged) -> list[str]:
    """The category of each (locale, raw query), in order."""
    texts = [normalise(query, locale=locale) for locale, query in queries]
    by_markers = [marker_category(locale, text) for (locale, _), text in zip(queries, texts, strict=True)]
    undecided = sorted({text for text, known in zip(texts, by_markers, strict=True) if known is None})
    by_meaning = dict(zip(undecided, _nearest(undecided, load), strict=True)) if undecided else {}
    return [known or by_meaning[text] for text, known in zip(texts, by_markers, strict=True)]


def marker_category(locale: str, text: str) -> str | None:
    """What the markers of the locale's language say of a normalised text; English where a language has none."""
    languages = _lexicon()
    return languages.get(language_of(locale), languages["en"]).category(text)


def _nearest(texts: Sequence[str], load: Callable[[], TextEncoder]) -> list[str]:
    import numpy as np

    encoder = load()
    similarities = [encoder.encode(texts) @ encoder.encode(_prototypes()[name]).T for name in CATEGORIES]
    scores = [np.sort(similarity, axis=1)[:, -_NEAREST:].mean(axis=1) for similarity in similarities]
    return [CATEGORIES[best] for best in np.argmax(np.stack(scores), axis=0)]  # a tie goes to the first category


@cache
def _lexicon() -> dict[str, Markers]:
    return {language: _markers(words_of) for language, words_of in _read()["languages"].items()}


@cache
def _prototypes() -> dict[str, list[str]]:
    return dict(_read()["prototypes"])


@cache
def _read() -> dict[str, Any]:
    return dict(yaml.safe_load(_FILE.read_text(encoding="utf-8")))


def _markers(language: dict[str, Any]) -> Markers:
    return Markers(
        purposes=_marker(**language["purposes"]),
        looks=_marker(**language["looks"]),
        occasions=_marker(words=language["occasions"], stems=language.get("stems", ())),
        deeds=_marker(words=language["deeds"]),
        settings=_marker(words=language["settings"], stems=language["setting_stems"]),
        **{name: frozenset(language[name]) for name in ("aesthetics", "colours", "materials", "patterns")},
    )


def _marker(*, words: Sequence[str] = (), stems: Sequence[str] = (), phrases: Sequence[str] = ()) -> Marker:
    return Marker(frozenset(words), tuple(stems), re.compile("|".join(phrases)) if phrases else None)
