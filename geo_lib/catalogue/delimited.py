"""Delimited text (RFC 4180), of which nothing is mended: a row that cannot be read as it is written says why."""

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession

from geo_lib.errors import InputError
from geo_lib.files import locate
from geo_lib.spark import local_frame

if TYPE_CHECKING:
    import pyarrow as pa

PROBLEM = "_problem"
"""Column of what is wrong with a row that cannot be read; its others are null then."""
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_ROWS_PER_BATCH = 5_000
_QUOTES = "has a quote that nothing closes, or text beside a quoted value; write a quote within a value twice"

Record = tuple[int, list[str] | None]
"""The number of its first line, and its values: null where its quotes make no sense."""


def delimited(spark: SparkSession, addresses: Sequence[str]) -> DataFrame:
    """The rows of UTF-8 files with headings, separated by comma, semicolon or tab as the headings are.

    One task per file. Columns: each heading once, as text, and ``PROBLEM``. Raises ``InputError`` for a file whose
    headings name a column twice.
    """
    names = list(dict.fromkeys(name for address in addresses for name in _names_in(address) if name))
    schema = ", ".join(f"`{name.replace('`', '``')}` string" for name in (*names, PROBLEM))
    files = local_frame(spark, [(address,) for address in addresses], "address string")
    return files.repartition(len(addresses)).mapInArrow(partial(_rows, names=names), schema)


def records(lines: Iterable[str], *, separator: str) -> Iterator[Record]:
    """Every record. After one of senseless quotes reading goes on with the line after its first one.

    So a quote that nothing closes costs its own row and not the rest of the file.
    """
    source, ahead, line = iter(lines), deque[str](), 1
    taken: list[str] = []

    def next_lines() -> Iterator[str]:
        while (text := ahead.popleft() if ahead else next(source, None)) is not None:
            taken.append(text)
            yield text

    while True:
        try:
            for values in csv.reader(next_lines(), delimiter=separator, strict=True):
                if values:
                    yield line, values
                line += len(taken)
                taken.clear()
            return
        except csv.Error:
            yield line, None
            ahead.extendleft(reversed(taken[1:]))
            line += 1
            taken.clear()


def _rows(batches: "Iterator[pa.RecordBatch]", *, names: Sequence[str]) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    schema = pa.schema([(name, pa.string()) for name in (*names, PROBLEM)])
    for batch in batches:
        for address in batch.column(0).to_pylist():
            with _opened(address) as lines:
                rows = _by_heading(lines)
                while some := list(islice(rows, _ROWS_PER_BATCH)):
                    yield pa.RecordBatch.from_pylist(some, schema)


def _by_heading(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    headings, rows, separator = _begun(lines)
    for line, values in rows:
        if values is None:
            yield {PROBLEM: f"line {line:,} {_QUOTES}"}
        elif len(values) != len(headings):
            found = f"line {line:,} has {len(values)} fields under {len(headings)} headings"
            yield {PROBLEM: f"{found}; write empty ones, too, and in quotes what holds a {_SEPARATORS[separator]}"}
        else:
            yield {name: value for name, value in zip(headings, values, strict=True) if name}


def _names_in(address: str) -> list[str]:
    with _opened(address) as lines:
        headings, _, _ = _begun(lines)
    if repeated := sorted({name for name in headings if name and headings.count(name) > 1}):
        raise InputError(f"{address} has several columns named {', '.join(repeated)}; name each column once.")
    return headings


def _begun(lines: Iterator[str]) -> tuple[list[str], Iterator[Record], str]:
    """The headings, the records after them, and what separates them."""
    first = next(lines, "")
    separator = max(_SEPARATORS, key=first.count)
    rows = records(chain([first], lines), separator=separator)
    _, headings = next(rows, (1, None))
    return [name.strip() for name in headings or ()], rows, separator


@contextmanager
def _opened(address: str) -> Iterator[Iterator[str]]:
    store, path = locate(address)
    # .gz is unpacked by the store, a byte order mark is no part of the first heading, line ends within quotes stay
    with store.open_input_stream(path) as opened, io.TextIOWrapper(opened, "utf-8-sig", newline="") as lines:
        yield lines
