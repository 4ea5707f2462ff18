"""Texts that no page of pictures could answer, told by what they are made of; questions are stopped by lists."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

_WORD = re.compile(r"[^\W_]+")
_ADDRESS = re.compile(
    r"https?:|\bwww\.\w|\S@\S+\.\w"
    r"|(?<![\w.])[\w\-]+\.(?:at|ch|co\.uk|com|de|edu|eu|fr|gov|info|io|net|org|shop|tv)(?!\w)"
)
_ENDINGS = "avif|bmp|docx?|gif|heic|jpe?g|mov|mp[34]|pdf|png|pptx?|svg|tiff?|txt|webp|xlsx?|zip"
_FILE = re.compile(
    rf"\.(?:{_ENDINGS})$"
    r"|^(?:bild|bildschirmfoto|dscn?|foto|image|img|photo|picture|pxl|scan|screen ?shot|untitled|vid|video)"
    rf"[\s_\-]*\(?\d[\d\s_\-.:()]*(?:(?:at|um) \d[\d.: ]*)?(?:{_ENDINGS})?$"
)
_OF_ALL_GENDERS = re.compile(r"(?<=\w)[*:/_(]in(?:nen)?\b\)?")
"""What German writes for women and men in one: arzt:in."""
_NUMBER = re.compile(r"\d+(?:st|nd|rd|th|er|te|ten)?")
_KEYS = ("qwertyuiop", "qwertzuiopü", "asdfghjklöä", "zxcvbnm", "yxcvbnm")
_RUN = 3
"""Keys side by side from which a word looks like a hand on a keyboard."""
_RUNS = frozenset(
    keys[start : start + _RUN] for row in _KEYS for keys in (row, row[::-1]) for start in range(len(row) - _RUN + 1)
)
_MASHED = 0.7
"""The share of such letters from which a word is one: of property and liberty, four stand side by side."""
_SHORT = 6
"""Letters below which all are: of tree, three stand side by side."""
_AGAIN = re.compile(r"(.)\1{2,}|(?:([a-z]{2})\2{2,}\w?)|b?(?:a*(?:ha){2,}h?|(?:ja){3,}|(?:xa){3,})")
_VOICELESS = re.compile(r"[bcdfghjklmnpqrstvwxz]{6,}")


@dataclass(frozen=True, slots=True)
class Wordings:
    """Words of a language as its list groups them."""

    filler: frozenset[str]
    """A text of nothing but these says nothing."""
    alone: frozenset[str]
    """Says nothing by itself."""
    enough: frozenset[str]
    """Says something, whatever it is made of."""
    ends: frozenset[str]
    """What ends so is a piece of a text, and no text either."""
    takes: frozenset[str]
    """Words that such an end belongs to: walk in, made of."""
    months: frozenset[str]
    """What makes a date of numbers."""

    @classmethod
    def of(cls, groups: Mapping[str, Sequence[str]]) -> "Wordings":
        return cls(**{field.name: frozenset(groups[field.name]) for field in fields(cls)})

    def without_intent(self, text: str) -> str | None:
        """What a text in lower case is instead of a query; null where it may be one."""
        if _ADDRESS.search(text):
            return "an address"
        if _FILE.search(text):
            return "a file"
        words = _WORD.findall(_OF_ALL_GENDERS.sub("", text))
        said = " ".join(words)
        if not words or said in self.enough:
            return None
        if all(map(self._is_of_a_date, words)) and any(map(_NUMBER.fullmatch, words)):
            return "a number"
        if said in self.alone or (len(said) == 1 and said.isascii()) or all(map(self._says_nothing, words)):
            return "nothing said"
        is_piece = words[-1] in self.ends and self.takes.isdisjoint(words[:-1])
        return "a piece" if is_piece else None

    def _is_of_a_date(self, word: str) -> bool:
        return word in self.months or _NUMBER.fullmatch(word) is not None

    def _says_nothing(self, word: str) -> bool:
        return word in self.filler or word in self.ends or _NUMBER.fullmatch(word) is not None or is_mashed(word)


def is_mashed(word: str) -> bool:
    """Whether it looks typed for the sake of typing: asdfgh, aaaa, hahaha, sdkfjh."""
    if _AGAIN.fullmatch(word) or _VOICELESS.fullmatch(word):
        return True
    return len(_beside_each_other(word)) >= (_MASHED if len(word) >= _SHORT else 1) * max(len(word), _RUN + 1)


def _beside_each_other(word: str) -> set[int]:
    starts = (start for start in range(len(word) - _RUN + 1) if word[start : start + _RUN] in _RUNS)
    return {place for start in starts for place in range(start, start + _RUN)}
