"""Queries that may not stand for an image: swear words and explicit content, also in disguise. By a word list.

English is judged by the list of the better-profanity package, whose own matcher does a hundred sentences a second; less
what is an ordinary word on a platform of pictures (safety.yml). Other languages are judged by words of their own and by
those of the list that are known the world over: most of it are everyday words somewhere, as slut, fart and douche.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

import yaml

from geo_lib.errors import MachineError
from geo_lib.locales import language_of
from geo_lib.queries.checks.check import Check, Said

EXPLICIT = "explicit"

_FILE = Path(__file__).with_name("safety.yml")
_DISGUISES = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "@": "a", "$": "s", "!": "i"}
)
_JOINT = re.compile(r"[^\w\s'’@$!]|_")
"""What may stand between two words that are written as one; not what may stand for a letter."""
_SPELLED_OUT = re.compile(r"(?<!\w)(?:\w[.\-_*\s]){2,}\w(?!\w)")


@dataclass(frozen=True)
class _Lexicon:
    """Banned word sequences as they are looked up: letters and digits, one space between words."""

    banned: frozenset[str]
    harmless: frozenset[str]
    """Sequences within which no word is banned, such as moby dick."""

    @cached_property
    def longest(self) -> int:
        """Words in the longest of them."""
        return max(phrase.count(" ") + 1 for phrase in self.banned | self.harmless)


def explicit_words(raw: str, *, locale: str) -> str | None:
    """The first banned word or phrase of a raw query; null when there is none.

    Whole words only, so that Scunthorpe stays. Sees through digits and signs for letters, through s.p.a.c.i.n.g and
    words joined by a sign.
    Takes the raw text, because normalising removes the signs that a word may hide behind.
    """
    lexicon = _lexicon(language_of(locale))
    plain = unicodedata.normalize("NFKC", raw).lower()
    spelled_out = _SPELLED_OUT.sub(lambda spaced: re.sub(r"[^\w]|_", "", spaced[0]), plain)
    for text in dict.fromkeys((plain, spelled_out, _JOINT.sub(" ", plain))):  # most queries are one and the same
        words = [_undisguised(word) for word in re.split(r"[\s,;:/]+", text)]
        if banned := _first_banned([word for word in words if word], lexicon):
            return banned
    return None


def _first_banned(words: Sequence[str], lexicon: _Lexicon) -> str | None:
    start = 0
    while start < len(words):
        phrases = [" ".join(words[start : start + length]) for length in range(lexicon.longest, 0, -1)]
        if harmless := next((phrase for phrase in phrases if phrase in lexicon.harmless), None):
            start += harmless.count(" ") + 1
            continue
        if banned := next((phrase for phrase in reversed(phrases) if phrase in lexicon.banned), None):
            return banned
        start += 1
    return None


def _undisguised(word: str) -> str:
    """Letters behind digits and signs, where letters are the greater part: ``sh1t``, but not the phone ``a55``."""
    inner = word.strip("\"'“”‘’.,;:!¡?¿()[]{}<>*-_#")
    letters = sum(character.isalpha() for character in inner)
    if letters * 2 > len(inner):
        inner = inner.translate(_DISGUISES)
    return re.sub(r"[^\w]|_", "", inner)


@cache
def _lexicon(language: str) -> _Lexicon:
    settings = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    words, allowed = set(_packaged_words()), set(settings["allowed"])
    if language != "en":
        words = {word for word in words if any(part in word for part in settings["known_everywhere"])}
        allowed |= set(settings["allowed_in"].get(language, ()))
    words = words - allowed | set(settings["banned"].get(language, ()))
    phrases = {" ".join(filter(None, map(_undisguised, re.split(r"[\s\-]+", word)))) for word in words}
    phrases |= {_undisguised(word) for word in words if " " not in word}
    banned = frozenset(phrase for phrase in phrases if len(phrase) > 1) - {_undisguised(word) for word in allowed}
    harmless = set(settings["harmless"])
    return _Lexicon(banned, frozenset(harmless | {f"{phrase}s" for phrase in harmless}))


def _packaged_words() -> list[str]:
    spec = find_spec("better_profanity")
    if spec is None or spec.origin is None:
        raise MachineError("the safety check needs the word list of better-profanity; install the package.")
    lines = Path(spec.origin).with_name("profanity_wordlist.txt").read_text(encoding="utf-8").lower().splitlines()
    return [line.strip() for line in lines if line.strip()]


def _reasons(texts: Sequence[Said]) -> list[str | None]:
    return [EXPLICIT if explicit_words(said.raw, locale=said.locale) else None for said in texts]


SAFETY = Check(stage="safety", reasons=_reasons)
