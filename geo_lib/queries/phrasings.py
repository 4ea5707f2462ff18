"""How a query is phrased, its subject aside: what stays of it when the words are taken out that others exchange.

``how to style a vase in a loft`` and ``how to style sofas for the bedroom`` are one phrasing. A model of queries that
was trained on some phrasings is to be measured by others: of one that it has seen it may know the words by heart.
"""

from collections import Counter
from collections.abc import Sequence

from geo_lib.locales import language_of
from geo_lib.queries.text import joining_words, same_words_key, words

SUBJECT = "_"
_EXCHANGED = 3
"""Words that take one place, all else equal, before they count as exchanged for each other."""
_SHARE = 0.2
"""Share of a word's places that it must be exchanged in before it is a subject's word everywhere."""

_Frame = tuple[str, tuple[str, ...], tuple[str, ...]]
"""Language, and the words before and after a place."""


def phrasings(queries: Sequence[tuple[str, str]]) -> list[str]:
    """The phrasing of each (locale, normalised query) among the others: its language and the stems of words that nobody
    exchanges, in order, each subject between them as one ``_``.

    Words that only join others are no part of it. Names of two words count where single words take their place, too
    (``sage green`` beside ``red``).
    """
    split = [(language_of(locale), _stems(text, language_of(locale))) for locale, text in queries]
    subject_words = _subject_words(sorted(set(split)))
    return [f"{language} {_phrasing(said, language, subject_words)}" for language, said in split]


def _stems(text: str, language: str) -> tuple[str, ...]:
    """Words without the endings that only bend them, in order: how a vase is red is no phrasing (roter, rotes)."""
    return tuple(same_words_key(word, locale=language) for word in words(text))


def _subject_words(split: Sequence[tuple[str, tuple[str, ...]]]) -> frozenset[tuple[str, str]]:
    fillers = Counter(_frame(language, said, at, 1) for language, said in split for at in range(len(said)))
    seen: Counter[tuple[str, str]] = Counter()
    exchanged: Counter[tuple[str, str]] = Counter()
    for language, said in split:
        places = {
            place
            for length in (1, 2)
            for at in range(len(said) - length + 1)
            if fillers[_frame(language, said, at, length)] >= _EXCHANGED
            for place in range(at, at + length)
        }
        seen.update((language, word) for word in said)
        exchanged.update((language, said[place]) for place in places)
    return frozenset(word for word, n in seen.items() if exchanged[word] >= _SHARE * n)


def _frame(language: str, said: tuple[str, ...], at: int, length: int) -> _Frame:
    return language, said[:at], said[at + length :]


def _phrasing(said: tuple[str, ...], language: str, subject_words: frozenset[tuple[str, str]]) -> str:
    kept: list[str] = []
    for word in said:
        if word in joining_words(language):
            continue  # a sofa, an armchair; zum Fest, zur Feier: their subjects choose them
        shown = SUBJECT if (language, word) in subject_words else word
        if shown != SUBJECT or kept[-1:] != [SUBJECT]:
            kept.append(shown)
    return " ".join(kept)
