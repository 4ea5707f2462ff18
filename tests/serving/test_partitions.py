"""Requests of a DataFrame go to whatever server answers, and come back under their key."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from geo_lib.serving.partitions import ANSWER, SECONDS, generations
from geo_lib.serving.requests import BadRequestError, Generation, Prepared, Request, Server
from geo_lib.spark import local_frame


def echo(log: Path) -> Callable[[], Server]:
    """A server that says what it was asked, charges for it, cannot take the word "bad", and notes when it is loaded."""

    class Echo:
        at_once = 2

        def prepare(self, request: Request) -> Prepared:
            if request.prompt == "bad":
                raise BadRequestError("bad_word", "it says bad")
            return f"{request.id}: {request.prompt} {b' '.join(request.images).decode()}".strip()

        def generate(self, prepared: Sequence[Prepared]) -> list[Generation]:
            assert len(prepared) <= self.at_once
            return [
                Generation(
                    text,
                    finish_reason="stop",
                    output_tokens=len(text),
                    cost_dollars=0.5,
                    token_ends=[4, len(text)],
                    token_logprobs=[-0.5, -0.25],
                )
                for text in prepared
            ]

    def load() -> Server:
        with log.open("a") as loaded:
            loaded.write("loaded\n")
        return Echo()

    return load


def named(columns: str) -> list[str]:
    return [column.split()[0] for column in columns.split(", ")]


@pytest.mark.transform
def test_every_request_comes_back_under_its_key_with_its_prompt_its_answer_and_what_it_cost(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = [("q1", "red vase"), ("q2", "bad"), ("q3", "oak table")]
    asked = local_frame(spark, rows, "query_id string, prompt string")
    answers = generations(asked, key="query_id", load=echo(tmp_path / "log"))
    assert answers.columns == ["query_id", "prompt", *named(ANSWER), *named(SECONDS)]
    assert sorted(tuple(row) for row in answers.drop(*named(SECONDS)).collect()) == [
        ("q1", "red vase", "q1: red vase", None, None, "stop", None, 12, 0.5, [4, 12], [-0.5, -0.25]),
        ("q2", "bad", None, "bad_word", "it says bad", None, None, None, None, None, None),
        ("q3", "oak table", "q3: oak table", None, None, "stop", None, 13, 0.5, [4, 13], [-0.5, -0.25]),
    ]


@pytest.mark.transform
def test_a_request_may_show_several_pictures(spark: SparkSession, tmp_path: Path) -> None:
    rows = [("a", "which?", [bytearray(b"one"), bytearray(b"two")]), ("b", "none?", [])]
    asked = local_frame(spark, rows, "pair string, prompt string, images array<binary>")
    answers = generations(asked, key="pair", load=echo(tmp_path / "log"))
    assert {row["pair"]: row["text"] for row in answers.collect()} == {"a": "a: which? one two", "b": "b: none?"}


def slow(*, decode: float, engine: float) -> Callable[[], Server]:
    """A server that takes these seconds over a request and over a call."""

    class Slow:
        at_once = 2

        def prepare(self, request: Request) -> Prepared:
            time.sleep(decode)
            return request.prompt

        def generate(self, prepared: Sequence[Prepared]) -> list[Generation]:
            time.sleep(engine)
            return [Generation(text) for text in prepared]

    def load() -> Server:
        time.sleep(0.2)
        return Slow()

    return load


def test_what_loading_decoding_and_answering_took_is_shared_by_the_rows_of_a_batch(spark: SparkSession) -> None:
    asked = local_frame(spark, [(str(n), "oak") for n in range(6)], "id string, prompt string")
    load = slow(decode=0.05, engine=0.1)
    rows = [row.asDict() for row in generations(asked, key="id", load=load).orderBy("id").collect()]
    start, decode, engine = (sum(row[name] for row in rows) for name in named(SECONDS))
    assert start == pytest.approx(0.2, abs=0.1)
    assert decode == pytest.approx(6 * 0.05, abs=0.15)
    assert engine == pytest.approx(3 * 0.1, abs=0.15)
    assert sorted(row["start_seconds"] > 0 for row in rows) == [False] * 4 + [True] * 2, "it is loaded for the first"


def test_a_partition_without_requests_loads_no_server(spark: SparkSession, tmp_path: Path) -> None:
    asked = local_frame(spark, [("a", "oak")], "id string, prompt string")
    assert generations(asked, key="id", load=echo(tmp_path / "log"), partitions=3).count() == 1
    assert (tmp_path / "log").read_text() == "loaded\n"
