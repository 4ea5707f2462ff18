"""Many requests in chunks, each a range of their key; a chunk that kills its worker is halved until the cause is alone.

Files of a table that is sorted by the key hold a range of it each, so that a chunk opens its own files and no others.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from geo_lib.serving.requests import BrokenServerError

WORKER_LOST = "worker_lost"
"""The error of a request that kills whoever is to answer it."""

_SIGNS_OF_LOSS = ("Python worker exited unexpectedly", "ExecutorLostFailure", BrokenServerError.__name__)
"""What Spark says when a worker is gone, the executor with it, or its server alone, after as many tries as it gives a
task: each has a worker of its own, and so a server, whatever became of the last."""
_MOST_IN_A_ROW = 16
"""Ranges that may lose their worker one after the other: so many halves lead from a chunk of 32,768 to one request."""


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Keys from ``first`` up to ``end``, which is no part of it; null is open."""

    first: str | None = None
    end: str | None = None

    def of(self, df: DataFrame, key: str) -> DataFrame:
        """The rows of ``df`` whose ``key`` lies in the range."""
        return df.where(self.holds(key))

    def holds(self, key: str) -> Column:
        """Whether ``key`` lies in the range."""
        is_after = F.lit(True) if self.first is None else F.col(key) >= self.first
        return is_after if self.end is None else is_after & (F.col(key) < self.end)

    def halved(self, keys: Sequence[str]) -> tuple["KeyRange", "KeyRange"]:
        """Two ranges with half of the keys each; ``keys``: two or more of this range, sorted."""
        middle = keys[len(keys) // 2]
        return KeyRange(self.first, middle), KeyRange(middle, self.end)


def hash_ranges(count: int) -> list[KeyRange]:
    """So many ranges in order, which hold every key once and of hashes in hexadecimal digits about equally many."""
    cuts = [f"{(n << 64) // count:016x}" for n in range(1, count)]
    return [KeyRange(*ends) for ends in pairwise([None, *cuts, None])] if count else []


def begun_by(who: str, ranges: Sequence[KeyRange]) -> list[KeyRange]:
    """The ranges in order from the one on that ``who`` begins with, round to the one before it: others begin elsewhere,
    so that they ask for different things at the same time."""
    first = int(sha256(who.encode()).hexdigest(), 16) % max(1, len(ranges))
    return [*ranges[first:], *ranges[:first]]


def answered_in_ranges(
    ranges: Iterable[KeyRange],
    *,
    ask: Callable[[KeyRange], bool],
    keys_of: Callable[[KeyRange], Iterable[str]],
    lose: Callable[[Sequence[str]], None],
    control: Callable[[], bool],
    progress: Callable[[int, int], None],
) -> None:
    """Ask one range after the other; ``lose`` the keys that killed their worker even when they stood alone.

    ``ask`` answers a range, keeps what comes and returns whether anything did; ``keys_of`` names what it is asked for.
    A range that loses its worker on every try is asked in halves, before all others. A key is lost as soon as something
    is answered after it: ``control`` asks again what was answered before and returns whether there was anything. Raises
    what Spark raised when no request need be the cause: the control lost its worker as well, or there is none and
    nothing was answered, or too many ranges in a row lost theirs.
    """
    waiting, suspects = deque(ranges), list[str]()
    done = lost_in_a_row = 0
    loss: Exception | None = None
    while waiting:
        progress(done, done + len(waiting))
        one = waiting.popleft()
        done += 1
        try:
            is_answered = ask(one)
        except (PySparkException, Py4JJavaError) as error:
            if not _is_loss(error):
                raise
            loss, lost_in_a_row = error, lost_in_a_row + 1
            keys = sorted(keys_of(one))
            if len(keys) > 1:
                # depth first: sound halves come in between, and what is found is kept early
                waiting.extendleft(reversed(one.halved(keys)))
            else:
                suspects += keys
            too_many = lost_in_a_row > _MOST_IN_A_ROW
            is_answered = control() if suspects or too_many else False
            if too_many and not is_answered:
                raise
        if is_answered:
            lost_in_a_row = 0
            if suspects:
                lose(suspects)
                suspects = []
    progress(done, done)
    if loss is not None and suspects:
        raise loss


def _is_loss(error: Exception) -> bool:
    said = str(error)
    return any(sign in said for sign in _SIGNS_OF_LOSS)
