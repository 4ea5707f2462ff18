"""The chain of checks that every text passes before it may be used: a proposed query, a search, a title.

What needs more than the text itself is no check: whether an answer can be parsed, and whether a query repeats another.
"""

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd
from pyspark.sql import DataFrame

from geo_lib.queries.category_model import LoadCategories, told
from geo_lib.queries.checks.check import Check, Said
from geo_lib.queries.checks.eligibility import ELIGIBILITY
from geo_lib.queries.checks.inclusiveness import INCLUSIVENESS, better_wording
from geo_lib.queries.checks.language import Language, detected, language_check
from geo_lib.queries.checks.learned import learned_check
from geo_lib.queries.checks.length import LENGTH
from geo_lib.queries.checks.safety import SAFETY
from geo_lib.queries.demographics import demographics
from geo_lib.queries.eligibility.model import Load
from geo_lib.queries.text import normalise, same_words_key

Stop = tuple[str, str]
"""The stage that a text stops at, and the reason."""

_VERDICT = (
    "locale string, raw string, text string, words string, stopped_at string, reason string, language string, "
    "language_score double, category string, category_confidence double, suggestion string, demographics array<string>"
)


def chain(language: Language, *, eligibility: Load | None = None) -> tuple[Check, ...]:
    """The checks, in the order in which a text meets them: cheap before dear.

    ``eligibility``: the model that is asked what lists let pass; null where there is none.
    """
    learned = () if eligibility is None else (learned_check(eligibility),)
    return (LENGTH, SAFETY, INCLUSIVENESS, ELIGIBILITY, *learned, language_check(language))


def judged(texts: DataFrame, checks: Sequence[Check], *, categories: LoadCategories | None = None) -> DataFrame:
    """A verdict per row of ``texts`` (locale, raw), whoever wrote them: ``locale, raw, text, words, stopped_at, reason,
    language, language_score, category, category_confidence, suggestion, demographics``.

    ``text`` is the normal form, null when nothing is left; ``words`` is equal for texts that say the same.
    ``stopped_at`` and ``reason`` are of the first check that objects, null when none does; ``category`` is null unless
    none does, and its confidence unless the model that ``categories`` loads has told it. ``suggestion``: a better
    wording of what is exclusionary about the text, if anybody has one. ``demographics``: whom it speaks of, which stops
    nothing by itself.
    """

    def judge(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            yield _judged(said_of(batch.locale, batch.raw), checks, categories)

    return texts.select("locale", "raw").mapInPandas(judge, _VERDICT)


def said_of(locales: Iterable[str], raw: Iterable[str]) -> list[Said]:
    """What checks see of raw texts."""
    return [Said(locale, text, normalise(text, locale=locale)) for locale, text in zip(locales, raw, strict=True)]


def stops(texts: Sequence[Said], checks: Sequence[Check]) -> list[Stop | None]:
    """Where each text stops, in order; null for those that pass every check."""
    stopped: list[Stop | None] = [None] * len(texts)
    for check in checks:
        # only what passed so far: a model further on never sees what a word list has stopped
        places = [place for place, stop in enumerate(stopped) if stop is None]
        for place, reason in zip(places, check.reasons([texts[place] for place in places]), strict=True):
            stopped[place] = None if reason is None else (check.stage, reason)
    return stopped


def _judged(texts: Sequence[Said], checks: Sequence[Check], load: LoadCategories | None) -> pd.DataFrame:
    stopped = stops(texts, checks)
    languages = [detected(said.text, locale=said.locale) for said in texts]
    # the category of what is fit alone, all of a batch at once: what has to be encoded is encoded together
    fit = [place for place, stop in enumerate(stopped) if stop is None]
    of_fit = dict(zip(fit, told([(texts[p].locale, texts[p].raw) for p in fit], load), strict=True))
    categories = [of_fit.get(place) for place in range(len(texts))]
    return pd.DataFrame(
        {
            "locale": [said.locale for said in texts],
            "raw": [said.raw for said in texts],
            "text": [said.text or None for said in texts],
            "words": [same_words_key(said.text, locale=said.locale) for said in texts],
            "stopped_at": [stop and stop[0] for stop in stopped],
            "reason": [stop and stop[1] for stop in stopped],
            "language": [heard.language for heard in languages],
            "language_score": [_rounded(heard.score) for heard in languages],
            "category": [it and it.category for it in categories],
            "category_confidence": [it and _rounded(it.confidence) for it in categories],
            "suggestion": [
                better_wording(said.text, locale=said.locale) if stop and stop[0] == INCLUSIVENESS.stage else None
                for said, stop in zip(texts, stopped, strict=True)
            ],
            "demographics": [demographics(said.text, locale=said.locale) for said in texts],
        }
    )


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 3)
