"""Queries out of a model's answer, however it was dressed: JSON by category, or near it, or tagged lines."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from geo_lib.queries.kinds import DESCRIPTION, STYLE, USE_CASE

NO_ANSWER = "no_queries_found"
CUT_OFF = "cut_off"
UNKNOWN_CATEGORY = "unknown_category"
NOT_TEXT = "not_text"

_NAMES = {
    **dict.fromkeys(("description", "descriptions", "descriptive", "entity"), DESCRIPTION),
    **dict.fromkeys(
        ("style", "styles", "styledetail", "styleanddetail", "styledetails", "styleanddetails", "detail", "details"),
        STYLE,
    ),
    **dict.fromkeys(("usecase", "usecases", "use", "uses", "occasion", "occasions"), USE_CASE),
}
_TAG = re.compile(
    r"^[\s>*#\-\d.()|]*[\[<(*_\"']*([A-Za-z][A-Za-z_ /&-]{2,20}?)[\]>)*_\"']*(?:\s*[:：>\]=|]|\s+[-–—])[\s*_]*(.+)$"
)
"""A line that names its category: ``2. **Style:** boho``, ``[style] boho``, ``| style | boho |``."""
_ITEM = re.compile(r"^\s*(?:[-*•+–>]|\(?\d{1,2}[.):])\s+(.+)$")
"""A line of a list, below the heading that names its category."""
_NUMBERED = re.compile(
    r"[\W_]*(?:(?:query|search|keyword|item|idea|option|nr|no|q)?[\W_]*\d+|[a-z])[\W_]*", re.IGNORECASE
)
_ORDINAL = re.compile(r"\s*\(?(\d{1,2})[.):]\s+(?=\S)")
_NOTHING = frozenset((
    "n a", "na", "none", "null", "nil", "nothing", "not applicable", "not available", "not specified", "none found",
    "no queries", "undefined", "unknown", "keine", "k a", "entfällt", "aucun", "aucune", "ninguno", "ninguna", "n d",
    "nessuno", "nessuna", "nenhum", "nenhuma", "geen", "ingen", "inget", "brak", "нет", "无", "なし", "없음",
))  # fmt: skip
"""What stands where there is nothing to say, in words alone."""
_BEGINS, _GOES_ON_AS = r"[<\[◁]", r"(?:think(?:ing)?|thoughts?|reasoning|reflection|analysis|scratchpad)[>\]▷]"
_THOUGHTS = re.compile(
    rf"(?:{_BEGINS}{_GOES_ON_AS}|<\|channel\|>analysis).*?(?:{_BEGINS}/{_GOES_ON_AS}|<\|end\|>|\Z)"
    rf"|\A(?:(?!{_BEGINS}{_GOES_ON_AS}).)*{_BEGINS}/{_GOES_ON_AS}",
    re.I | re.S,
)
"""What a model writes for itself: from a thought's beginning to its end, be it the answer's; and, since templates begin
the thought in the prompt, all before an end without a beginning."""
_CATEGORY_KEYS = ("category", "type", "tag", "class")
_TEXT_KEYS = ("query", "text", "value", "q")


@dataclass(frozen=True, slots=True)
class Proposal:
    """One query that an answer proposes, or what stands in its place with the reason that it is none."""

    category: str | None
    query: str
    reason: str | None = None
    span: tuple[int, int] | None = None
    """Where it stands in the answer: its first character and the one behind its last."""


def parse(answer: str) -> list[Proposal]:
    """Every query of an answer in its order, and every part that is none with its reason.

    Takes code fences, several values, words around the JSON, single and typographic quotes, quotes within a text (a
    32" display), trailing commas, bare words, output cut off anywhere (the query being written is rejected as
    ``cut_off``), lists of objects with a category each, numbered objects, and lines tagged by category. Thoughts are no
    part of it. Never raises; an answer without any query gives one proposal, ``no_queries_found``.
    """
    answer = _THOUGHTS.sub(lambda thought: " " * len(thought[0]), answer)  # what stands behind them stays in its place
    found = [proposal for value in _Reader(answer).values() for proposal in _proposals(value, None)]
    if not any(proposal.reason is None for proposal in found):
        found = list(_tagged_lines(answer)) or found
    return found or [Proposal(None, answer.strip()[:500], NO_ANSWER)]


def parse_response(answer: str) -> list[tuple[str, str]]:
    """The category and text of every well-formed query of an answer, in its order."""
    return [(p.category, p.query) for p in parse(answer) if p.reason is None and p.category is not None]


def category_named(name: str) -> str | None:
    """The category that a tag means, in whatever spelling; null for another word."""
    letters = re.sub(r"[^a-z]", "", name.lower())
    return _NAMES.get(re.sub(r"(?:search)?(?:query|queries|terms?|keywords?)$", "", letters))


def says_nothing(text: str) -> bool:
    """Whether a text only stands where there is nothing to say: blank, ``N/A``, ``(none)``."""
    return not text.strip() or re.sub(r"[\W_]+", " ", text.lower()).strip() in _NOTHING


@dataclass(frozen=True, slots=True)
class _Cut:
    """Text that ended before it was closed."""

    text: str


class _Text(str):
    """Text that was closed, and where it stands in the answer."""

    span: tuple[int, int]

    def __new__(cls, text: str, span: tuple[int, int]) -> "_Text":
        made = super().__new__(cls, text)
        made.span = span
        return made


def _proposals(value: object, category: str | None) -> Iterator[Proposal]:
    match value:
        case dict():
            yield from _of_object(value, category)
        case list():
            for item in _without_numbers(value):
                yield from _proposals(item, category)
        case _Cut():
            yield Proposal(category, value.text, CUT_OFF)
        case str() if says_nothing(value):
            yield Proposal(category, value, NOT_TEXT)
        case str():
            span = value.span if isinstance(value, _Text) else None
            yield Proposal(category, str(value), None if category else UNKNOWN_CATEGORY, span)
        case _:
            yield Proposal(category, json.dumps(value), NOT_TEXT)


def _without_numbers(items: list[object]) -> list[object]:
    """The items of a list that numbers its texts from one on, without the numbers: one alone may be a "1. Advent"."""
    texts = [item for item in items if isinstance(item, _Text)]
    ordinals = [_ORDINAL.match(text) for text in texts]
    if len(texts) < max(2, len(items)) or [o and int(o[1]) for o in ordinals] != list(range(1, len(texts) + 1)):
        return items
    return [
        _Text(text[o.end() :], (text.span[1] - len(text) + o.end(), text.span[1]))
        for text, o in zip(texts, ordinals, strict=True)
        if o
    ]


def _of_object(value: dict[str, object], category: str | None) -> Iterator[Proposal]:
    keys = {key.lower(): key for key in value}
    text = next((keys[name] for name in _TEXT_KEYS if name in keys), None)
    if text is not None:
        tag = next((value[keys[name]] for name in _CATEGORY_KEYS if name in keys), None)
        yield from _proposals(value[text], category_named(tag) if isinstance(tag, str) else category)
        return
    for key, item in value.items():
        # {"queries": {"style": [..]}}: a wrapper says nothing of the category
        is_wrapper = isinstance(item, dict | list) or _NUMBERED.fullmatch(key)
        yield from _proposals(item, category_named(key) or (category if is_wrapper else None))


def _tagged_lines(answer: str) -> Iterator[Proposal]:
    """Queries of lines that name their category, and of lists below a line that does."""
    line_at, heading = 0, None
    for line in answer.splitlines(keepends=True):
        tag, item = _TAG.match(line.rstrip()), _ITEM.match(line.rstrip())
        if tag and (category := category_named(tag[1])):
            yield from _of_line(line, tag.start(2), line_at, category)
        elif category := category_named(line):
            heading = category
        elif item and heading:
            yield from _of_line(line, item.start(1), line_at, heading)
        elif line.strip():
            heading = None
        line_at += len(line)


def _of_line(line: str, at: int, line_at: int, category: str) -> Iterator[Proposal]:
    """The queries of a line from a place on; ``line_at``: where the line stands in the answer."""
    text = re.sub(r"</?[A-Za-z_ ]+>\s*$", "", line[at:])
    for query in re.split(r"[;|]|,(?=\s)", text):
        if stripped := query.strip(" \t\r\n\"'`*“”„"):
            at = line.index(stripped, at)
            span = (line_at + at, line_at + at + len(stripped))
            yield Proposal(category, stripped, NOT_TEXT if says_nothing(stripped) else None, span)
            at += len(stripped)


_CLOSING = {
    '"': '"', "'": "'", "`": "`", "“": "”", "”": "”", "„": "“", "‘": "’", "«": "»", "»": "«", "「": "」", "『": "』",
}  # fmt: skip
_BETWEEN = " \t\r\n,;，、；"
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_LITERALS = {"true": True, "false": False, "null": None, "none": None}
_DEEPEST = 20
_ENDS = re.compile(r"\s*(?:[,;:=，、；：\]}]|//|\Z)|\s+[\"'“„‘`{\[]|\s*\n")
"""What follows a quote that ends a text."""
_GOES_ON = re.compile(r"\s*,\s*\w(?:[^\"”\[\]{}\n]|(?<=\d)[\"”](?!\s*[,\]}]))*[\"”]\s*[,;\]}]")
"""What follows a double quote that ends nothing before a comma: words up to one that does, as in ``12", white"``."""
_OPENING = re.compile(r"[{\[]")


class _Reader:
    """A JSON reader that goes on where a strict one stops. Ends at the end of the text in any state."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def values(self) -> Iterator[object]:
        """Every object and list that is not part of another, and none of the words around them."""
        while start := _OPENING.search(self._text, self._at):
            self._at = start.start()
            yield self.value()

    def value(self) -> object:
        self._skip(" \t\r\n")
        start = self._peek()
        if start in "{[" and start:
            if self._depth >= _DEEPEST:
                self._at = len(self._text)
                return None
            self._depth += 1
            read = self._object() if start == "{" else self._array()
            self._depth -= 1
            return read
        return self._string(start) if start in _CLOSING else self._bare()

    def _object(self) -> dict[str, object]:
        self._at += 1
        read: dict[str, object] = {}
        while True:
            self._skip_between()
            if self._peek() in ("}", "]", ""):
                self._at += 1
                return read
            key = self._string(self._peek()) if self._peek() in _CLOSING else self._bare(stops=":：,}]\n")
            self._skip(" \t\r\n")
            if self._peek() not in (":", "=", "："):
                continue
            self._at += 1
            self._skip(" \t\r\n")
            if self._peek():
                name = str(key)
                item = self.value()
                read[name] = [*_as_list(read[name]), *_as_list(item)] if name in read else item

    def _array(self) -> list[object]:
        self._at += 1
        read: list[object] = []
        while True:
            self._skip_between()
            if self._peek() in ("]", ""):
                self._at += 1
                return read
            if self._peek() == "}":  # the list was never closed, its object is
                return read
            before = self._at
            read.append(self.value())
            self._at = max(self._at, before + 1)

    def _string(self, quote: str) -> str | _Cut:
        self._at += 1
        start = self._at
        closing = {_CLOSING[quote], "”"} if quote == "„" else {_CLOSING[quote]}
        read: list[str] = []
        while self._at < len(self._text):
            character = self._text[self._at]
            self._at += 1
            if character == "\\":
                read.append(self._escaped())
            elif character in closing and not self._is_within(closing):
                return _Text("".join(read), (start, self._at - 1))
            else:
                read.append(character)
        return _Cut("".join(read))

    def _is_within(self, closing: set[str]) -> bool:
        """Whether the quote just read is part of the text: more follows, and on this line another that ends it."""
        if _ENDS.match(self._text, self._at):
            return not closing.isdisjoint('"”') and _GOES_ON.match(self._text, self._at) is not None
        line_end = self._text.find("\n", self._at)
        rest = range(self._at, len(self._text) if line_end < 0 else line_end)
        return any(self._text[at] in closing and _ENDS.match(self._text, at + 1) for at in rest)

    def _escaped(self) -> str:
        character = self._peek()
        self._at += 1
        if character != "u":
            return _ESCAPES.get(character, character)
        digits = self._text[self._at : self._at + 4]
        self._at += 4
        try:
            code = int(digits, 16)
        except ValueError:
            return ""
        if 0xD800 <= code < 0xDC00 and self._text[self._at : self._at + 2] == "\\u":  # half of a surrogate pair
            low = self._text[self._at + 2 : self._at + 6]
            self._at += 6
            try:
                return chr(0x10000 + ((code - 0xD800) << 10) + (int(low, 16) - 0xDC00))
            except ValueError:
                return ""
        return "" if 0xD800 <= code < 0xE000 else chr(code)

    def _bare(self, *, stops: str = ",]}\n") -> object:
        start = self._at
        while self._peek() and self._peek() not in stops:
            self._at += 1
        text = self._text[start : self._at].strip()
        if text.lower() in _LITERALS:
            return _LITERALS[text.lower()]
        if re.fullmatch(r"-?\d+(\.\d+)?", text):
            return float(text)
        return _Text(text, (start, start + len(text))) if self._peek() else _Cut(text)

    def _peek(self) -> str:
        return self._text[self._at] if self._at < len(self._text) else ""

    def _skip_between(self) -> None:
        """On to the next value: past commas and what a model remarks after ``//``."""
        self._skip(_BETWEEN)
        while self._text.startswith("//", self._at):
            self._at = (self._text.find("\n", self._at) + 1) or len(self._text)
            self._skip(_BETWEEN)

    def _skip(self, characters: str) -> None:
        while self._at < len(self._text) and self._text[self._at] in characters:
            self._at += 1


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
