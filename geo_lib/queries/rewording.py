"""Whether two queries of a locale may be one in other words: what must be equal in both, and what may differ. Pure.

No encoder tells a red armchair from a pink one, or three guests from thirty. So numbers, colours, people and what is
denied are read from the words and must agree; and what else differs must be something that people do exchange: words
that add nothing, spellings, two words written as one, a slip of the keyboard, or words that a list calls the same.
"""

import re
from collections.abc import Collection, Sequence
from itertools import permutations
from typing import NamedTuple

from geo_lib.locales import language_of
from geo_lib.queries.rewording_lists import COLOUR, NUMBER, PERSON, Word, lists_of
from geo_lib.queries.slips import are_words, is_slip

_DENIED = "not"
_MOST_EXCHANGED = 3
"""Words of one query that may be misspelt in the other."""
_NUMBER = re.compile(r"(?:19)?([2-9]0)(?:s|er)|(\d+)(?:st|nd|rd|th|er|te|ten|\.)?")


class Meaning(NamedTuple):
    """What a query says, for comparison."""

    language: str
    guard: str
    """Its numbers, colours, people and what it denies: equal for queries that may be one."""
    said: tuple[Word, ...]
    """The rest that tells something, in its order."""


def meaning(text: str, *, locale: str) -> Meaning:
    """What a normalised query says; in a language without lists only numbers are told from other words."""
    lists = lists_of(language_of(locale))
    guarded: dict[str, set[str]] = {kind: set() for kind in (NUMBER, COLOUR, PERSON, _DENIED)}
    said: list[Word] = []
    denies = False
    for word in lists.words(text):
        if word.written in lists.before:
            denies = True
        elif said and lists.denies_before(word.written, said[-1].written):
            guarded[_DENIED].add(said.pop().stem)
        elif denies:
            denies = False
            guarded[_DENIED].add(word.stem)
        elif (denied := lists.denied(word)) is not None:
            guarded[_DENIED].add(denied)
        elif (kind := lists.kinds.get(word.stem)) is not None:
            guarded[kind].add(word.stem)
        elif word.stem not in lists.listed and (number := _number(word.written)) is not None:
            guarded[NUMBER].add(number)
        else:
            said.append(word)
    guard = "; ".join(f"{kind} {', '.join(sorted(found))}" for kind, found in guarded.items() if found)
    telling = tuple(word for word in said if word.stem not in lists.fillers)
    return Meaning(lists.language, guard, telling if telling or guard else tuple(said))


def is_rewording(one: Meaning, other: Meaning, *, common: Collection[str] = ()) -> bool:
    """Whether the two differ in nothing that tells them apart. Symmetric.

    ``common``: stems of words that many queries have; no two of them are spellings of one word.
    """
    if one.guard != other.guard:
        return False
    shared = {word.stem for word in one.said} & {word.stem for word in other.said}
    left, right = ([word for word in it.said if word.stem not in shared] for it in (one, other))
    if not left or not right:
        return left == right
    return _glued(left) == _glued(right) or _are_misspelt(left, right, common, one.language)


def _glued(said: Sequence[Word]) -> str:
    return "".join(word.written for word in said[:-1]) + said[-1].stem


def _are_misspelt(left: Sequence[Word], right: Sequence[Word], common: Collection[str], language: str) -> bool:
    """Whether the words of both sides are pairs of spellings, in whatever order; or the whole of them is one."""
    if len(left) != len(right):
        return is_slip(_glued(left), _glued(right))
    if len(left) > _MOST_EXCHANGED:
        return False
    return any(
        all(
            (is_slip(a.stem, b.stem) or is_slip(a.written, b.written))
            and not (a.stem in common and b.stem in common)
            and not are_words(a.written, b.written, language=language)
            for a, b in zip(left, order, strict=True)
        )
        for order in permutations(right)
    )


def _number(written: str) -> str | None:
    """``30th`` and ``30.`` are 30, ``1980s`` and ``80er`` are ``80s``; null for what has no digit."""
    if not any(map(str.isdigit, written)):
        return None
    if (found := _NUMBER.fullmatch(written)) is None:
        return written
    return f"{found[1]}s" if found[1] else found[2]
