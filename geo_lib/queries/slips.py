"""Whether a word is another one misspelt. Pure."""

import re
from collections.abc import Iterator

from geo_lib.queries.frequency import is_listed, zipf
from geo_lib.queries.text import WITHOUT_UMLAUTS, same_words_key

_SHORTEST, _LONG = 5, 8
"""Letters from which on a word may have one slip, and two."""
_ALIKE = ("aeiouy", "ckqsxz", "dt", "bp", "fvw", "gj", "mn")
"""Letters that are taken for each other; skirt and shirt are no two spellings of one word."""
_SHORTEST_PART = 3
"""Letters of a word that a longer one is made of."""
_SELDOM = 1.0
"""Powers of ten by which what is misspelt is at least rarer than the word itself: rhythmus 4.0, rythmus 2.5."""
_USUAL = 3.05
"""How common, on Zipf's scale, hardly a misspelling is: vorraussetzung has 2.6, kirsche 3.2."""
_SPELLINGS = {
    "en": (
        (r"our(?=$|ed|ing|ful|ite|s|y)", "or"), (r"is(?=e|ing|ation)", "iz"), ("re$", "er"), ("ce$", "se"),
        ("(?<=[aeiou][^aeiou][aeiou])ll", "l"), ("ey$", "y"), ("ae", "e"), ("ogue$", "og"), ("arte(?=f)", "arti"),
    ),
    "de": (("t(?=ial|iell)", "z"), ("ph", "f"), ("ey", "y"), ("ts(?=kranz)", "t")),
}  # fmt: skip
"""What is written in two ways, both of them right: flavour and flavor, potential and potenzial."""


def is_slip(word: str, other: str) -> bool:
    """Whether one is the other with a letter doubled, dropped, swapped with the next or taken for one like it: one such
    slip from five letters on, two from eight. The first letter is right, and there is no digit."""
    shorter = min(len(word), len(other))
    # umlauts stand where they tell alone (``rewording_lists.folded``): küchendeko is no kuchendeko
    if word != other and word.translate(WITHOUT_UMLAUTS) == other.translate(WITHOUT_UMLAUTS):
        return False
    if shorter < _SHORTEST or word[0] != other[0] or abs(len(word) - len(other)) > 2 or not (word + other).isalpha():
        return False
    return _slips(word.translate(WITHOUT_UMLAUTS), other.translate(WITHOUT_UMLAUTS)) <= (1 if shorter < _LONG else 2)


def are_words(word: str, other: str, *, language: str) -> bool:
    """Whether people write either for itself, as hochbett and hochbeet or place and palace, and they are no two
    spellings of one. False where no list tells.

    Of words that are both seldom their parts tell: garten of gartentor and gartentorte, and tor and torte.
    """
    if not is_listed(language) or _spelled(word, language) == _spelled(other, language):
        return False
    rarer, commoner = sorted((zipf(word, language), zipf(other, language)))
    if rarer >= _USUAL or (rarer > 0 and commoner - rarer < _SELDOM):
        return True
    return commoner < _USUAL and any(
        same_words_key(one, locale=language) != same_words_key(two, locale=language)
        and all(is_usual(part, language) for part in (shared, one, two))
        for shared, one, two in _parts(word, other)
    )


def _parts(word: str, other: str) -> Iterator[tuple[str, str, str]]:
    """What two words may begin or end with in common, and what is left of them."""
    for n in range(_SHORTEST_PART, min(len(word), len(other)) - _SHORTEST_PART + 1):
        if word[:n] == other[:n]:
            yield word[:n], word[n:], other[n:]
        if word[-n:] == other[-n:]:
            yield word[-n:], word[:-n], other[:-n]


def is_usual(word: str, language: str) -> bool:
    """Whether people write it too often for a slip. False where no list tells."""
    return is_listed(language) and zipf(word, language) >= _USUAL


def _spelled(word: str, language: str) -> str:
    for pattern, one in _SPELLINGS.get(language, ()):
        word = re.sub(pattern, one, word)
    return word


def _slips(word: str, other: str) -> int:
    """Edit distance with swaps of neighbours (optimal string alignment); a letter taken for one unlike it costs two."""
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(word, start=1):
        row = [i]
        for j, b in enumerate(other, start=1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + _cost(a, b))
            if i > 1 and j > 1 and a == other[j - 2] and b == word[i - 2]:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


def _cost(a: str, b: str) -> int:
    if a == b:
        return 0
    return 1 if any(a in letters and b in letters for letters in _ALIKE) else 2
