"""A model that sees is told from one that repeats what is often right."""

from itertools import product

import numpy as np
import pytest
from pyspark.sql import SparkSession

from geo_lib.queries.proof import Proof, proof_lines, proofs, unproven
from geo_lib.queries.proposals import CONSOLE, VLM
from geo_lib.spark import local_frame

Said = dict[tuple[str, str], list[str]]
"""(locale, signature) to words."""


def of(spark: SparkSession, written: Said, searched: Said, untaught: list[str]) -> dict[str, Proof]:
    rows = [
        (locale, signature, source, words)
        for source, said in ((VLM, written), (CONSOLE, searched))
        for (locale, signature), all_words in said.items()
        for words in all_words
    ]
    fit = local_frame(spark, rows, "locale string, signature string, source string, words string")
    return proofs(fit, local_frame(spark, [(s,) for s in untaught], "signature string"))


@pytest.mark.transform
def test_what_is_confirmed_by_chance_is_what_all_other_pictures_of_the_locale_would_confirm(
    spark: SparkSession,
) -> None:
    rng = np.random.default_rng(3)
    words = [f"w{n}" for n in range(6)]
    pictures = [(locale, f"{locale}{n}") for locale, n in product(("de", "en"), range(7))]
    written = {p: list(rng.choice(words, 3)) for p in pictures}  # a wording may be there twice, and counts once
    searched = {p: list(rng.choice(words, 2)) for p in pictures[:-2]}
    untaught = [signature for _, signature in pictures if signature[-1] in "024"]
    measured = of(spark, written, searched, untaught)
    for at in ("de", "en"):
        asked = [p for p in searched if p[0] == at and p[1] in untaught]
        pairs = [(p, w) for p in asked for w in sorted(set(written[p]))]
        own = [w in searched[p] for p, w in pairs]
        others = [[w in searched[o] for o in searched if o[0] == at and o != p] for p, w in pairs]
        assert measured[at].pictures == len(asked)
        assert measured[at].confirmed == pytest.approx(np.mean(own))
        assert measured[at].by_chance == pytest.approx(np.mean([np.mean(each) for each in others]))


@pytest.mark.transform
def test_pictures_that_nobody_searched_for_and_those_that_were_taught_prove_nothing(spark: SparkSession) -> None:
    written = {("en", "a"): ["x"], ("en", "b"): ["x"], ("fr", "c"): ["x"], ("de", "d"): ["x"]}
    searched = {("en", "a"): ["x"], ("en", "b"): ["y"], ("de", "d"): ["x"]}
    assert of(spark, written, searched, ["b", "c", "d"]) == {"en": Proof(1, 0.0, 1.0)}


def test_a_model_is_doubted_where_it_was_measured_and_gains_too_little() -> None:
    measured = {"de": Proof(29, 0.1, 0.1), "en": Proof(30, 0.11, 0.1), "fr": Proof(500, 0.4, 0.1)}
    assert unproven(measured, min_gain=0.05) == ["en"]
    assert unproven(measured, min_gain=0.0) == []
    lines = proof_lines(measured, min_gain=0.05)
    assert [line[:2] for line in lines if "is dropped (unproven: min_gain is 0.05)" in line] == ["en"]
    assert (
        "500 pictures that it was not taught on, the console has 40.0% for the picture, 10.0% for another" in lines[2]
    )
