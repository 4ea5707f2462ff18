"""What the words of a text may be read as when letters hide: behind signs, in other alphabets, repeated or apart. Pure.

A word has several readings, and nobody has to decide which of them was meant: whoever looks for a word tries all.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

_LOOKALIKES = str.maketrans(
    dict(zip("авсԁеёғһіїјкӏмпорԛгѕтуԝхьꙅ", "abcdeefhiijklmnopqrstywxbs", strict=True))  # Cyrillic
    | dict(zip("αάβγδεέηήικλμνοόρςστυύχω", "aabydeennikluvoopsstuuxw", strict=True))  # Greek
    | dict(zip("օսոհցզքտյ", "ounhgqpsj", strict=True))  # Armenian
    | dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz", strict=True))  # small capitals
    | dict(zip("ıłøđðƒɑɡŧɩʃ×", "ilodofagtisx", strict=True))
    | {"æ": "ae", "œ": "oe", "ß": "ss", "þ": "th"}
)
"""Letters that are taken for Latin ones, after Unicode's table of confusables (UTS 39), and those that NFKC leaves."""
_FRAMED = {
    first + place: chr(ord("a") + place) for first in (0x1F150, 0x1F170, 0x1F1E6, 0x1F130) for place in range(26)
}
"""Letters in circles, squares and flags."""
_SIGNS = str.maketrans("013456789@$!|€£", "oieasgtbgasiiel")
"""What stands for a letter; a one for an l as well."""
_AS_L = str.maketrans("1!|", "lll")
_EMPHASIS = "\"'“”„‘’«»()[]{}<>.,;:?¿¡…-_~`#+"
_BETWEEN = re.compile(r"[^\w@$!|€£]|_")
"""What may stand between two words that are written as one; not what may stand for a letter."""
_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]+")
"""Signs without width."""
_SPELLED_OUT = re.compile(r"(?<!\w)(?:\w[.\-_*\s]){2,}\w(?!\w)")
_POSSESSIVE = re.compile("['’`´]s$")
_HIDING = re.compile(r"[*•×#\-_.@!%+^~?'’\u0370-\u058f]")
"""Signs that may hide a letter, and the letters (Greek, Cyrillic, Armenian) that stand for Latin ones."""
_LATIN = re.compile("[a-z]")
_NO_LETTER = re.compile(r"[\W_]")
_RUN = re.compile(r"(.)\1{2,}")
_TO_SQUEEZE = re.compile(r"(.)\1\1|aa|ii|uu")
_SQUEEZED = re.compile(r"(.)\1+")
_VOWELS = frozenset("aeiouyäöü")
ANY, VOWEL = "*", "_"
"""In a mask: a letter that is not told, and one that can only be a vowel."""


class Word(NamedTuple):
    """One word of a text and what it may be read as."""

    text: str
    """As written, in lower case."""
    readings: tuple[str, ...]
    squeezed: str = ""
    """Each letter once, where letters are repeated in a way that no word has them; else empty."""
    mask: str = ""
    """Letters, ``ANY`` and ``VOWEL``, where signs hide letters: ``f*ck``; else empty."""


def may_be_squeezed(text: str) -> bool:
    """Whether letters are repeated in a way that hardly a word has them."""
    return _TO_SQUEEZE.search(text) is not None


def squeezed(text: str) -> str:
    """Every letter that is repeated, once: ``fuuuck`` and ``shiit``, and ``ass`` as ``as``."""
    return _SQUEEZED.sub(r"\1", text)


def plain(text: str) -> str:
    """Letters without accents and strokes: how people write who have no such key."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in apart if unicodedata.category(letter) != "Mn").translate(_LOOKALIKES)


def chunks(raw: str) -> list[str]:
    """The parts of a text between spaces, in lower case; a word that was spelled out letter by letter is one part."""
    text = raw if raw.isascii() else _visible(raw)
    text = _SPELLED_OUT.sub(lambda letters: _NO_LETTER.sub("", letters[0]), text.lower())
    return text.split()


def _visible(raw: str) -> str:
    """One form per character, and none without width."""
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", raw.translate(_FRAMED)))


@lru_cache(maxsize=100_000)
def words_of(chunk: str) -> tuple[Word, ...]:
    """The words of a chunk, in order: several where signs stand between them. The first may be read as all of them."""
    if chunk.isalpha():
        return (_word(chunk, mask=_mask(chunk)),)
    inner = _inner(chunk)
    parts = [part for part in _BETWEEN.split(inner) if part.strip("@$!|€£")]
    if not parts:
        return ()
    parts[-1] = parts[-1].rstrip("!")
    mask = _mask(inner)
    if len(parts) == 1:
        return (_word(parts[0], mask=mask),)
    whole = _word("".join(parts), mask=mask)
    first = _word(parts[0])
    joined = Word(first.text, (*first.readings, *whole.readings), whole.squeezed, whole.mask)
    return (joined, *map(_word, parts[1:]))


def is_fragment(text: str) -> bool:
    """Whether it looks like a piece of a word that was cut in two: a few letters and no vowel among them."""
    return len(text) <= 3 and text.isalpha() and _VOWELS.isdisjoint(text)


def _inner(chunk: str) -> str:
    """The chunk without what stands around it; stars at its end stay, unless there are some before it as well."""
    inner = chunk.strip(_EMPHASIS + "*") if chunk.lstrip(_EMPHASIS).startswith("*") else chunk.strip(_EMPHASIS)
    return _POSSESSIVE.sub("", inner)


def _word(text: str, *, mask: str = "") -> Word:
    if not mask and text.isascii() and text.isalpha() and not _TO_SQUEEZE.search(text):
        return Word(text, (text,))
    readings = [text]
    if not text.isascii():
        readings.append(plain(text))
    hidden = readings[-1]
    digits = sum(letter.isdigit() for letter in hidden)
    if not hidden.isalpha() and len(hidden) - digits >= max(2, digits):
        # not the phone a55, and not 3d: where digits stand for letters, two of them are letters, and most
        readings += [hidden.translate(_SIGNS), hidden.translate(_AS_L).translate(_SIGNS)]
    readings += [_RUN.sub(r"\1\1", reading) for reading in readings if _RUN.search(reading)]
    seen = tuple(dict.fromkeys(_NO_LETTER.sub("", reading) for reading in readings))
    most = next((reading for reading in reversed(seen) if _TO_SQUEEZE.search(reading)), "")
    repeated = most or (text if _TO_SQUEEZE.search(text) else "")
    return Word(text, seen, squeezed(repeated), mask)


def _mask(inner: str) -> str:
    """The letters of a chunk and, for signs within it or letters of another script, what they may hide; else empty."""
    if not _HIDING.search(inner) or not _LATIN.search(inner):
        return ""
    letters = "".join(map(_masked, inner))
    hidden = letters.count(ANY) + letters.count(VOWEL)
    # what nobody can tell has at least its first letter; more strangers than letters are a word of their own
    is_hiding = hidden and len(letters) > 2 and letters[0] not in (ANY, VOWEL)
    return letters if is_hiding and (inner.isascii() or 2 * hidden <= len(letters)) else ""


def _masked(sign: str) -> str:
    if sign in "*•×#":
        return ANY
    if sign in "-_.@!%+^~?'’":
        return VOWEL
    if sign.isascii():
        return sign
    # an accent is of its own script; a stranger without a likeness, or with two, may be there for any letter
    letter = unicodedata.normalize("NFD", sign)[0]
    if letter != "у" and ord(letter) in _LOOKALIKES:
        return letter.translate(_LOOKALIKES)
    return ANY if unicodedata.name(letter, "").startswith(("CYRILLIC", "GREEK", "ARMENIAN")) else letter
