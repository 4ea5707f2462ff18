"""Texts from templates: ``(a|b)`` is one of these, ``{slot}`` a word of a list, and ``?`` makes what is before it
optional, a group, a slot or a character."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

Made = Callable[[Random], str]
"""One of the texts that a part of a template stands for."""


def fillings(template: str, words: Mapping[str, Sequence[str]], *, count: int, seed: str) -> list[str]:
    """Up to ``count`` different texts of a template, always the same for a seed. Raises ``ValueError`` where the
    template is none, and ``KeyError`` for a slot that ``words`` lacks."""
    reader = _Reader(template, words)
    made, random = reader.sequence(), Random(seed)  # noqa: S311 - to be the same every time
    if reader.at < len(template):
        raise ValueError(f"the template {template!r} has a bracket too many at {reader.at}")
    tries = (" ".join(made(random).split()) for _ in range(4 * count))
    return [text for text in dict.fromkeys(tries) if text][:count]


@dataclass
class _Reader:
    template: str
    words: Mapping[str, Sequence[str]]
    at: int = 0

    def sequence(self) -> Made:
        """Parts one after the other, up to the end of the group or of the template."""
        parts: list[Made] = []
        while self.at < len(self.template) and self.template[self.at] not in "|)":
            part = self._part()
            if self.template[self.at : self.at + 1] == "?":
                self.at += 1
                part = _maybe(part)
            parts.append(part)
        return lambda random: "".join(part(random) for part in parts)

    def _part(self) -> Made:
        sign = self.template[self.at]
        if sign == "(":
            return self._group()
        if sign == "{":
            end = self.template.index("}", self.at)
            choices, self.at = self.words[self.template[self.at + 1 : end]], end + 1
            return lambda random: random.choice(choices)
        self.at += 1
        return lambda random: sign

    def _group(self) -> Made:
        choices: list[Made] = []
        while not choices or self.template[self.at : self.at + 1] == "|":
            self.at += 1
            choices.append(self.sequence())
        if self.template[self.at : self.at + 1] != ")":
            raise ValueError(f"the template {self.template!r} has a group that does not end")
        self.at += 1
        return lambda random: random.choice(choices)(random)


def _maybe(part: Made) -> Made:
    return lambda random: part(random) if random.random() < 0.5 else ""
