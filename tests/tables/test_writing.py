"""Every write mode: equal content makes no commit, different content exactly what it should."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import MapType, StringType, StructType

from geo_lib.errors import ContractError
from geo_lib.spark import local_frame
from geo_lib.tables import Stamp, Tables
from schemas.table import Table, Write, column
from tests.builders import build
from tests.tables.kit import contract, rows


@pytest.mark.parametrize("write", [Write.MERGE, Write.MERGE_AND_DELETE_MISSING, Write.REPLACE, Write.REPLACE_WHERE])
def test_writing_equal_content_again_makes_no_commit_even_from_another_run(
    spark: SparkSession, tables: Tables, write: Write
) -> None:
    table = contract(write)
    df = build(table, spark, {"day": "mon", "item": "oak", "n": 1}, {"day": "tue", "n": 2})
    tables.write(table, df)
    before = tables.version(table)
    later = tables.stamped(Stamp("later-run", tables.stamp.as_of, "newer code", simulated=True))
    later.write(table, df)
    assert tables.version(table) == before
    assert {r.run_id for r in tables.read(table).collect()} == {"test-run"}


def test_merge_updates_what_differs_inserts_what_is_new_and_keeps_the_rest(spark: SparkSession, tables: Tables) -> None:
    table = contract(Write.MERGE)
    tables.write(table, build(table, spark, {"day": "mon", "n": 1}, {"day": "tue", "item": "oak", "n": 2}))
    tables.write(table, build(table, spark, {"day": "mon", "n": 5}, {"day": "wed", "item": "ash", "n": 3}))
    assert rows(tables, table) == [("mon", None, 5), ("tue", "oak", 2), ("wed", "ash", 3)]


def test_merge_deletes_the_rows_that_are_named_as_gone_and_no_others(spark: SparkSession, tables: Tables) -> None:
    table = contract(Write.MERGE)
    tables.write(table, build(table, spark, {"day": "mon", "n": 1}, {"day": "tue", "n": 2}, {"day": "wed", "n": 3}))
    nothing = local_frame(spark, [], table.schema)
    gone = local_frame(spark, [("mon", None), ("sun", None)], "day string, item string")
    tables.write(table, build(table, spark, {"day": "thu", "n": 4}), gone=gone)
    assert rows(tables, table) == [("thu", None, 4), ("tue", None, 2), ("wed", None, 3)]
    before = tables.version(table)
    tables.write(table, nothing, gone=gone)
    assert tables.version(table) == before
    tables.write(table, nothing, gone=gone.replace("mon", "tue"))
    tables.write(table, build(table, spark, {"day": "wed", "n": 3}))  # as it stands: the table is not taken for empty
    assert rows(tables, table) == [("thu", None, 4), ("wed", None, 3)]
    with pytest.raises(ValueError, match="takes no keys to delete"):
        tables.write(contract(Write.REPLACE_WHERE), nothing, gone=gone)


@pytest.mark.parametrize("write", [Write.MERGE_AND_DELETE_MISSING, Write.REPLACE])
def test_a_write_that_is_the_whole_truth_leaves_exactly_the_new_rows(
    spark: SparkSession, tables: Tables, write: Write
) -> None:
    table = contract(write)
    tables.write(table, build(table, spark, {"day": "mon", "n": 1}, {"day": "tue", "n": 2}))
    tables.write(table, build(table, spark, {"day": "tue", "n": 2}))
    assert rows(tables, table) == [("tue", None, 2)]


def test_replace_where_replaces_only_the_slices_that_differ_and_empties_those_that_vanished(
    spark: SparkSession, tables: Tables
) -> None:
    table = contract(Write.REPLACE_WHERE)
    tables.write(table, build(table, spark, *({"day": d, "item": "oak", "n": 1} for d in ("mon", "tue", "wed"))))
    later = tables.stamped(Stamp("later-run", tables.stamp.as_of, "c", simulated=True))
    changed = build(table, spark, {"day": "mon", "item": "oak", "n": 1}, {"day": "tue", "item": "ash", "n": 4})
    later.write(table, changed, slices=["mon", "tue", "wed"])
    assert rows(tables, table) == [("mon", "oak", 1), ("tue", "ash", 4)]
    assert {r.day: r.run_id for r in tables.read(table).collect()} == {"mon": "test-run", "tue": "later-run"}


def test_a_slice_that_was_not_answered_for_stays_and_rows_outside_are_refused(
    spark: SparkSession, tables: Tables
) -> None:
    table = contract(Write.REPLACE_WHERE)
    tables.write(table, build(table, spark, {"day": "mon", "n": 1}))
    tables.write(table, build(table, spark, {"day": "tue", "n": 1}))
    assert [r[0] for r in rows(tables, table)] == ["mon", "tue"]
    with pytest.raises(ValueError, match="were not answered for"):
        tables.write(table, build(table, spark, {"day": "wed", "n": 1}), slices=["tue"])


def test_append_adds_a_key_once_and_a_repeated_sequence_of_one_run_nothing(spark: SparkSession, tables: Tables) -> None:
    table = contract(Write.APPEND)
    tables.append(table, build(table, spark, {"day": "mon", "n": 1}), sequence=1)
    tables.append(table, build(table, spark, {"day": "tue", "n": 1}), sequence=1)
    tables.append(table, build(table, spark, {"day": "mon", "n": 9}, {"day": "wed", "n": 1}), sequence=2)
    assert rows(tables, table) == [("mon", None, 1), ("wed", None, 1)]
    tables.append_new(table, build(table, spark, {"day": "tue", "n": 1}))
    assert [row[0] for row in rows(tables, table)] == ["mon", "tue", "wed"]


def test_each_writer_of_a_run_counts_its_own_appends(spark: SparkSession, tables: Tables) -> None:
    table = contract(Write.APPEND)
    tables.append(table, build(table, spark, {"day": "mon", "n": 1}), sequence=0, writer="labels")
    tables.append(table, build(table, spark, {"day": "tue", "n": 1}), sequence=0, writer="queries")
    tables.append(table, build(table, spark, {"day": "wed", "n": 1}), sequence=0, writer="queries")
    assert [row[0] for row in rows(tables, table)] == ["mon", "tue"]


def test_two_tasks_that_append_at_the_same_moment_both_leave_their_rows_and_a_common_key_once(
    spark: SparkSession, tables: Tables, tmp_path: Path
) -> None:
    table = contract(Write.APPEND)
    tables.append(table, build(table, spark, {"day": "mon", "n": 1}), sequence=1)
    reading, committed = tmp_path / "reading", tmp_path / "committed"

    def until_the_other_has_committed(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        reading.touch()
        while not committed.exists():
            time.sleep(0.02)
        yield from batches

    slow = build(table, spark, {"day": "tue", "n": 1}, {"day": "wed", "n": 2})
    slow = slow.coalesce(1).mapInPandas(until_the_other_has_committed, slow.schema)  # one of the two cores
    other = tables.stamped(Stamp("other-run", tables.stamp.as_of, "test", simulated=True))
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(tables.append, table, slow, sequence=2)
        while not reading.exists() and not ended.done():
            time.sleep(0.02)
        try:
            other.append(table, build(table, spark, {"day": "wed", "n": 1}), sequence=1)
        finally:
            committed.touch()
        ended.result(timeout=60)
    assert [(day, n) for day, _, n in rows(tables, table)] == [("mon", 1), ("tue", 1), ("wed", 1)]


def test_two_writers_of_a_slice_each_leave_both_slices_however_they_meet(spark: SparkSession, tables: Tables) -> None:
    table = contract(Write.REPLACE_WHERE)
    tables.write(table, build(table, spark, {"day": "mon", "n": 0}, {"day": "tue", "n": 0}))

    def rewrite(day: str) -> None:
        for n in (1, 2, 3):
            mine = Tables(spark, tables.lakehouse, tables.stamp)
            mine.write(table, build(table, spark, {"day": day, "n": n}), slices=[day])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(rewrite, ("mon", "tue")))
    assert rows(tables, table) == [("mon", None, 3), ("tue", None, 3)]


@pytest.mark.parametrize(
    ("write", "call"), [(Write.APPEND, "write"), (Write.MERGE, "append"), (Write.MERGE, "append_new")]
)
def test_a_table_is_written_only_by_its_own_mode(spark: SparkSession, tables: Tables, write: Write, call: str) -> None:
    table = contract(write)
    calls: dict[str, Callable[[], None]] = {
        "write": lambda: tables.write(table, build(table, spark)),
        "append": lambda: tables.append(table, build(table, spark), sequence=1),
        "append_new": lambda: tables.append_new(table, build(table, spark)),
    }
    with pytest.raises(ValueError, match="shelf is written by"):
        calls[call]()


@pytest.mark.parametrize("write", [Write.MERGE, Write.REPLACE_WHERE])
def test_a_repeated_key_stops_the_write_and_is_named(spark: SparkSession, tables: Tables, write: Write) -> None:
    table = contract(write)
    with pytest.raises(ContractError, match=r"shelf: the key \(day, item\).*mon"):
        tables.write(table, build(table, spark, {"day": "mon", "n": 1}, {"day": "mon", "n": 2}))


def test_a_map_column_compares_by_its_entries_whatever_their_order(spark: SparkSession, tables: Tables) -> None:
    table = Table(
        "labels",
        "c",
        StructType([column("day", StringType(), "d"), column("m", MapType(StringType(), StringType()), "m")]),
        ("day",),
        Write.REPLACE_WHERE,
        slice_by="day",
    )
    one_way = spark.sql("select 'mon' as day, map('a', '1', 'b', '2') as m")
    tables.write(table, one_way)
    before = tables.version(table)
    tables.write(table, spark.sql("select 'mon' as day, map('b', '2', 'a', '1') as m"))
    assert tables.version(table) == before
    tables.write(table, spark.sql("select 'mon' as day, map('b', '3', 'a', '1') as m"))
    assert tables.version(table) != before


@pytest.mark.parametrize("write", [Write.REPLACE, Write.REPLACE_WHERE])
def test_what_the_last_write_left_is_known_without_reading_the_table(
    spark: SparkSession, tables: Tables, write: Write
) -> None:
    table = contract(write)
    df = build(table, spark, {"day": "mon", "n": 1}, {"day": "tue", "n": 2})
    tables.write(table, df)
    before = tables.version(table)
    shelf = Path(tables.lakehouse, "tables", "geo", "shelf")
    files = sorted(shelf.glob("*.parquet"))
    for file in files:
        file.rename(file.with_suffix(".away"))
    tables.write(table, df)
    if write is Write.REPLACE_WHERE:
        tables.write(table, df.where("day = 'tue'"))
    for file in files:
        file.with_suffix(".away").rename(file)
    assert tables.version(table) == before


@pytest.mark.parametrize("write", [Write.MERGE_AND_DELETE_MISSING, Write.REPLACE, Write.REPLACE_WHERE])
def test_what_somebody_else_wrote_is_seen_and_mended(spark: SparkSession, tables: Tables, write: Write) -> None:
    table = contract(write)
    df = build(table, spark, {"day": "mon", "n": 1}, {"day": "tue", "n": 2})
    tables.write(table, df)
    spark.sql(f"update delta.`{tables.lakehouse}/tables/geo/shelf` set n = 7 where day = 'mon'").collect()
    tables.write(table, df)
    assert rows(tables, table) == [("mon", None, 1), ("tue", None, 2)]


@pytest.mark.parametrize("write", [Write.MERGE_AND_DELETE_MISSING, Write.REPLACE])
def test_a_whole_truth_that_somebody_else_left_as_it_was_is_not_written_anew(
    spark: SparkSession, tables: Tables, write: Write
) -> None:
    table = contract(write)
    df = build(table, spark, {"day": "mon", "n": 1}, {"day": "tue", "n": 2})
    tables.write(table, df)
    for n in (7, 1):
        spark.sql(f"update delta.`{tables.lakehouse}/tables/geo/shelf` set n = {n} where day = 'mon'").collect()
    fresh = tables.stamped(tables.stamp)  # one that has read no version yet
    before = fresh.version(table)
    fresh.write(table, df)
    assert tables.stamped(tables.stamp).version(table) == before


def test_slices_that_are_new_are_added_unhashed_and_compared_all_the_same_the_next_time(
    spark: SparkSession, tables: Tables
) -> None:
    table = contract(Write.REPLACE_WHERE)
    monday, tuesday = ({"day": "mon", "item": "oak", "n": 1}, {"day": "tue", "n": 2})
    tables.write(table, build(table, spark, monday), slices=["mon"], is_unique=True)
    tables.write(table, build(table, spark, tuesday), slices=["tue"], is_unique=True)
    before = tables.version(table)
    tables.write(table, build(table, spark, monday, tuesday), slices=["mon", "tue"], is_unique=True)
    assert tables.version(table) == before
    tables.write(table, build(table, spark, tuesday | {"n": 5}), slices=["mon", "tue"], is_unique=True)
    assert rows(tables, table) == [("tue", None, 5)]
