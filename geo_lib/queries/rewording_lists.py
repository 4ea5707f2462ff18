"""The words of a text as the lists of its language read them: what people exchange for each other is one word. Pure.

A list is YAML, ``lexicon/rewordings/<language>.yml``; its words stand for their inflections, too.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from geo_lib.queries.frequency import zipf
from geo_lib.queries.slips import are_words, is_slip, is_usual
from geo_lib.queries.text import own_umlauts, same_words_key, telling_words, with_umlauts

NUMBER, COLOUR, PERSON = "number", "colour", "person"
_FOLDER = Path(__file__).with_name("lexicon") / "rewordings"
_MOST_WORDS = 4
"""Of a phrase in the lists."""
_SHORTEST = 3
"""Letters that a person and the rest have in a word of both, as in ``damenhut``; and what an ending denies."""
_LONG = 7
"""Letters from which a word is read as the one of the lists that it misspells: feather is not father."""
_LOAN_PLURAL = re.compile("(?<=...[aiopy])s$")


class Word(NamedTuple):
    """A word of a query."""

    stem: str
    """Or that of the word that it is read as."""
    written: str
    """Without accents (``folded``)."""
    typed: str


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """The lists of one language, words as ``Word.stem`` has them."""

    language: str
    read_as: Mapping[tuple[str, ...], str]
    """Words in a row to the one that they are read as."""
    listed: Collection[str]
    """What words are read as."""
    long: Mapping[str, Sequence[Word]]
    """Long words of the lists by their first letter."""
    kinds: Mapping[str, str]
    """Numbers, colours and people to what they are."""
    people: Mapping[str, str]
    """How a person is written, alone or at the beginning of a longer word, to what it is read as: lehrerin and lehrer
    have one stem."""
    before: Collection[str]
    """Words, as written, that deny the next one: nicht and nichte have one stem;"""
    after: Collection[str]
    """those that deny the one before,"""
    after_in_use: Collection[str]
    """those that do if the two are in use as one word,"""
    endings: tuple[str, ...]
    """and endings that deny what they end."""
    fillers: Collection[str]
    """Words that add nothing,"""
    filler_endings: tuple[str, ...]
    """and what long words end in that adds nothing: geschenkideen."""

    def words(self, text: str) -> list[Word]:
        """The words of a normalised text, without those that only join others.

        A phrase of the lists is one word, and so is a word that was cut in two (step dad); one that begins with a
        person is two.
        """
        written = [word.removesuffix("'s") for word in telling_words(text, self.language)]
        stems = [stem(word, self.language) for word in written]
        found: list[Word] = []
        at = 0
        while at < len(written):
            for length in range(min(_MOST_WORDS, len(written) - at), 1, -1):
                glued = "".join(written[at : at + length])
                read = self.read_as.get(tuple(stems[at : at + length]))
                read = read or self.read_as.get((stem(glued, self.language),))
                if read is not None:
                    found.append(Word(read, folded(glued, self.language), glued))
                    break
            else:
                length = 1
                found += self._split(self.word(written[at]))
            at += length
        return found

    def word(self, written: str) -> Word:
        """A single word, misspelt or not."""
        plain, own = folded(written, self.language), stem(written, self.language)
        read = self.people.get(plain) or self.read_as.get((own,)) or self._corrected(plain, written)
        return Word(read or own, plain, written)

    def denies_before(self, word: Word, before: Word) -> bool:
        """Whether a word denies the one before it: zucker frei; gluten freie pizza, since glutenfreie is a word in use,
        and not hochzeit freie trauung. Of what is in use too seldom for a list nobody can tell: lupinen freie."""
        if word.written in self.after:
            return True
        return word.written in self.after_in_use and zipf(before.typed + word.typed, self.language) > 0

    def denied(self, word: Word) -> str | None:
        """What a word with such an ending denies (sugarfree); null for other words and those of the lists."""
        if word.stem in self.listed:
            return None
        for ending in self.endings:
            for said in (word.written, word.stem):
                if said.endswith(ending) and len(said) >= len(ending) + _SHORTEST:
                    return self.word(said.removesuffix(ending)).stem
        return None

    def _split(self, word: Word) -> list[Word]:
        if word.stem not in self.listed:
            for ending in self.filler_endings:
                said = word.typed.removesuffix(ending)
                if said != word.typed and len(said) >= _SHORTEST:
                    joined_by_s = said.endswith("s") and not is_usual(said, self.language)  # einrichtung-s-ideen
                    return self._split(self.word(said[:-1] if joined_by_s else said))
            for end in range(len(word.written) - _SHORTEST, _SHORTEST - 1, -1):
                person = self.people.get(word.written[:end])
                if person is not None and (self.language != "en" or is_usual(word.written[end:], "en")):  # broccoli
                    return [Word(person, word.written[:end], word.written[:end]), self.word(word.written[end:])]
        return [word]

    def _corrected(self, plain: str, typed: str) -> str | None:
        return _corrected(self, plain, typed) if len(plain) >= _LONG else None


@lru_cache(maxsize=100_000)
def _corrected(lists: Lists, plain: str, typed: str) -> str | None:
    """What a word of the lists is read as that this one misspells; null where there is none."""
    if is_usual(typed, lists.language):
        return None
    for listed in lists.long.get(plain[0], ()):
        if is_slip(plain, listed.written) and not are_words(typed, listed.typed, language=lists.language):
            return listed.stem
    return None


@cache
def lists_of(language: str) -> Lists:
    """The lists of a language (ISO 639-1); empty ones where nobody has written any."""
    path = _FOLDER / f"{language}.yml"
    said: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    colours, people = said.get("colours", []), said.get("people", [])
    numbers = [[number, *forms] for number, forms in said.get("numbers", {}).items()]
    groups = [*said.get("same", []), *colours, *people, *numbers]

    def stems(written: str) -> tuple[str, ...]:
        return tuple(stem(word, language) for word in telling_words(written, language))

    of_people = Counter("".join(stems(group[0])) for group in people)

    def read(group: Sequence[str]) -> str:
        if group in numbers:
            return str(group[0])
        first = "".join(stems(group[0]))
        return folded(group[0], language) if group in people and of_people[first] > 1 else first

    def all_folded(written: Iterable[str]) -> frozenset[str]:
        return frozenset(folded(word, language) for word in written)

    read_as = {stems(written): read(group) for group in groups for written in group}
    read_as |= {(stem(written.replace(" ", ""), language),): read(group) for group in groups for written in group[1:]}
    for plural, singular in said.get("plurals", {}).items():
        read_as[stems(plural)] = read_as.get(stems(singular), stem(singular, language))
    long = defaultdict[str, list[Word]](list)
    for group in groups:
        for written in group:
            if " " not in written and len(written) >= _LONG:
                plain = folded(written, language)
                long[plain[0]].append(Word(read(group), plain, written))
    kinds = {NUMBER: numbers, COLOUR: colours, PERSON: people}
    denying = said.get("negations", {})
    endings = ("nen", "er", "en", "n", "") if language == "de" else ("s", "")  # as it is written comes last, and wins
    return Lists(
        language=language,
        read_as=read_as,
        listed=frozenset(read_as.values()),
        long=long,
        kinds={read(group): kind for kind, of_kind in kinds.items() for group in of_kind},
        people={
            folded(person, language) + ending: read(group)
            for ending in endings
            for group in people
            for person in group
            if " " not in person and len(person) >= _SHORTEST
        },
        before=all_folded(denying.get("before", ())),
        after=all_folded(denying.get("after", ())),
        after_in_use=all_folded(denying.get("after_in_use", ())),
        endings=tuple(denying.get("endings", ())),
        fillers=frozenset(one for word in said.get("fillers", ()) for one in stems(word)),
        filler_endings=tuple(said.get("filler_endings", ())),
    )


@lru_cache(maxsize=100_000)
def stem(word: str, language: str) -> str:
    """The stem, without accents; those of English fall first, since its stemmer takes them for consonants."""
    plain = folded(word, language) if language == "en" else word
    found = folded(same_words_key(plain, locale=language), language)
    if language == "de":  # what its stemmer leaves: freundinnen, fotos
        return re.sub("inn$", "in", _LOAN_PLURAL.sub("", found))
    return found


def folded(written: str, language: str) -> str:
    """Without accents, as those write who have no such key; in German ü, ue and u are one unless the umlaut tells."""
    written = written.replace("ß", "ss")
    kept: set[int] = set()
    if language == "de":
        written = with_umlauts("".join(letter if letter in "äöü" else _plain(letter) for letter in written))
        kept = own_umlauts(written)
    return "".join(letter if place in kept else _plain(letter) for place, letter in enumerate(written))


def _plain(letter: str) -> str:
    apart = unicodedata.normalize("NFD", letter)
    return unicodedata.normalize("NFC", "".join(c for c in apart if not "\u0300" <= c <= "\u036f"))
