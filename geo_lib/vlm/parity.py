"""Whether the files that are served write what the model wrote as it was trained, and if not, what lies between them.

Two programs run one model: transformers with adapters and our collator in training, vLLM with merged weights when it
serves. Each has its own way to scale a picture, to fill the chat template and to multiply; what is measured of the one
is no good for the other unless both write the same.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path

from geo_lib.config import zero_to_one
from geo_lib.serving.settings import Decoding
from geo_lib.serving.visual_tokens import PixelBounds

FILE = "training_answers.json"
"""Lies beside the weights of a model: what it wrote before its adapters were merged."""
FLOAT32, BFLOAT16 = "float32", "bfloat16"
_QUOTED = 120
"""Characters of an answer that a sentence quotes."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How many answers are compared, and how many have to be the same."""

    examples: int = 16
    """Held-out examples, the first by their ids, which are hashes; 0 compares nothing."""
    precision: str = FLOAT32
    """In which both sides compute, float32 or bfloat16."""
    min_equal: float = 0.9375
    """The share of answers that are the same text in float32: 15 of 16;"""
    min_equal_bfloat16: float = 0.5
    """and in bfloat16, where two words may be equally likely but for what rounding makes of them."""

    def __post_init__(self) -> None:
        zero_to_one(self, "min_equal", "min_equal_bfloat16")
        if self.examples < 0:
            raise ValueError(f"parity.examples must not be negative, but it is {self.examples}")
        if self.precision not in (FLOAT32, BFLOAT16):
            raise ValueError(f"parity.precision must be {FLOAT32} or {BFLOAT16}, not {self.precision}")

    def least(self, precision: str) -> float:
        """The share of answers that must be the same in this precision."""
        return self.min_equal if precision == FLOAT32 else self.min_equal_bfloat16


@dataclass(frozen=True, slots=True)
class Answer:
    """What one side was asked, in tokens, each of a picture's among them, and what it wrote."""

    prompt_ids: list[int]
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    signature: str
    prompt: str


@dataclass(frozen=True, slots=True)
class TrainingAnswers:
    """What a model wrote as it was trained, in this precision and decoding, to be held against what is served."""

    precision: str
    decoding: Decoding
    bounds: PixelBounds
    questions: list[Question]
    answers: list[Answer]

    def first(self, most: int) -> "TrainingAnswers":
        """So many of them, where there are as many."""
        return replace(self, questions=self.questions[:most], answers=self.answers[:most])

    def save(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(asdict(self), ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "TrainingAnswers | None":
        """Those beside a model's weights; null where it was trained without."""
        if not (folder / FILE).is_file():
            return None
        stored = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return cls(
            stored["precision"],
            Decoding(**stored["decoding"]),
            PixelBounds(**stored["bounds"]),
            [Question(**question) for question in stored["questions"]],
            [Answer(**answer) for answer in stored["answers"]],
        )


@dataclass(frozen=True, slots=True)
class Served:
    """What vLLM made of the same questions, under these pixel bounds."""

    bounds: PixelBounds
    answers: list[Answer | str]
    """An error's message in the place of an answer that there is not."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many answers were compared, how many were the same, and what lies between the others.

    ``difference``: part of a sentence; null while enough are the same.
    """

    asked: int
    equal: int
    difference: str | None


def verdict(
    trained: TrainingAnswers,
    served: Served,
    *,
    parity: Parity,
    image_token: int,
    decode: Callable[[Sequence[int]], str],
    merged: Callable[[], Sequence[str]],
) -> Verdict:
    """Compare both sides; where they differ, say in which of picture, prompt, weights or computation.

    A picture or a prompt that differs is a difference whatever was answered. ``merged``: what the merged weights answer
    where nothing else differs from training, asked only where that tells one cause from another.
    """
    pairs = list(zip(trained.questions, trained.answers, served.answers, strict=True))
    equal = sum(not isinstance(mine, str) and mine.text == other.text for _, other, mine in pairs)
    for question, other, mine in pairs:
        if not isinstance(mine, str) and (
            difference := _of_prompts(question, other.prompt_ids, mine.prompt_ids, trained, served, image_token, decode)
        ):
            return Verdict(len(pairs), equal, difference)
    if trained.bounds != served.bounds:
        ranges = f"{_range(trained.bounds)} in training, {_range(served.bounds)} in vLLM"
        return Verdict(len(pairs), equal, f"the pixel bounds differ, if for none of these pictures: {ranges}")
    least = parity.least(trained.precision)
    if equal >= least * len(pairs):
        return Verdict(len(pairs), equal, None)
    return Verdict(len(pairs), equal, _of_answers(pairs, equal, least, trained.precision, merged()))


def _of_prompts(
    question: Question,
    trained_ids: Sequence[int],
    served_ids: Sequence[int],
    trained: TrainingAnswers,
    served: Served,
    image_token: int,
    decode: Callable[[Sequence[int]], str],
) -> str | None:
    """What differs in one prompt: the tokens of its picture first, since they are many and move all that follows."""
    of_picture = [sum(token == image_token for token in ids) for ids in (trained_ids, served_ids)]
    if of_picture[0] != of_picture[1]:
        within = [_range(bounds) for bounds in (trained.bounds, served.bounds)]
        return (
            f"the pixel bounds differ: picture {question.signature[:12]} is {of_picture[0]} tokens in training, within "
            f"{within[0]}, and {of_picture[1]} in vLLM, within {within[1]}; save the processor of the training beside "
            "the weights"
        )
    texts = [[token for token in ids if token != image_token] for ids in (trained_ids, served_ids)]
    for place, (one, other) in enumerate(zip_longest(*texts)):
        if one != other:
            around = [decode(ids[max(0, place - 3) : place + 5]) for ids in texts]
            return (
                f"the templates differ: about picture {question.signature[:12]}, from token {place} of the text on, "
                f"the training read {around[0]!r} and vLLM {around[1]!r}; save the chat template of the training "
                "beside the weights"
            )
    return None


def _of_answers(
    pairs: Sequence[tuple[Question, Answer, Answer | str]],
    equal: int,
    least: float,
    precision: str,
    merged: Sequence[str],
) -> str:
    """The prompts are the same: either the merged weights are others than those that were trained, or vLLM computes
    otherwise with them."""
    (question, other, mine), again = next(
        (pair, text)
        for pair, text in zip(pairs, merged, strict=True)
        if isinstance(pair[2], str) or pair[1].text != pair[2].text
    )
    by_merged = sum(text == answer.text for text, (_, answer, _) in zip(merged, pairs, strict=True))
    said = f"nothing ({mine})" if isinstance(mine, str) else repr(mine.text[:_QUOTED])
    example = f"to picture {question.signature[:12]} the training wrote {other.text[:_QUOTED]!r}, vLLM {said}"
    asked = f"{equal} of {len(pairs)} answers are the same, where {least:.0%} are wanted"
    if by_merged < least * len(pairs):
        return (
            f"the merge differs: transformers writes {by_merged} of {len(pairs)} answers of the training with the "
            f"merged weights, too; {asked}; {example}"
        )
    return (
        f"the computation differs: transformers writes {by_merged} of {len(pairs)} answers of the training with the "
        f"merged weights, but vLLM in {precision} does not; {asked}; {example}, and transformers {again[:_QUOTED]!r}"
    )


def _range(bounds: PixelBounds) -> str:
    return f"{bounds.min_pixels:,} to {bounds.max_pixels:,} pixels"


def report(result: Verdict, wanted: int) -> str:
    """What a report says of it."""
    fewer = f" ({wanted} were asked for)" if result.asked < wanted else ""
    return f"the same answer from vLLM as in training: {result.equal} of {result.asked}{fewer}"
