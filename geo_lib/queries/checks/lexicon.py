"""Word lists with a little grammar: words that always stop a text, and words that are judged by those beside them.

A list is YAML: ``kinds``, and under each ``stop`` (words) and ``rules`` (words, and ``beside`` what they stop a text or
``unless`` what they do). Everywhere ``fuck*`` is any word that begins so, ``*schlampe`` one that ends so, ``*fuck*``
one that has it within; ``end my life`` is words in a row, ``^show me`` such as begin a text and ``gone$`` such as end
it; a word stands for its plural in -s, too; ``<people>`` is one of a group of words. With ``beside``, a word alone
stops nothing, but for ``alone: stops``.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from geo_lib.locales import language_of
from geo_lib.queries.checks.disguises import ANY, VOWEL, Word, is_fragment, may_be_squeezed, plain, squeezed, words_of

_FOLDER = Path(__file__).with_name("lexicons")
_WINDOW = 5
"""Words away at which one still tells how another is meant."""
_EDGE = 3
"""Letters that a head, a tail and a squeezed word have at least."""
_MIN_GLUED = 4
"""Letters that each half of a word has that is two in one; and the whole that was cut in two."""
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_MAX_ENDING = 3
"""Letters that may follow a word of which only the first letter is told: f***ing."""
HARMLESS = "harmless"
"""In place of a kind: words in which nothing is looked for."""


@dataclass(frozen=True, slots=True)
class Words:
    """Words as a list writes them, whole or with stars."""

    whole: frozenset[str] = frozenset()
    heads: tuple[str, ...] = ()
    tails: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    @classmethod
    def of(cls, written: Iterable[str]) -> "Words":
        entries = {form for entry in written for form in _forms(entry)}
        stars = {entry: (entry.startswith("*"), entry.endswith("*")) for entry in entries}

        def with_stars(before: bool, after: bool) -> list[str]:
            return sorted(entry.strip("*") for entry in entries if stars[entry] == (before, after))

        heads, tails, parts = (tuple(with_stars(*at)) for at in ((False, True), (True, False), (True, True)))
        return cls(frozenset(with_stars(False, False)), heads, tails, parts)

    def squeezed(self) -> "Words":
        """The same with every repeated letter once; less what is too short then to tell anything."""
        sides = (self.whole, self.heads, self.tails, self.parts)
        whole, *starred = ({s for entry in side if len(s := squeezed(entry)) >= _EDGE} for side in sides)
        heads, tails, parts = (tuple(sorted(side)) for side in starred)
        return Words(frozenset(whole), heads, tails, parts)

    def has(self, text: str) -> bool:
        return (
            not self.whole.isdisjoint(_singular(text))
            or text.startswith(self.heads)
            or text.endswith(self.tails)
            or any(part in text for part in self.parts)
        )

    def has_any(self, word: Word) -> bool:
        return any(map(self.has, word.readings))


def _forms(entry: str) -> set[str]:
    """How an entry of a list may be typed: as it is, without its accents, with umlauts in two letters."""
    return {entry, plain(entry), entry.translate(_UMLAUTS)}


def _singular(text: str) -> tuple[str, ...]:
    """A word, and what it is the plural of if that has an -s (boobz: or a z)."""
    return (text, text[:-1]) if text[-1:] == "s" or (text[-1:] == "z" and len(text) > _MIN_GLUED) else (text,)


@dataclass(frozen=True, slots=True, eq=False)  # one rule is never another, and none is compared word by word
class Rule:
    """Words in a row, and what must stand near them, or must not, to stop a text."""

    kind: str
    written: str
    row: tuple[Words, ...]
    beside: Words | None = None
    unless: Words | None = None
    stops_alone: bool = True
    """Whether it stops a text in which nothing tells how it is meant."""
    instead: str | None = None
    begins: bool = False
    """Whether it speaks of what a text begins with alone."""
    ends: bool = False

    @property
    def is_anywhere(self) -> bool:
        return not self.begins and not self.ends

    @property
    def is_plain(self) -> bool:
        """One word that always stops a text."""
        return len(self.row) == 1 and self.beside is None and self.unless is None and self.is_anywhere

    def covers(self, start: int, said: Sequence[Word]) -> bool:
        """Whether its further words follow the one at ``start``, which is its first."""
        if (self.begins and start) or (self.ends and start + len(self.row) < len(said)):
            return False
        rest = said[start + 1 : start + len(self.row)]
        return len(rest) == len(self.row) - 1 and all(map(Words.has_any, self.row[1:], rest))

    def stops(self, start: int, said: Sequence[Word]) -> bool:
        """Whether the nearest word that tells how it is meant says so.

        What clears it goes first among equally near ones, and takes a word before it along: in "nude women heels" the
        women tell of the heels. A compound may tell about itself (nacktschnecke).
        """
        last = start + len(self.row) - 1
        for away in range(_WINDOW + 1):
            near = [place for place in (start - away, last + away) if 0 <= place < len(said)]
            if any(self._clears(said, place) for place in near):
                return False
            if any(self._condemns(said, place, last) for place in near):
                return True
        return self.stops_alone

    def _clears(self, said: Sequence[Word], place: int) -> bool:
        return self.unless is not None and place < len(said) and self.unless.has_any(said[place])

    def _condemns(self, said: Sequence[Word], place: int, last: int) -> bool:
        if self.beside is None or not self.beside.has_any(said[place]):
            return False
        is_itself = place == last and bool(self.row[-1].whole)
        return not is_itself and not (place > last and self._clears(said, place + 1))


@dataclass(frozen=True, slots=True)
class Finding:
    """What a text was stopped for."""

    kind: str
    written: str
    """The entry of the list."""
    instead: str | None = None
    """Another wording that says it without offence; null where the list has none."""


class _Met(NamedTuple):
    """A word of a text and the rules that begin with it; ``certain`` are those that need not be looked into."""

    word: Word
    rules: tuple[Rule, ...] = ()
    certain: tuple[Rule, ...] = ()


class _Index:
    """The rules by how their first word begins, ends, or what it has within."""

    def __init__(self) -> None:
        self._whole: dict[str, list[Rule]] = defaultdict(list)
        self._heads: dict[str, list[tuple[str, Rule]]] = defaultdict(list)
        self._tails: dict[str, list[tuple[str, Rule]]] = defaultdict(list)
        self._parts: list[tuple[str, Rule]] = []

    def add(self, first: Words, rule: Rule) -> None:
        for entry in first.whole:
            self._whole[entry].append(rule)
        for head in first.heads:
            self._heads[head[:_EDGE]].append((head, rule))
        for tail in first.tails:
            self._tails[tail[-_EDGE:]].append((tail, rule))
        self._parts += [(part, rule) for part in first.parts]

    def may_have(self, text: str) -> bool:
        """Whether a rule may speak of a word, at a glance."""
        return (
            text in self._whole
            or text[:_EDGE] in self._heads
            or text[-_EDGE:] in self._tails
            or any(singular in self._whole for singular in _singular(text)[1:])
            or any(part in text for part, _ in self._parts)
        )

    def of(self, text: str) -> list[Rule]:
        rules = list(self._whole.get(text, ()))
        for singular in _singular(text)[1:]:
            rules += self._whole.get(singular, ())
        if heads := self._heads.get(text[:_EDGE]):
            rules += [rule for head, rule in heads if text.startswith(head)]
        if tails := self._tails.get(text[-_EDGE:]):
            rules += [rule for tail, rule in tails if text.endswith(tail)]
        if self._parts:
            rules += [rule for part, rule in self._parts if part in text]
        return rules


class Lexicon:
    """The lists of one language."""

    def __init__(self, rules: Sequence[Rule], *, ordinary: Iterable[str] = ()) -> None:
        """``ordinary``: words that stop nothing in this language, whatever they look like."""
        self.rules = tuple(rules)
        self.ordinary = frozenset(ordinary)
        self._index, self._squeezed = _Index(), _Index()
        self._maskable: dict[str, list[tuple[str, bool, Rule]]] = defaultdict(list)
        self._halves: dict[str, list[tuple[str, Rule]]] = defaultdict(list)
        for rule in self.rules:
            self._index.add(rule.row[0], rule)
            if len(rule.row) == 1 and rule.is_anywhere:
                self._add_one_word(rule)
        # words recur, and most of them are of no interest
        self._tells = lru_cache(maxsize=200_000)(self._has_news)
        self._met = lru_cache(maxsize=50_000)(self._met_in)

    def _add_one_word(self, rule: Rule) -> None:
        (first,) = rule.row
        if rule.stops_alone:
            self._squeezed.add(first.squeezed(), rule)
            for entry in (*first.whole, *first.heads):
                self._maskable[entry[0]].append((entry, entry not in first.whole, rule))
        if rule.beside is not None:
            for entry in (entry for entry in first.whole if len(entry) >= _MIN_GLUED):
                for edge in {entry[:_EDGE], entry[-_EDGE:]}:
                    self._halves[edge].append((entry, rule))

    def knows(self, phrase: str) -> bool:
        """Whether a rule speaks of these very words."""
        words = [Word(word, (word,)) for word in phrase.split()]
        return any(len(rule.row) == len(words) and rule.covers(0, words) for rule in self._index.of(words[0].text))

    def findings(self, chunks: Sequence[str]) -> list[Finding]:
        """All that a text would be stopped for, in no order; empty for most texts. ``chunks``: see ``disguises``."""
        if not any(map(self._tells, chunks)):
            return []
        met = [word for chunk in chunks for word in self._met(chunk)]
        met += self._put_together(met)
        said = [word.word for word in met]
        rows = [(n, rule) for n, word in enumerate(met) for rule in word.rules if rule.covers(n, said)]
        harmless = {place for n, rule in rows if rule.kind == HARMLESS for place in range(n, n + len(rule.row))}
        broken = [rule for n, rule in rows if n not in harmless and rule.stops(n, said)]
        broken += [rule for n, word in enumerate(met) if n not in harmless for rule in word.certain]
        return [Finding(rule.kind, rule.written, rule.instead) for rule in broken]

    def _has_news(self, chunk: str) -> bool:
        """Whether a text with this chunk is to be looked into: a rule begins here, or a word that was cut in two."""
        if chunk.isascii() and chunk.isalpha() and not self._index.may_have(chunk) and not may_be_squeezed(chunk):
            return is_fragment(chunk) or any(True for _ in self._two_in_one(chunk))
        return any(word.rules or word.certain or is_fragment(word.word.text) for word in self._met(chunk))

    def _met_in(self, chunk: str) -> tuple[_Met, ...]:
        return tuple(map(self._rules_of, words_of(chunk)))

    def _rules_of(self, word: Word) -> _Met:
        if word.text in self.ordinary:
            return _Met(word)
        rules: Collection[Rule] = self._index.of(word.text)
        if len(word.readings) > 1:
            rules = dict.fromkeys(rule for reading in word.readings for rule in self._index.of(reading))
        certain = [rule for reading in word.readings for rule in self._two_in_one(reading)]
        if word.squeezed:
            certain += [rule for rule in self._squeezed.of(word.squeezed) if rule not in rules]
        if word.mask:
            certain += self._masked(word.mask)
        return _Met(word, tuple(rules), tuple(certain))

    def _two_in_one(self, text: str) -> Iterator[Rule]:
        """Rules that a word breaks which is two without a space: nakedgirls, girlsnaked."""
        for entry, rule in (*self._halves.get(text[:_EDGE], ()), *self._halves.get(text[-_EDGE:], ())):
            rests = {text.removeprefix(entry), text.removesuffix(entry)} - {text}
            if rule.beside and any(len(rest) >= _MIN_GLUED and rule.beside.has(rest) for rest in rests):
                yield rule

    def _masked(self, mask: str) -> Iterator[Rule]:
        for entry, is_head, rule in self._maskable.get(mask[0], ()):
            shown, rest = (mask[: len(entry)], mask[len(entry) :]) if is_head else (mask, "")
            # of a short word a sign that joins as often as it hides (x-ray, r&b) tells too little
            is_enough = len(entry) >= _MIN_GLUED or VOWEL not in shown
            is_bent = len(rest) <= _MAX_ENDING or sum(map(str.isalpha, shown)) > 1
            if is_enough and is_bent and len(shown) == len(entry) and all(map(_may_be, shown, entry)):
                yield rule

    def _put_together(self, met: Sequence[_Met]) -> list[_Met]:
        """Words that were cut in two, as ``fu ck``, where they make one that always stops a text."""
        cut = [
            one.word.text + other.word.text
            for one, other in pairwise(met)
            if is_fragment(one.word.text) or is_fragment(other.word.text)
        ]
        whole = [self._rules_of(Word(text, (text,))) for text in cut if len(text) >= _MIN_GLUED]
        always = [_Met(word.word, certain=tuple(rule for rule in word.rules if rule.is_plain)) for word in whole]
        return [word for word in always if word.certain]


def _may_be(shown: str, letter: str) -> bool:
    return shown in (letter, ANY) or (shown == VOWEL and letter in "aeiouy")


def read(name: str, language: str) -> dict[str, Any]:
    """A list as it is written; empty for a language that has none."""
    path = _FOLDER / name / f"{language}.yml"
    if not path.is_file():
        return {}
    return dict(yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))  # ten times as fast as in Python


@cache
def lexicon_of(name: str, locale: str) -> Lexicon:
    """The list ``name`` of a locale's language, where it is one by itself; empty for a language that has none."""
    return _lexicon_in(name, language_of(locale))


@cache
def _lexicon_in(name: str, language: str) -> Lexicon:
    own = read(name, language)
    return Lexicon(rules_of(own), ordinary=own.get("ordinary", ()))


def rules_of(*lists: Mapping[str, Any]) -> list[Rule]:
    """The rules of several lists, with their groups put together.

    What a later list says of a word for a kind replaces what an earlier one says.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for one in lists:
        for name, words in one.get("groups", {}).items():
            groups[name] += words
    rules: dict[tuple[str, str], Rule] = {}
    for one in lists:
        for kind, entries in one.get("kinds", {}).items():
            for near in ({"words": entries.get("stop", ())}, *entries.get("rules", ())):
                rules |= {(kind, written): _rule(kind, written, near, groups) for written in near["words"]}
    return list(rules.values())


def _rule(kind: str, written: str, near: Mapping[str, Any], groups: Mapping[str, Sequence[str]]) -> Rule:
    def words(entries: Iterable[str]) -> Words:
        return Words.of(w for entry in entries for w in (groups[entry[1:-1]] if entry.startswith("<") else (entry,)))

    return Rule(
        kind=kind,
        written=written,
        row=tuple(words((word,)) for word in written.strip("^$").split()),
        beside=words(near["beside"]) if "beside" in near else None,
        unless=words(near["unless"]) if "unless" in near else None,
        stops_alone="beside" not in near or near.get("alone") == "stops",
        instead=near.get("instead"),
        begins=written.startswith("^"),
        ends=written.endswith("$"),
    )
