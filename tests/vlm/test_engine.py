"""One row's fault costs that row; an engine's fault costs the task. On the real engine where one will do."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from geo_lib.models import ModelFiles
from geo_lib.vlm.engine import (
    BadRequestError,
    Decoding,
    EngineSpec,
    Generation,
    Prompt,
    RefusedError,
    answer_each,
    output_to,
)
from geo_lib.vlm.inference import generations
from geo_lib.vlm.processor import bounds_of, load_processor
from tests.kit import PROMPT, drawn, png


class Picky:
    """Refuses whole calls for one poisoned request, and cannot read some images: faults on demand."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def prepare(self, image: bytes, prompt: str) -> Prompt:
        if image == b"unreadable":
            raise BadRequestError("undecodable_image", "cannot decode image")
        return {"image": image, "prompt": prompt}

    def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        self.calls.append(len(prompts))
        if any(prompt["image"] == b"poison" for prompt in prompts):
            raise RefusedError("too long for the engine")
        return [Generation(text=f"about {prompt['image'].decode()}", finish_reason="stop") for prompt in prompts]


class Forgetful(Picky):
    """Loses its last answer: a fault that no real engine shows on demand."""

    def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        return super().generate(prompts)[:-1]


@given(st.lists(st.sampled_from([b"a", b"b", b"poison", b"unreadable"]), max_size=12))
def test_every_request_gets_its_own_answer_in_order_whatever_is_wrong_with_others(images: list[bytes]) -> None:
    answers = answer_each(Picky(), [(image, "p") for image in images])
    expected = {b"a": ("about a", None), b"b": ("about b", None), b"poison": (None, "rejected_by_engine"),
                b"unreadable": (None, "undecodable_image")}  # fmt: skip
    assert [(a.text, a.error_class) for a in answers] == [expected[image] for image in images]


def test_a_batch_without_a_fault_is_one_call_and_one_fault_costs_a_few_more() -> None:
    model = Picky()
    answer_each(model, [(b"a", "p")] * 8)
    assert model.calls == [8]
    model = Picky()
    answer_each(model, [(b"a", "p")] * 7 + [(b"poison", "p")])
    assert model.calls == [8, 4, 4, 2, 2, 1, 1]


def test_a_model_that_loses_an_answer_is_caught() -> None:
    with pytest.raises(ValueError, match="shorter"):
        answer_each(Forgetful(), [(b"oak", "p"), (b"desk", "p")])


def test_the_decoding_is_the_papers_and_every_parameter_is_in_its_version() -> None:
    paper = Decoding()
    assert (paper.temperature, paper.top_p, paper.top_k) == (0.1, 0.001, 1)
    assert (paper.repetition_penalty, paper.max_new_tokens) == (1.05, 256)
    others = [Decoding(temperature=0.2), Decoding(top_p=0.01), Decoding(top_k=2), Decoding(repetition_penalty=1.0),
              Decoding(max_new_tokens=255)]  # fmt: skip
    assert len({d.version for d in (paper, *others)}) == 6


def test_output_of_the_process_goes_to_the_file_and_comes_back_after(tmp_path: Path) -> None:
    with output_to(str(tmp_path / "logs" / "engine.log")):
        os.write(1, b"to standard output\n")
        os.write(2, b"to standard error\n")
    os.write(2, b"after\n")
    assert (tmp_path / "logs" / "engine.log").read_text() == "to standard output\nto standard error\n"


@pytest.mark.slow
def test_the_engine_answers_good_images_and_names_what_is_wrong_with_the_others(
    spark: SparkSession, tuned_vlm: ModelFiles, tmp_path: Path
) -> None:
    picture = drawn(1)[0]
    rows = [
        ("good", picture.content, PROMPT),
        ("again", picture.content, PROMPT),
        ("bad", b"no picture", PROMPT),
        ("strip", png("red", (2, 700)), PROMPT),
        ("long", picture.content, "word " * 2000),
    ]
    requests = spark.createDataFrame(rows, "signature string, bytes binary, prompt string")
    processor = load_processor(tuned_vlm.path)
    spec = EngineSpec(
        tuned_vlm.path, tuned_vlm.model_version, bounds_of(processor), log_file=str(tmp_path / "vllm.log")
    )
    answers = {row["signature"]: row for row in generations(requests, spec=spec).collect()}
    assert {s: a["error_class"] for s, a in answers.items()} == {
        "good": None, "again": None, "bad": "undecodable_image", "strip": "aspect_ratio", "long": "too_many_tokens",
    }  # fmt: skip
    good = answers["good"]
    assert good["text"] == answers["again"]["text"] == picture.response
    assert good["finish_reason"] == "stop"
    assert good["output_tokens"] == len(processor.tokenizer(picture.response + "<|im_end|>")["input_ids"])
    assert good["prompt"] == PROMPT
    assert answers["bad"]["text"] is None
    assert answers["bad"]["output_tokens"] is None
