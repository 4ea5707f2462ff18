"""Who answers in an evaluation. An arm has a name and a way to answer; what it could not answer is counted."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from geo_lib.counts import Counts

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Answers(Generic[A]):
    """What an arm said of each unit that it was asked about."""

    by_unit: Mapping[str, A]
    asked: int
    failed: Mapping[str, int] | None = None
    """Reason to units without an answer; null for an arm that cannot fail."""

    @property
    def unanswered(self) -> int:
        return sum((self.failed or {}).values())


@dataclass(frozen=True, slots=True)
class Arm(Generic[A]):
    name: str
    answer: Callable[[], Answers[A]]
    model_version: str | None = None
    """Weights that answer; null when no model does."""


def settled(written: Mapping[str, Any], wanted: Collection[str], *, read: Callable[[str | None], A]) -> Answers[A]:
    """The answers of a model: ``written`` holds a row with text or error_class per unit, ``read`` what a text says."""
    fates = Counter(written[unit]["error_class"] if unit in written else "no_answer" for unit in wanted)
    del fates[None]  # these were answered
    return Answers({unit: read(written[unit]["text"]) for unit in wanted if unit in written}, len(wanted), fates)


def ask(
    arms: Sequence[Arm[A]], *, max_failed_share: float, progress: Callable[[int, int, str], None]
) -> dict[str, Answers[A]]:
    """Every arm's answers, in the order of ``arms``.

    Raises ``TooManyFailedError`` when more than ``max_failed_share`` of an arm's answers are missing: they would
    score 0, and a broken engine would pass for a bad model.
    """
    answers: dict[str, Answers[A]] = {}
    for place, arm in enumerate(arms):
        progress(place, len(arms), arm.name)
        answers[arm.name] = said = arm.answer()
        Counts(said.asked, said.asked - said.unanswered, failed=said.failed or {}).refuse_above(
            max_failed_share, unit=f"answers of the arm {arm.name}"
        )
    return answers
