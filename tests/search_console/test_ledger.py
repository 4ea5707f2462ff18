"""Which days need not be read again, and when the ledger itself cannot be relied on. No Spark."""

from dataclasses import replace
from datetime import date

from geo_lib.search_console.delivery import Delivery, Part
from geo_lib.search_console.folder import ConsoleFile
from geo_lib.search_console.ledger import (
    DayRecord,
    day_records,
    day_rows,
    file_marks,
    unchanged_days,
    without_days,
)

FIRST, SECOND = date(2026, 10, 1), date(2026, 10, 2)
NAMES = ("data_date", "reason", "rows", "keys", "files", "changed_in")


def file(day: date | None, *, size: int = 10, mtime_ns: int = 1) -> ConsoleFile:
    name = "rows.csv" if day is None else f"data_date={day}/part-0.parquet"
    return ConsoleFile(f"file:/drop/{name}", name, "parquet", day=day, rows=2, size=size, mtime_ns=mtime_ns)


def delivery(*files: ConsoleFile) -> Delivery:
    return Delivery(files, (), ())


def ledger_of(of: Delivery, reader: str = "r") -> dict[date, DayRecord]:
    return {d: DayRecord(m, "t@3", (Part(d, None, 2, 2),)) for d, m in file_marks(of, of.days, reader=reader).items()}


def test_a_day_is_read_again_when_a_file_of_it_or_what_reads_it_changed_and_only_then() -> None:
    both = delivery(file(FIRST), file(SECOND))
    ledger = ledger_of(both)
    assert unchanged_days(both, ledger, reader="r") == {FIRST, SECOND}
    for changed in (file(SECOND, size=11), file(SECOND, mtime_ns=2), replace(file(SECOND), relative="other.parquet")):
        assert unchanged_days(delivery(file(FIRST), changed), ledger, reader="r") == {FIRST}
    assert unchanged_days(delivery(file(FIRST), file(SECOND), file(SECOND)), ledger, reader="r") == {FIRST}
    assert unchanged_days(both, ledger, reader="newer code") == set()
    assert [f.day for f in without_days(both, {FIRST}).usable] == [SECOND]


def test_beside_a_file_that_may_hold_any_day_every_day_is_read_and_once_it_is_gone_again() -> None:
    mixed = delivery(file(FIRST), file(None))
    ledger = ledger_of(mixed)
    assert unchanged_days(mixed, ledger, reader="r") == set()
    assert unchanged_days(delivery(file(FIRST)), ledger, reader="r") == set()


def test_the_ledger_comes_back_from_its_rows_and_says_how_many_rows_a_day_has() -> None:
    record = DayRecord("f", "t@3", (Part(FIRST, None, 5, 4), Part(FIRST, "negative_count", 2, 0)))
    empty = DayRecord("g", "t@2", ())
    rows = [dict(zip(NAMES, row, strict=True)) for row in day_rows({FIRST: record, SECOND: empty}, [SECOND, FIRST])]
    ledger = day_records(rows, console="t@3")
    assert (ledger[FIRST], ledger[FIRST].keys, ledger[SECOND].keys) == (record, 4, 0)


def test_a_ledger_that_does_not_tell_of_the_table_as_it_is_tells_nothing() -> None:
    rows = [dict(zip(NAMES, (FIRST, None, 2, 2, "f", "t@3"), strict=True))]
    assert day_records(rows, console="t@3")
    assert not day_records(rows, console="t@4"), "a run died before it noted what it wrote"
    assert not day_records(rows, console="t@2"), "the table was put back"
    assert not day_records(rows, console="another@3"), "the table was made anew"
    assert not day_records(rows, console="absent")
    assert not day_records([*rows, rows[0] | {"changed_in": "another@1"}], console="t@3")
