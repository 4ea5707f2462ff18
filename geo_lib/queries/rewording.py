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
from geo_lib.queries.rewording_lists import COLOUR, NUMBER, PERSON, Word, lists_of, stem
from geo_lib.queries.slips import are_words, is_slip
from geo_lib.queries.text import origin_words

_DENIED, _FROM = "not", "from"
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
    guarded: dict[str, set[str]] = {kind: set() for kind in (NUMBER, COLOUR, PERSON, _FROM, _DENIED)}
    said: list[Word] = []
    denies = comes_from = False
    for word in lists.words(text):
        if word.typed in origin_words(lists.language):
            comes_from = True
            continue
        if word.written in lists.before:
            denies = True
        elif said and lists.denies_before(word, said[-1]):
            guarded[_DENIED].add(said.pop().stem)
        elif denies:
            denies = False
            guarded[_DENIED].add(word.stem)
        elif (denied := lists.denied(word)) is not None:
            guarded[_DENIED].add(denied)
        elif (kind := lists.kinds.get(word.stem)) is not None:
            guarded[_FROM if kind == PERSON and comes_from else kind].add(word.stem)
        elif word.stem not in lists.listed and (number := _number(word.written)) is not None:
            guarded[NUMBER].add(number)
        else:
            said.append(word)
        comes_from = comes_from and word.stem in lists.fillers  # from my dad
    guard = "; ".join(f"{kind} {', '.join(sorted(found))}" for kind, found in guarded.items() if found)
    telling = tuple(word for word in said if word.stem not in lists.fillers)
    return Meaning(lists.language, guard, telling if telling or guard else tuple(said))


def is_rewording(one: Meaning, other: Meaning, *, common: Collection[str] = ()) -> bool:
    """Whether the two differ in nothing that tells them apart. Symmetric.

    ``common``: stems of words that many queries have; no two of them are spellings of one word.
    """
    if (one.language, one.guard) != (other.language, other.guard):
        return False
    left, right = one.said, other.said
    if len(left) != len(right):
        left, right = _whole(left, right, one.language), _whole(right, left, one.language)
    shared = {word.stem for word in left} & {word.stem for word in right}
    left, right = (tuple(word for word in side if word.stem not in shared) for side in (left, right))
    if not left or not right:
        return left == right
    return _stem_of(left) == _stem_of(right) or _are_misspelt(left, right, common, one.language)


def _whole(said: Sequence[Word], there: Sequence[Word], language: str) -> tuple[Word, ...]:
    """The words, two as one where the other query has them as one: eye shadow, where it says eyeshadow."""
    found: list[Word] = []
    for word in said:
        if found and any(other.written.startswith(found[-1].written) for other in there):
            glued = _glued((found[-1], word))
            glued = glued._replace(stem=stem(glued.typed, language))
            if any(glued.stem == other.stem for other in there):
                found[-1] = glued
                continue
        found.append(word)
    return tuple(found)


def _glued(said: Sequence[Word]) -> Word:
    return Word(_stem_of(said), "".join(word.written for word in said), "".join(word.typed for word in said))


def _stem_of(said: Sequence[Word]) -> str:
    """That of the words written as one."""
    return "".join([word.written for word in said[:-1]]) + said[-1].stem


def _are_misspelt(left: Sequence[Word], right: Sequence[Word], common: Collection[str], language: str) -> bool:
    """Whether the words of both sides are pairs of spellings, in whatever order; or the whole of them is one."""
    if len(left) != len(right):
        return left[0].written[0] == right[0].written[0] and _is_slip(_glued(left), _glued(right), language)
    if len(left) > _MOST_EXCHANGED:
        return False
    return any(
        all(
            _is_slip(a, b, language) and not (a.stem in common and b.stem in common)
            for a, b in zip(left, order, strict=True)
        )
        for order in permutations(right)
    )


def _is_slip(one: Word, other: Word, language: str) -> bool:
    is_near = is_slip(one.stem, other.stem) or is_slip(one.written, other.written)
    return is_near and not are_words(one.typed, other.typed, language=language)


def _number(written: str) -> str | None:
    """``30th`` and ``30.`` are 30, ``1980s`` and ``80er`` are ``80s``; null for what has no digit."""
    if not any(map(str.isdigit, written)):
        return None
    if (found := _NUMBER.fullmatch(written)) is None:
        return written
    return f"{found[1]}s" if found[1] else found[2]
