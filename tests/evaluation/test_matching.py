"""Sets of queries against sets of intents: hand-counted cases, invariants, every script."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from geo_lib.evaluation.matching import WordTokenizer, category_scores, matched_score, rouge1_f1

words = st.text(alphabet="ab ", max_size=6)


def test_half_the_words_in_common_score_half() -> None:
    assert rouge1_f1("red oak table", "red oak lamp") == pytest.approx(2 / 3)
    assert rouge1_f1("red vase", "blue vase") == pytest.approx(1 / 2)
    assert rouge1_f1("red vase", "red red") == pytest.approx(1 / 2)


@settings(deadline=None)
@given(words, words)
def test_on_plain_english_it_is_rouge_scores_own_figure(truth: str, answer: str) -> None:
    own = RougeScorer(["rouge1"]).score(truth, answer)["rouge1"].fmeasure
    assert rouge1_f1(truth, answer) == pytest.approx(own)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Grüner Tee-Set", ["grüner", "tee", "set"]),
        ("café d'été", ["café", "d", "été"]),
        ("日本の庭 garden", ["日", "本", "の", "庭", "garden"]),
        ("size 38_40", ["size", "38", "40"]),
        ("!?", []),
    ],
)
def test_words_of_any_script_are_tokens(text: str, tokens: list[str]) -> None:
    assert WordTokenizer().tokenize(text) == tokens


def test_a_japanese_answer_is_not_worth_nothing() -> None:
    assert rouge1_f1("日本の庭", "日本の家") == pytest.approx(3 / 4)


def test_the_best_paraphrase_counts() -> None:
    assert matched_score(["gift for her"], [["present for women", "gift for her"]]) == 1.0


def test_the_matching_is_the_best_one_and_not_the_greedy_one() -> None:
    intents = [["red oak"], ["red"]]
    # greedy gives "red oak" its perfect partner either way; "red" may not take the first intent twice
    assert matched_score(["red", "red oak"], intents) == 1.0
    # "red oak" -> 2nd intent would cost more than it brings: best total is 1 + 0 over two
    assert matched_score(["red oak", "blue"], intents) == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    ("answers", "intents", "score"),
    [
        (["a"], [["a"], ["b"]], 1 / 2),
        (["a", "b", "c", "d"], [["a"]], 1 / 4),
        ([], [["a"]], 0.0),
        (["a"], [], 0.0),
        (["a", "a"], [["a"]], 1 / 2),
    ],
)
def test_what_is_left_over_on_either_side_scores_nothing(
    answers: list[str], intents: list[list[str]], score: float
) -> None:
    assert matched_score(answers, intents) == pytest.approx(score)


def test_nothing_against_nothing_is_no_score() -> None:
    assert matched_score([], []) is None


@settings(deadline=None)
@given(
    st.lists(words, min_size=1, max_size=4), st.lists(st.lists(words, min_size=1, max_size=2), min_size=1, max_size=4)
)
def test_the_order_of_either_side_changes_nothing_and_scores_stay_within_0_and_1(
    answers: list[str], intents: list[list[str]]
) -> None:
    score = matched_score(answers, intents)
    assert score is not None
    assert 0 <= score <= 1
    assert matched_score(answers[::-1], intents[::-1]) == pytest.approx(score)


def test_a_good_query_in_the_wrong_category_is_worth_nothing() -> None:
    scores = category_scores(
        {"style": ["red vase"]}, {"description": [["red vase"]]}, ("description", "style", "use_case")
    )
    assert scores == {"description": 0.0, "style": 0.0, "use_case": None}
