"""Wordings that shut people out or belittle them, each with another that says it without, where there is one.

Attributes of people are none: who asks for natural hair or modest swimwear finds it.
"""

from collections.abc import Sequence

from geo_lib.queries.checks.check import Check, Said
from geo_lib.queries.checks.lexicon import Finding, lexicon_of

EXCLUSIONARY = "exclusionary"


def exclusionary(text: str, *, locale: str) -> Finding | None:
    """The first such wording of a normalised query; null where there is none, or no list of the language."""
    findings = lexicon_of("inclusiveness", locale).findings(text.split())
    # of several one that can be mended, the most particular first: of a Zigeunersoße, not of Zigeuner
    return min(findings, key=lambda finding: (finding.instead is None, -len(finding.written)), default=None)


def better_wording(text: str, *, locale: str) -> str | None:
    """What to say instead of what is exclusionary about a normalised query; null where nobody has a word for it."""
    finding = exclusionary(text, locale=locale)
    return None if finding is None else finding.instead


def _reasons(texts: Sequence[Said]) -> list[str | None]:
    findings = [exclusionary(said.text, locale=said.locale) for said in texts]
    return [None if finding is None else finding.kind for finding in findings]


INCLUSIVENESS = Check(stage="inclusiveness", reasons=_reasons)
