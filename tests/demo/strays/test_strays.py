"""Templates make the same texts every time, and no text is of two kinds."""

from random import Random

import pytest

from geo_lib.demo.oracle.behaviour import Behaviour
from geo_lib.demo.oracle.judgements import judged, texts_to_judge
from geo_lib.demo.strays.grammar import fillings
from geo_lib.demo.strays.strays import KINDS, LOCALES, strays
from geo_lib.demo.truth.planted_queries import planted_queries
from geo_lib.queries.text import normalise, same_words_key

WORDS = {"thing": ["vase", "rug"]}


def test_a_template_makes_each_text_that_it_stands_for_and_always_the_same() -> None:
    template = "(buy|get (a|two)) {thing}s? (now)?"
    made = fillings(template, WORDS, count=50, seed="s")
    assert set(made) == {
        f"{verb} {thing}{end}{now}"
        for verb in ("buy", "get a", "get two") for thing in WORDS["thing"] for end in ("", "s") for now in ("", " now")
    }  # fmt: skip
    assert made == fillings(template, WORDS, count=50, seed="s") != fillings(template, WORDS, count=50, seed="t")
    assert len(fillings(template, WORDS, count=3, seed="s")) == 3


@pytest.mark.parametrize("wrong", ["(a|b", "a)", "(a))"])
def test_a_template_whose_brackets_do_not_match_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"group that does not end|bracket too many"):
        fillings(wrong, WORDS, count=1, seed="s")


def test_no_text_is_of_two_kinds_and_each_kind_has_many_wordings_in_every_language() -> None:
    keys = [(stray.locale, normalise(stray.query, locale=stray.locale)) for stray in strays()]
    assert len(set(keys)) == len(keys)
    for locale in LOCALES:
        for kind in (*KINDS, None):
            templates = {stray.template for stray in strays() if (stray.locale, stray.kind) == (locale, kind)}
            assert len(templates) >= (30 if kind in ("brand", "exclusionary") else 60)


def test_no_stray_is_planted_so_that_nobody_is_taught_what_is_to_be_recognised() -> None:
    def words(locale: str, text: str) -> tuple[str, str]:
        return locale, same_words_key(normalise(text, locale=locale), locale=locale)

    planted = {words(it.locale, it.query) for it in planted_queries()}
    assert planted.isdisjoint(words(stray.locale, stray.query) for stray in strays())


def test_the_oracle_judges_strays_by_heart_and_some_wrongly_and_calls_all_else_fit() -> None:
    some = Random(0).sample([stray for stray in strays() if stray.locale == "en"], 500)
    texts = [stray.query for stray in some]
    sound = judged([*texts, "a red vase that nobody thought of"], "en", Behaviour(misjudged=0.0))["judgements"]
    expected = [[stray.kind] if stray.kind else [] for stray in some]
    assert [it["kinds"] for it in sound] == [*expected, []]
    assert [it["number"] for it in sound] == list(range(1, 502))
    noisy = judged(texts, "en", Behaviour(misjudged=0.2))["judgements"]
    wrong = sum(it["kinds"] != right for it, right in zip(noisy, expected, strict=True))
    assert 70 < wrong < 130


def test_a_request_to_judge_ends_in_an_array_of_texts_and_no_other_does() -> None:
    assert texts_to_judge('Judge.\nlocale: en\n["a", "b\\nc"]') == ["a", "b\nc"]
    assert texts_to_judge("Write.\nlocale: en\nboard: x") is None
    assert texts_to_judge("Write.\n[1, 2]") is None
