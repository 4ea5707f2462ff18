"""The next chunk is read and the last one kept while one is answered, and no error of either is lost."""

import threading
from collections.abc import Callable
from itertools import pairwise

import pytest
from pyspark.sql import DataFrame, SparkSession

from geo_lib.serving.beside import Beside
from geo_lib.serving.chunks import KeyRange, hash_ranges
from geo_lib.spark import local_frame

FIRST, SECOND, THIRD = RANGES = hash_ranges(3)


@pytest.fixture
def frame(spark: SparkSession) -> Callable[[], DataFrame]:
    return lambda: local_frame(spark, [("a",)], "id string")


def test_the_range_after_the_one_asked_is_read_meanwhile_and_none_twice(frame: Callable[[], DataFrame]) -> None:
    read: list[KeyRange] = []
    second_is_read = threading.Event()

    def reading(chunk: KeyRange) -> DataFrame:
        read.append(chunk)
        if chunk == SECOND:
            second_is_read.set()
        return frame()

    with Beside(read=reading, keep=lambda _: None, following=dict(pairwise(RANGES))) as beside:
        first = beside.requests(FIRST)
        assert first is not None
        assert first.count() == 1
        assert second_is_read.wait(20), "nobody has asked for it yet"
        for chunk in (SECOND, THIRD):
            beside.requests(chunk)
    assert read == [FIRST, SECOND, THIRD]
    assert beside.seconds["read"] > 0


def test_a_range_without_requests_is_none(frame: Callable[[], DataFrame]) -> None:
    with Beside(read=lambda _: frame().limit(0), keep=lambda _: None, following={}) as beside:
        assert beside.requests(FIRST) is None


def test_answers_are_kept_in_order_while_others_are_awaited(frame: Callable[[], DataFrame]) -> None:
    kept: list[DataFrame] = []
    may_go_on = threading.Event()

    def keeping(answered: DataFrame) -> None:
        assert may_go_on.wait(20)
        kept.append(answered)

    answers = [frame(), frame()]
    with Beside(read=lambda _: frame(), keep=keeping, following={}) as beside:
        beside.keep(answers[0])
        assert kept == [], "it came back before that was kept"
        may_go_on.set()
        beside.keep(answers[1])
        assert kept[:1] == answers[:1]
    assert kept == answers


def test_what_cannot_be_kept_ends_the_asking(frame: Callable[[], DataFrame]) -> None:
    def keeping(answered: DataFrame) -> None:
        raise OSError("no space left")

    with Beside(read=lambda _: frame(), keep=keeping, following={}) as beside:
        beside.keep(frame())
        with pytest.raises(OSError, match="no space left"):
            beside.keep(frame())


def test_what_the_last_answers_were_not_kept_for_is_raised_at_the_end(frame: Callable[[], DataFrame]) -> None:
    def keeping(answered: DataFrame) -> None:
        raise OSError("no space left")

    beside = Beside(read=lambda _: frame(), keep=keeping, following={})
    beside.keep(frame())
    with pytest.raises(OSError, match="no space left"):
        beside.__exit__(None, None, None)
