"""Texts that may not stand for an image: by lists of words for each language, each kind with a reason of its own.

English rests on the list of the better-profanity package (its own matcher does a hundred sentences a second), less what
is an ordinary word on a platform of pictures. Other languages have words of their own, and those of everywhere.yml:
most of the package's are everyday words somewhere, as slut, fart and douche.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from geo_lib.errors import MachineError
from geo_lib.locales import language_of
from geo_lib.queries.checks.check import Check, Said
from geo_lib.queries.checks.disguises import chunks, words_of
from geo_lib.queries.checks.lexicon import HARMLESS, Finding, Lexicon, Rule, Words, read, rules_of

SEXUALISED_MINORS = "sexualised_minors"
SELF_HARM = "self_harm"
"""Suicide, self-injury, eating disorders praised or taught; not the help against them."""
HATE = "hate"
SEXUAL = "sexual"
VIOLENCE = "violence"
"""Weapons, too."""
DRUGS = "drugs"
PROFANITY = "profanity"
"""Swear words and insults."""
HELD = "held"
"""Words that may be meant well or not, and nobody can tell by the text alone."""
KINDS = (SEXUALISED_MINORS, SELF_HARM, HATE, SEXUAL, VIOLENCE, DRUGS, PROFANITY, HELD)
"""The reason codes, the strictest first: a text has the first of those that it gives reason for."""


def unsafe(raw: str, *, locale: str) -> Finding | None:
    """Why a raw text may not stand for an image, by the strictest kind; null when it may.

    Takes the raw text, because normalising removes the signs that a word may hide behind.
    """
    lexicon, minors = _lexicon(locale)
    said = chunks(raw)
    findings = lexicon.findings(said)
    if not findings:
        return None
    worst = min(findings, key=lambda finding: KINDS.index(finding.kind))
    if worst.kind == SEXUAL and any(minors.has_any(word) for chunk in said for word in words_of(chunk)):
        return Finding(SEXUALISED_MINORS, worst.written)
    return worst


@cache
def _lexicon(locale: str) -> tuple[Lexicon, Words]:
    return _lexicon_of(language_of(locale))


@cache
def _lexicon_of(language: str) -> tuple[Lexicon, Words]:
    """The lists of a language, and its words for minors."""
    everywhere, own = read("safety", "everywhere"), read("safety", _SAME_LISTS.get(language, language))
    rules = rules_of(everywhere, own)
    if language == "en":
        rules += _packaged(rules, allowed=own["allowed"])
    rules += [Rule(HARMLESS, phrase, _row(phrase)) for phrase in own.get("harmless", ())]
    minors = [*everywhere["groups"]["minors"], *own.get("groups", {}).get("minors", ())]
    return Lexicon(rules, ordinary=own.get("ordinary", ())), Words.of(minors)


_SAME_LISTS = {"nb": "no", "nn": "no"}


def _row(phrase: str) -> tuple[Words, ...]:
    return tuple(Words.of([word]) for word in phrase.split())


def _packaged(rules: Sequence[Rule], *, allowed: Sequence[str]) -> Iterator[Rule]:
    """What the package's list bans and no rule speaks of, as swear words."""
    spoken_of, harmless = Lexicon(rules), set(allowed)
    for line in _packaged_words():
        phrase = " ".join(re.sub(r"[^\w*]|_", "", word) for word in re.split(r"[\s\-]+", line))
        is_word = len(phrase) > 2  # what is left of sh!+ is not
        if is_word and not harmless & {phrase, line} and not spoken_of.knows(phrase):
            yield Rule(PROFANITY, phrase, _row(phrase))


def _packaged_words() -> list[str]:
    spec = find_spec("better_profanity")
    if spec is None or spec.origin is None:
        raise MachineError("the safety check needs the word list of better-profanity; install the package.")
    lines = Path(spec.origin).with_name("profanity_wordlist.txt").read_text(encoding="utf-8").lower().splitlines()
    return [line.strip() for line in lines if line.strip()]


def _reasons(texts: Sequence[Said]) -> list[str | None]:
    findings = [unsafe(said.raw, locale=said.locale) for said in texts]
    return [None if finding is None else finding.kind for finding in findings]


SAFETY = Check(stage="safety", reasons=_reasons)
