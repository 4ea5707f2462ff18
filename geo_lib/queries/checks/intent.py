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
_KEYS = (
    *("qwertyuiop", "qwertzuiopü", "asdfghjklöä", "zxcvbnm", "yxcvbnm"),
    *("azertyuiop", "qsdfghjklm", "wxcvbn", "aoeuidhtns"),
)
"""What lies in a row on English, German, French and Dvorak keyboards."""
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
_NEVER_FOLLOWS = re.compile(
    r"(?=q[^u]|j[bcdfghjklmnpqrstvwxz]|[cfgkpqvwz]x|x[dgjkqvz]|v[bcdfghjkmpqtwxz]|[bcdfghkmpvwxz]q|[bcdfghkpvwxz]j"
    r"|f[vx]|g[xz]|h[xv]|[bdms]x)"
)
"""Letters of which no word has such a pair twice."""
_CODE = re.compile(
    r"(?=.{5,}$)(?:[a-z]+\d+){2,}[a-z]*|(?=.{5,}$)(?:\d+[a-z]+){2,}\d*|(?=\w*\d)(?=\w*[a-f])[\da-f]{6,}"
    r"|[a-z]{3,}\d{4,}|\d{3,}[a-z]{2,}\d*|\d{4,}[a-rt-z]|v\d+"
)
"""Letters and digits in turns, as serials and colours have them; b52, f150, mx5 and 501er are looked for."""
_SIZE = re.compile(
    r"\d+(?:x\d+){1,2}(?:cm|ft|in|inch|m|mm|px|qm)?"
    r"|\d+(?:cm|er|ft|in|inch|kg|lbs?|m|m2|ml|mm|oz|pcs|px|qm|sqft|sqm|teilig|zoll)"
)
_SPELT = re.compile(r"[a-zäöü\d](?: [a-zäöü\d])+")
_COUNTED = re.compile(r"\d+[a-z]")
"""12x 4y 7z; one alone is a size or a decade."""


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
    marks: frozenset[str]
    """What makes a number of a thing of numbers and single letters: a unit, a colour, a version."""
    same: re.Pattern[str]
    """A thing that is said to be itself: a chair that is a chair."""

    @classmethod
    def of(cls, groups: Mapping[str, Sequence[str]]) -> "Wordings":
        """``same``: the words that say what a thing is."""
        names = [field.name for field in fields(cls) if field.name != "same"]
        says = "|".join(groups["same"])
        same = re.compile(rf"\b(?P<thing>[^\W\d]{{3,}})s? (?:{says}) (?:\w+ ){{0,3}}(?P=thing)\w?\w?\b")
        return cls(**{name: frozenset(groups[name]) for name in names}, same=same)

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
        if any(map(_is_number, words)) and all(map(self._is_of_a_number, words)):
            return "a number"
        if len(words) > 1 and all(len(word) == 1 or _COUNTED.fullmatch(word) for word in words):
            return "letters"
        if self.same.search(said):
            return "itself"
        if said in self.alone or (len(said) == 1 and said.isascii()) or all(map(self._says_nothing, words)):
            return "nothing said"
        is_piece = words[-1] in self.ends and self.takes.isdisjoint(words[:-1])
        return "a piece" if is_piece else None

    def of_letters(self, text: str) -> str | None:
        """The same for letters in a row, each by itself, in a text as it was written: read as words, they are one."""
        said = " ".join(_WORD.findall(text))
        return "letters" if _SPELT.fullmatch(said) and said not in self.enough else None

    def _is_of_a_number(self, word: str) -> bool:
        return word in self.months or word in self.marks or _is_number(word)

    def _says_nothing(self, word: str) -> bool:
        return word in self.filler or word in self.ends or _is_number(word) or is_mashed(word)


def _is_number(word: str) -> bool:
    return _NUMBER.fullmatch(word) is not None or is_code(word)


def is_code(word: str) -> bool:
    """Whether it looks like a serial, a colour in hex or a version: b07xj8c8f5, ff00aa, v2."""
    return _CODE.fullmatch(word) is not None and _SIZE.fullmatch(word) is None


def is_mashed(word: str) -> bool:
    """Whether it looks typed for the sake of typing: asdfgh, aaaa, hahaha, sdkfjh."""
    if _AGAIN.fullmatch(word) or _VOICELESS.fullmatch(word) or sum(1 for _ in _NEVER_FOLLOWS.finditer(word)) > 1:
        return True
    return len(_beside_each_other(word)) >= (_MASHED if len(word) >= _SHORT else 1) * max(len(word), _RUN + 1)


def _beside_each_other(word: str) -> set[int]:
    starts = (start for start in range(len(word) - _RUN + 1) if word[start : start + _RUN] in _RUNS)
    return {place for start in starts for place in range(start, start + _RUN)}
