"""The chain of checks: in order, each on what passed so far, and with the language setting in it."""

from collections.abc import Sequence

import pytest
from pyspark.sql import Row, SparkSession

from geo_lib.queries.chain import chain, judged, stops
from geo_lib.queries.checks.check import Check, Said
from geo_lib.queries.checks.language import Language
from geo_lib.spark import local_frame


def verdicts(spark: SparkSession, *texts: tuple[str, str], language: Language | None = None) -> dict[str, Row]:
    asked = local_frame(spark, list(texts), "locale string, raw string")
    return {row.raw: row for row in judged(asked, chain(language or Language())).collect()}


def test_a_text_stops_at_the_first_check_that_objects_and_no_later_one_sees_it() -> None:
    seen: list[list[str]] = []

    def no_long_words(texts: Sequence[Said]) -> list[str | None]:
        seen.append([said.text for said in texts])
        return ["long" if len(said.text) > 3 else None for said in texts]

    checks = [Check("first", lambda texts: ["a" if "a" in said.text else None for said in texts])]
    checks.append(Check("second", no_long_words))
    texts = [Said("en", text, text) for text in ("banana", "lemon", "fig")]
    assert stops(texts, checks) == [("first", "a"), ("second", "long"), None]
    assert seen == [["lemon", "fig"]]


def test_the_chain_begins_with_what_costs_nothing() -> None:
    stages = [check.stage for check in chain(Language())]
    assert stages == ["normalise", "safety", "inclusiveness", "eligibility", "language"]


@pytest.mark.transform
def test_a_text_needs_no_proposal_to_be_judged_and_only_what_is_fit_has_a_category(spark: SparkSession) -> None:
    long = "red velvet chair " * 12
    rows = verdicts(spark, ("en", "Red Velvet Chair"), ("en", "a$$hole chair"), ("en", "..."), ("en", long))
    assert {raw: (row.text, row.stopped_at, row.reason, row.category) for raw, row in rows.items()} == {
        "Red Velvet Chair": ("red velvet chair", None, None, "description"),
        "a$$hole chair": ("a hole chair", "safety", "profanity", None),
        "...": (None, "normalise", "blank", None),
        long: (long.strip(), "normalise", "too_long", None),
    }


@pytest.mark.transform
def test_the_setting_of_the_language_check_reaches_the_workers(spark: SparkSession) -> None:
    asked = ("de", "vintage poster style")
    assert verdicts(spark, asked)[asked[1]].reason is None
    strict = verdicts(spark, asked, language=Language(min_lean=0.5))[asked[1]]
    assert (strict.stopped_at, strict.reason) == ("language", "other_language")
    assert strict.language_score == round(strict.language_score, 3)
