"""A map over worker processes that starts them cleanly: a fork of a process with running threads may never wake."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(
    work: Callable[[Item], Result], items: Iterable[Item], *, processes: int, chunk: int = 1
) -> Iterator[Result]:
    """``map`` in order; with one process, or for want of work, in this one."""
    items = list(items)
    if processes < 2 or len(items) <= chunk:
        yield from map(work, items)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, items, chunksize=chunk)
