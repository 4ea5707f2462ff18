"""Texts that no page of pictures is published for: of a trademark, in a voice that sells or shames, without intent.

Trademarks stop in every language; voice and intent are judged where a language has a list, which English and German do.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from geo_lib.locales import language_of
from geo_lib.queries.checks.check import Check, Said
from geo_lib.queries.checks.disguises import chunks
from geo_lib.queries.checks.intent import Wordings
from geo_lib.queries.checks.lexicon import Finding, Lexicon, read, rules_of
from geo_lib.queries.checks.trademarks import KIND as TRADEMARK
from geo_lib.queries.checks.trademarks import trademarks

OFF_VOICE = "off_voice"
"""Advertising, prices, urgency; complaint and shaming; clickbait, promises of health and wealth; politics, gossip."""
WEAK_INTENT = "weak_intent"
"""Nothing that pictures could answer."""
KINDS = (TRADEMARK, OFF_VOICE, WEAK_INTENT)
"""The reason codes: a text has the first of those that it gives reason for."""

_APART = str.maketrans(dict.fromkeys("'’‘`´‐‑-™℠®©", " "))
"""Signs between words: nobody hides a brand behind them, and d'or would be read as one with a hidden letter. NFKC
writes marks of a trade into the word before them."""
_PRICE = re.compile(r"[€$£]\s?\d|\d\s?(?:[€$£]|(?:bucks|chf|dollars?|euros?|eur|franken|usd)\b)")


@dataclass(frozen=True, slots=True)
class _Lists:
    """What is known of a language; of most, trademarks alone."""

    lexicon: Lexicon
    wordings: Wordings | None = None
    budget: frozenset[str] = frozenset()


def ineligible(text: str, *, locale: str) -> Finding | None:
    """Why a text may not stand for a page, by the first kind of ``KINDS``; null when it may.

    As it was written or in its normal form; a price keeps its sign in the former alone.
    """
    lists, said = _lists(locale), chunks(text.translate(_APART))
    if findings := lists.lexicon.findings(said):
        return min(findings, key=lambda finding: KINDS.index(finding.kind))
    if lists.wordings is None:
        return None
    plain = " ".join(said)
    if _PRICE.search(plain) and lists.budget.isdisjoint(re.findall(r"\w+", plain)):
        return Finding(OFF_VOICE, "a price")
    instead = lists.wordings.without_intent(plain) or lists.wordings.of_letters(text.lower())
    return None if instead is None else Finding(WEAK_INTENT, instead)


@cache
def _lists(locale: str) -> _Lists:
    return _lists_of(language_of(locale))


@cache
def _lists_of(language: str) -> _Lists:
    own = read("eligibility", language)
    if not own:
        return _trademarks_alone()
    everywhere = _everywhere()
    ordinary = [*everywhere.get("ordinary", ()), *own.get("ordinary", ())]
    lexicon = Lexicon(rules_of(everywhere, own), ordinary=ordinary)
    return _Lists(lexicon, Wordings.of(own["groups"]), frozenset(own["groups"]["budget"]))


@cache
def _trademarks_alone() -> _Lists:
    """What all languages share that have no list; takes half a second to read."""
    everywhere = _everywhere()
    return _Lists(Lexicon(rules_of(everywhere), ordinary=everywhere.get("ordinary", ())))


@cache
def _everywhere() -> dict[str, Any]:
    return trademarks()


def _reasons(texts: Sequence[Said]) -> list[str | None]:
    findings = [ineligible(said.raw, locale=said.locale) for said in texts]
    return [None if finding is None else finding.kind for finding in findings]


ELIGIBILITY = Check(stage="eligibility", reasons=_reasons)
