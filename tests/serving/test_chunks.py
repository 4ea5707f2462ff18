"""Chunks are ranges that hold every key once, and one that kills its worker is halved until the cause stands alone."""

import hashlib
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from geo_lib.serving.chunks import KeyRange, answered_in_ranges, begun_by, hash_ranges
from geo_lib.serving.partitions import ANSWER, generations, unanswered
from geo_lib.serving.requests import BrokenServerError, Generation, Prepared, Request, Server
from geo_lib.spark import local_frame


def deadly(log: Path) -> Callable[[], Server]:
    """A server that the word "poison" kills with its worker, as memory that runs out does, and that "venom" breaks, as
    an error on a device does; it notes each time in ``log``."""

    class Deadly:
        at_once = 8

        def prepare(self, request: Request) -> Prepared:
            if request.prompt == "trouble":
                raise RuntimeError("the disk is full")
            return request.prompt

        def generate(self, prepared: Sequence[Prepared]) -> list[Generation]:
            if {"poison", "venom"} & set(prepared):
                with log.open("a") as deaths:
                    deaths.write(f"{os.getpid()}\n")
                if "venom" in prepared:
                    raise BrokenServerError("an error on the device")
                os.kill(os.getpid(), signal.SIGKILL)
            return [Generation(text=f"{text} answered", finish_reason="stop") for text in prepared]

    return Deadly


def asked(spark: SparkSession, prompts: Sequence[str]) -> DataFrame:
    return local_frame(spark, [(f"k{n}", p) for n, p in enumerate(prompts)], "id string, prompt string")


def answer(requests: DataFrame, log: Path, ranges: Sequence[KeyRange]) -> tuple[list[str], dict[str, str]]:
    """The keys that killed their worker, and what the others were answered."""
    answers: dict[str, str] = {}

    def ask(chunk: KeyRange) -> bool:
        rows = generations(chunk.of(requests, "id"), key="id", load=deadly(log)).collect()
        assert answers.keys().isdisjoint(row["id"] for row in rows), "nothing that was answered is asked again"
        answers.update({row["id"]: row["text"] for row in rows})
        return bool(rows)

    lost: list[str] = []
    answered_in_ranges(
        ranges,
        ask=ask,
        keys_of=lambda chunk: [row["id"] for row in chunk.of(requests, "id").collect()],
        lose=lost.extend,
        control=lambda: False,
        progress=lambda done, total: None,
    )
    return lost, answers


def test_others_begin_elsewhere_and_go_through_the_same_ranges() -> None:
    ranges = hash_ranges(7)
    begun = {who: begun_by(who, ranges) for who in "abcdefgh"}
    for mine in begun.values():
        first = ranges.index(mine[0])
        assert mine == ranges[first:] + ranges[:first]
    assert len({mine[0].first for mine in begun.values()}) > 3
    assert begun_by("a", ranges) == begun["a"]
    assert begun_by("a", []) == []


@dataclass
class Machine:
    """What answers keys without a worker, and says of those that kill one what Spark would."""

    keys: Sequence[str]
    poison: frozenset[str] = frozenset()
    broken: str | None = None
    """The key at whose range the job itself falls over."""
    old: str | None = None
    """A key that was answered before."""
    lost: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)

    def within(self, chunk: KeyRange) -> list[str]:
        return [k for k in self.keys if (chunk.first or "") <= k and (chunk.end is None or k < chunk.end)]

    def ask(self, chunk: KeyRange) -> bool:
        some = self.within(chunk)
        if self.broken in some:
            raise RuntimeError("the power is gone")
        self.work(some)
        self.answered += some
        return bool(some)

    def ask_again(self) -> bool:
        old = [] if self.old is None else [self.old]
        self.work(old)
        return bool(old)

    def work(self, some: Sequence[str]) -> None:
        if not self.poison.isdisjoint(some):
            raise PySparkException("Python worker exited unexpectedly")

    def run(self, ranges: Sequence[KeyRange]) -> None:
        answered_in_ranges(
            ranges,
            ask=self.ask,
            keys_of=self.within,
            lose=self.lost.extend,
            control=self.ask_again,
            progress=lambda done, total: None,
        )


@pytest.mark.transform
@pytest.mark.parametrize("count", [1, 2, 7, 256])
def test_ranges_hold_every_key_once_and_hashes_about_equally(spark: SparkSession, count: int) -> None:
    hashes = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(count * 100)]
    keys = local_frame(spark, [(k,) for k in (*hashes, "", "0", "f" * 65, "zz", "ü")], "k string").cache()
    ranges = hash_ranges(count)
    some = ranges if count < 10 else ranges[:3] + ranges[-3:]
    sizes = [one.of(keys, "k").count() for one in some]
    assert all(40 < size < 160 for size in sizes)
    if count < 10:
        assert sum(sizes) == len(hashes) + 5
    ends = [one.end for one in ranges]
    assert [one.first for one in ranges] == [None, *ends[:-1]]
    assert ends == [*sorted(end for end in ends if end), None]


def test_no_chunk_no_range_and_halves_part_their_keys() -> None:
    assert hash_ranges(0) == []
    assert KeyRange("a", "x").halved(["b", "c", "d"]) == (KeyRange("a", "c"), KeyRange("c", "x"))
    assert KeyRange().halved(["b", "c"]) == (KeyRange(None, "c"), KeyRange("c", None))


@pytest.mark.parametrize("deadly_word", ["poison", "venom"])
def test_a_request_that_ends_its_worker_or_server_is_found_by_halves_and_every_other_one_is_answered_once(
    spark: SparkSession, tmp_path: Path, deadly_word: str
) -> None:
    requests = asked(spark, ["oak", "ash", deadly_word, "elm"])
    lost, answers = answer(requests, tmp_path / "log", [KeyRange(None, "k1"), KeyRange("k1", None)])
    assert lost == ["k2"]
    assert answers == {"k0": "oak answered", "k1": "ash answered", "k3": "elm answered"}
    deaths = (tmp_path / "log").read_text().splitlines()
    assert len(deaths) == len(set(deaths)) == 3 * 3, (
        "three tries of three requests, of two and of one, none by a worker twice"
    )


def test_where_nothing_at_all_is_answered_no_request_is_blamed(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="Python worker exited unexpectedly"):
        answer(asked(spark, ["poison"]), tmp_path / "log", [KeyRange()])


def test_any_other_error_is_raised_at_once(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="the disk is full"):
        answer(asked(spark, ["oak", "trouble"]), tmp_path / "log", [KeyRange()])


@pytest.mark.parametrize("seed", range(60))
def test_one_poisoned_request_in_a_hundred_wherever_they_lie_costs_no_other_its_answer(seed: int) -> None:
    keys = [f"{n:04}" for n in range(1000)]
    poison = Random(seed).sample(keys, 10)
    machine = Machine(keys, frozenset(poison))
    machine.run([KeyRange(None, "0256"), KeyRange("0256", "0512"), KeyRange("0512", "0768"), KeyRange("0768", None)])
    assert sorted(machine.lost) == sorted(poison)
    assert sorted([*machine.answered, *poison]) == keys


def test_a_lost_request_is_kept_before_the_next_chunk_is_asked() -> None:
    machine = Machine(["a", "b", "c", "d", "e"], frozenset({"b"}), broken="d")
    with pytest.raises(RuntimeError, match="the power is gone"):
        machine.run([KeyRange(None, "d"), KeyRange("d", None)])
    assert machine.lost == ["b"]


def test_a_request_that_was_answered_before_tells_a_deadly_one_from_a_machine_at_fault() -> None:
    keys = list("abcdefghijklmnopqrstuvwxyz")
    deadly_keys = Machine(keys, frozenset(keys), old="old")
    deadly_keys.run([KeyRange(key, key + "~") for key in keys])
    assert deadly_keys.lost == keys
    for at_fault in (Machine(["a"], frozenset("a")), Machine(keys, frozenset([*keys, "old"]), old="old")):
        with pytest.raises(PySparkException, match="exited unexpectedly"):
            at_fault.run([KeyRange()])
        assert not at_fault.lost


@pytest.mark.transform
def test_requests_without_an_answer_have_the_columns_of_those_with_one(spark: SparkSession) -> None:
    rows = unanswered(asked(spark, ["oak"]), key="id", error_class="worker_lost", error_message="killed")
    wanted = local_frame(spark, [], f"id string, prompt string, {ANSWER}")
    assert [(f.name, f.dataType) for f in rows.schema] == [(f.name, f.dataType) for f in wanted.schema]
    assert [tuple(row) for row in rows.collect()] == [("k0", "oak", None, "worker_lost", "killed", *[None] * 6)]
