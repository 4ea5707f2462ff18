"""The real engine where one will do, and what reaches it otherwise."""

import os
import signal
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from geo_lib.models import ModelFiles
from geo_lib.serving.chat import load_tokenizer, response_tokens
from geo_lib.serving.partitions import generations
from geo_lib.serving.settings import AskedVlm, Decoding
from geo_lib.serving.vllm import EngineSpec, VllmServer, engine, output_to, spec_of, token_ends
from geo_lib.spark import local_frame
from tests.kit import PROMPT, TINY_BASE, drawn, png


class Recording:
    """Stands where vLLM's engine does, has nothing to do, and keeps how it was asked to draw."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        nothing = SimpleNamespace(request_states={})
        self.llm_engine = SimpleNamespace(output_processor=nothing, has_unfinished_requests=lambda: False)

    def enqueue(self, prompts: list[Any], sampling: Any, **_: Any) -> list[str]:
        self.asked.append(sampling)
        return []


def test_the_decoding_reaches_vllm_field_by_field_and_beside_it_that_probabilities_are_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HUMMING_DISABLE_PARALLEL_BUILD", "1")  # as every import of vLLM here
    from vllm import SamplingParams

    untold = SamplingParams()
    decoding = Decoding(temperature=0.3, top_p=0.7, top_k=5, repetition_penalty=1.2, max_new_tokens=33)
    server = object.__new__(VllmServer)
    server._spec = spec_of(ModelFiles("tiny", str(TINY_BASE), "digest"), AskedVlm(decoding=decoding))
    server._llm = recording = Recording()
    server.generate([])
    (told,) = recording.asked
    names = [field for field in SamplingParams.__struct_fields__ if not field.startswith("_")]
    differing = {name: getattr(told, name) for name in names if getattr(told, name) != getattr(untold, name)}
    decoded = {"temperature": 0.3, "top_p": 0.7, "top_k": 5, "repetition_penalty": 1.2, "max_tokens": 33}
    assert differing == decoded | {"logprobs": 0}


def test_output_of_the_process_goes_to_the_file_and_comes_back_after(tmp_path: Path) -> None:
    with output_to(str(tmp_path / "logs" / "engine.log")):
        os.write(1, b"to standard output\n")
        os.write(2, b"to standard error\n")
    os.write(2, b"after\n")
    assert (tmp_path / "logs" / "engine.log").read_text() == "to standard output\nto standard error\n"


@settings(deadline=None)  # the first call loads the tokenizer
@given(st.lists(st.integers(0, 2559), max_size=30))
def test_characters_are_counted_after_each_token_as_decoding_all_up_to_there_counts_them(tokens: list[int]) -> None:
    tokenizer = load_tokenizer(str(TINY_BASE))
    written = [tokenizer.decode(tokens[:end], skip_special_tokens=True) for end in range(1, len(tokens) + 1)]
    assert token_ends(tokenizer, tokens) == [len(text) for text in written]


def test_a_character_of_several_tokens_is_counted_once() -> None:
    tokenizer = load_tokenizer(str(TINY_BASE))
    tokens = tokenizer("oak 🙂日本é", add_special_tokens=False)["input_ids"]
    ends = token_ends(tokenizer, tokens)
    assert len(ends) > ends[-1] == len("oak 🙂日本é")


@pytest.mark.slow
def test_the_engine_answers_good_images_and_names_what_is_wrong_with_the_others(
    spark: SparkSession, tuned_vlm: ModelFiles, tmp_path: Path
) -> None:
    picture = drawn(1)[0]
    rows = [
        ("good", [picture.content], PROMPT),
        ("again", [picture.content], PROMPT),
        ("bad", [b"no picture"], PROMPT),
        ("strip", [png("red", (2, 700))], PROMPT),
        ("long", [picture.content], "word " * 2000),
    ]
    requests = local_frame(spark, rows, "signature string, images array<binary>, prompt string")
    load = partial(engine, spec_of(tuned_vlm, AskedVlm(), log_file=str(tmp_path / "vllm.log")))
    answers = {row["signature"]: row for row in generations(requests, key="signature", load=load).collect()}
    assert {s: a["error_class"] for s, a in answers.items()} == {
        "good": None, "again": None, "bad": "undecodable_image", "strip": "aspect_ratio", "long": "too_many_tokens",
    }  # fmt: skip
    good = answers["good"]
    assert good["text"] == answers["again"]["text"] == picture.response
    assert good["finish_reason"] == "stop"
    assert good["output_tokens"] == response_tokens(load_tokenizer(tuned_vlm.path), picture.response)
    assert good["prompt"] == PROMPT
    assert answers["bad"]["text"] is None
    assert answers["bad"]["output_tokens"] is None


def crowded(spec: EngineSpec, *, tokens: int) -> VllmServer:
    """A real engine with room for so few tokens in its cache that a long request never has what it needs."""
    server = engine(spec)
    inner = server._llm.llm_engine
    pool = inner.engine_core.engine_core.scheduler.kv_cache_manager.block_pool
    left = tokens // inner.vllm_config.cache_config.block_size
    pool.get_new_blocks(max(0, pool.get_num_free_blocks() - left))
    return server


@pytest.mark.slow
def test_a_request_that_can_never_be_begun_is_given_up_and_those_behind_it_are_answered(
    spark: SparkSession, tuned_vlm: ModelFiles, tmp_path: Path
) -> None:
    picture = drawn(1)[0]
    rows = [
        ("1", [picture.content], PROMPT),
        ("2", [], "word " * 200),
        ("3", [picture.content], PROMPT),
    ]
    requests = local_frame(spark, rows, "id string, images array<binary>, prompt string").orderBy("id")
    spec = spec_of(tuned_vlm, AskedVlm(patience_seconds=3), log_file=str(tmp_path / "vllm.log"))
    load = partial(crowded, spec, tokens=384)
    answers = {row["id"]: row for row in generations(requests, key="id", load=load).collect()}
    assert {i: a["error_class"] for i, a in answers.items()} == {"1": None, "2": "stalled", "3": None}
    assert answers["2"]["error_message"] == "it got no further for 3 s"
    assert answers["1"]["text"] == answers["3"]["text"] == picture.response


def breaking(spec: EngineSpec, log: Path) -> VllmServer:
    """A real engine that breaks at its fifth step the first time it is asked, and is killed there the second."""
    server = engine(spec)
    tries = len(log.read_text().splitlines()) if log.exists() else 0
    step, steps = server._llm.llm_engine.step, count(1)

    def broken() -> Any:
        if next(steps) == 5 and tries < 2:
            with log.open("a") as deaths:
                deaths.write(f"{os.getpid()}\n")
            if tries == 0:
                raise RuntimeError("an error on the device")
            os.kill(os.getpid(), signal.SIGKILL)
        return step()

    server._llm.llm_engine.step = broken
    return server


@pytest.mark.slow
def test_an_engine_that_breaks_or_is_killed_is_replaced_and_what_it_had_under_way_is_asked_again(
    spark: SparkSession, tuned_vlm: ModelFiles, tmp_path: Path
) -> None:
    pictures = drawn(3)
    rows = [(p.signature, [p.content], PROMPT) for p in pictures]
    requests = local_frame(spark, rows, "signature string, images array<binary>, prompt string")
    load = partial(breaking, spec_of(tuned_vlm, AskedVlm(), log_file=str(tmp_path / "vllm.log")), tmp_path / "log")
    answers = {row["signature"]: row["text"] for row in generations(requests, key="signature", load=load).collect()}
    assert answers == {p.signature: p.response for p in pictures}
    assert len(set((tmp_path / "log").read_text().splitlines())) == 2, "a worker of its own each time"
