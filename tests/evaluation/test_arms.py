"""Arms are asked in turn, and what one could not answer is counted and not scored in silence."""

import pytest

from geo_lib.errors import TooManyFailedError
from geo_lib.evaluation.arms import Answers, Arm, ask, settled

WRITTEN = {
    "a": {"text": "oak", "error_class": None},
    "b": {"text": None, "error_class": "undecodable_image"},
}


def test_answers_errors_and_silence_are_told_apart() -> None:
    answers = settled(WRITTEN, ["a", "b", "c"], read=lambda text: text or "nothing")
    assert answers.by_unit == {"a": "oak", "b": "nothing"}
    assert dict(answers.failed or {}) == {"undecodable_image": 1, "no_answer": 1}
    assert (answers.asked, answers.unanswered) == (3, 2)


def test_all_answered_is_no_failure() -> None:
    answers = settled(WRITTEN, ["a"], read=str)
    assert (answers.failed, answers.unanswered) == ({}, 0)


def test_every_arm_is_asked_in_turn_and_told_of() -> None:
    told: list[tuple[int, int, str]] = []
    arms = [Arm("one", lambda: Answers({"a": 1}, 1)), Arm("two", lambda: Answers({"a": 2}, 1, {}))]
    answers = ask(arms, max_failed_share=0.0, progress=lambda *where: told.append(where))
    assert {name: a.by_unit for name, a in answers.items()} == {"one": {"a": 1}, "two": {"a": 2}}
    assert told == [(0, 2, "one"), (1, 2, "two")]


def test_an_arm_that_mostly_fails_stops_the_evaluation_by_its_name() -> None:
    broken = Arm("broken", lambda: settled(WRITTEN, ["a", "b"], read=str))
    with pytest.raises(TooManyFailedError, match=r"1 of 2 answers of the arm broken.*undecodable_image 1"):
        ask([broken], max_failed_share=0.4, progress=lambda *_: None)
    assert ask([broken], max_failed_share=0.5, progress=lambda *_: None)["broken"].unanswered == 1
