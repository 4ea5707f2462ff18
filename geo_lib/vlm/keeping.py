"""A tuned model as files that can be served, with what it answered before its adapters were merged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from geo_lib.serving.processor import bounds_of
from geo_lib.serving.settings import Decoding
from geo_lib.vlm import finetune as tuning
from geo_lib.vlm.batches import Example
from geo_lib.vlm.greedy import written
from geo_lib.vlm.parity import Parity, Question, TrainingAnswers

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import Qwen2VLProcessor


@dataclass(frozen=True, slots=True)
class Answered:
    """What a tuned model is asked before it is merged: the first of these examples, as ``parity`` says."""

    examples: Sequence[Example]
    images: Mapping[str, bytes]
    parity: Parity
    decoding: Decoding


def keep(tuned: "PeftModel", processor: "Qwen2VLProcessor", answered: Answered, *, made: Path) -> None:
    """Leave the merged model, its processor and its answers in ``made``; ``tuned`` is used up."""
    asked, precision = answered.examples[: answered.parity.examples], answered.parity.precision
    texts = written(tuned, processor, asked, answered.images, decoding=answered.decoding, precision=precision)
    questions = [Question(example.signature, example.prompt) for example in asked]
    answers = TrainingAnswers(precision, answered.decoding, bounds_of(processor), questions, texts)
    tuning.merged(tuned).save_pretrained(made)
    processor.save_pretrained(made)
    answers.save(made)
