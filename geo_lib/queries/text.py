"""The normal form of a query, its id and its words. Plain Python: NFKC has no column expression."""

import hashlib
import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from geo_lib.locales import language_of

NORMALISATION_VERSION = 1
"""Raised with every change of ``normalise`` or ``query_id``: it says which texts and ids belong together."""

_QUOTES = str.maketrans({**dict.fromkeys("‘’‚‛′`´", "'"), **dict.fromkeys("‐‑‒–—―−", "-"), "⁄": "/"})
_KEPT_WITHIN = "'-./%+&"
"""Punctuation that belongs to words (men's, t-shirt, 1.5, 24/7, 50%, a+b, r&b)."""
_WITHIN = re.compile(r"(?<=\w)['\-./%+&]+(?=\w)|(?<=\d)%|(?<=\w)\+{1,2}|(?<=\s)&(?=\s)")
_WORD = re.compile(r"[^\s'\-./%+&]+(?:'[^\s'\-./%+&]+)?")
"""Of a normalised text; not by ``\\w``, which ends words of Hindi or Thai at every vowel sign."""

_JOINING: dict[str, frozenset[str]] = {
    "en": frozenset(("a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with")),
    "de": frozenset((
        "am", "an", "auf", "aus", "das", "dem", "den", "der", "des", "die", "ein", "eine", "einem", "einen", "einer",
        "eines", "für", "fürs", "im", "in", "mit", "oder", "und", "vom", "von", "zu", "zum", "zur",
    )),
}  # fmt: skip
_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch", "nn": "norwegian", "no": "norwegian",
    "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish",
    "ta": "tamil", "tr": "turkish",
}  # fmt: skip
"""Language to algorithm of the snowball project; words of other languages stay whole."""


def normalise(text: str) -> str:
    """Lower case, one form per character (NFKC), single spaces, no punctuation but what belongs to words.

    The empty string when nothing is left. Idempotent. Lower case, not case folding: the text is shown to people, and
    folding would write ``weiß`` as ``weiss``.
    """
    for _ in range(4):  # a few characters lower or compose into others; one more round finds nothing to change
        before, text = text, _once(text)
        if text == before:
            break
    return text


def _once(text: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower().translate(_QUOTES))
    text = "".join(_plain(character) for character in text)
    kept = {place for match in _WITHIN.finditer(f" {text} ") for place in range(match.start() - 1, match.end() - 1)}
    return " ".join(
        "".join(c if c not in _KEPT_WITHIN or place in kept else " " for place, c in enumerate(text)).split()
    )


def _plain(character: str) -> str:
    """Letters, marks, numbers and word punctuation as they are; joiners and variants gone; the rest a space."""
    kind = unicodedata.category(character)
    if kind in ("Cf", "Me") or "\ufe00" <= character <= "\ufe0f":  # such as the emoji style of a heart
        return ""
    return character if kind[0] in "LMN" or character in _KEPT_WITHIN else " "


def words(text: str) -> tuple[str, ...]:
    """The words of a normalised query, in order."""
    return tuple(_WORD.findall(text))


def same_words_key(text: str, *, locale: str) -> str:
    """Equal for queries that say the same in other words' order or form: ``red vase``, ``vases in red``.

    Words that only join others are left out, endings that only bend a word are cut off, both as the language of the
    locale has them; the rest is taken as a set.
    """
    language = language_of(locale)
    joining = _JOINING.get(language, frozenset())
    said = {_stem(word, language) for word in words(text) if word not in joining}
    return " ".join(sorted(said or set(words(text)) or {text}))


@lru_cache(maxsize=100_000)
def _stem(word: str, language: str) -> str:
    return str(_stemmer(language).stemWord(word)) if language in _STEMMERS else word


@cache
def _stemmer(language: str) -> Any:
    from snowballstemmer import stemmer  # loads thirty languages

    return stemmer(_STEMMERS[language])


def query_id(locale: str, text: str) -> str:
    """Identity of a normalised query in a locale: 32 hex digits, never reassigned."""
    return hashlib.sha256(f"{locale}\n{text}".encode()).hexdigest()[:32]


def query_id_column(locale: Column, text: Column) -> Column:
    """``query_id`` as a column expression."""
    return F.substring(F.sha2(F.concat(locale, F.lit("\n"), text).cast("binary"), 256), 1, 32)
