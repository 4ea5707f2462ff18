"""What is told twice stands once, by a stated rule."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from geo_lib.search_console.layouts import Layout, console_rows
from geo_lib.search_console.precedence import beside_export, newest_told
from geo_lib.spark import local_frame

pytestmark = pytest.mark.transform

COLUMNS = "query string, date string, impressions int, country string, _uri string, _mtime timestamp"


def pulled(spark: SparkSession, *rows: tuple[str | None, int, int, str | None, str, int]) -> DataFrame:
    """API rows: query, day of October, impressions, country, file, and the day on which the file was written."""
    filled = [
        ("s", "p", 0, 1.0, query, f"2026-10-{day:02}", shown, country, file, datetime(2026, 10, written, tzinfo=UTC))
        for query, day, shown, country, file, written in rows
    ]
    frame = local_frame(spark, filled, f"site_url string, page string, clicks int, position double, {COLUMNS}")
    return console_rows(frame, layout=Layout.API, flags=())


def fates(rows: DataFrame) -> set[tuple[Any, ...]]:
    return {(r.data_date.day, r["query"], r.impressions, r.flaw) for r in rows.collect()}


def test_of_two_pulls_that_have_a_day_in_common_the_newer_answer_to_a_key_stands(spark: SparkSession) -> None:
    rows = pulled(
        spark,
        ("oak", 1, 10, "usa", "b", 3),
        ("oak", 2, 50, "usa", "b", 3),
        ("only then", 2, 5, "usa", "b", 3),
        ("oak", 2, 30, "usa", "a", 4),  # two hours of one day: parts of one answer
        ("oak", 2, 30, "usa", "a", 4),
        ("bad", 2, -1, "usa", "a", 4),
        ("bad", 2, 7, "usa", "b", 3),  # what cannot stand supersedes nothing
    )
    assert fates(newest_told(rows)) == {
        (1, "oak", 10, None),
        (2, "oak", 50, "superseded"),
        (2, "only then", 5, None),
        (2, "oak", 30, None),
        (2, "bad", -1, "negative_count"),
        (2, "bad", 7, None),
    }


def test_a_pull_that_splits_a_day_otherwise_tells_of_the_same_searches(spark: SparkSession) -> None:
    rows = pulled(
        spark,
        ("oak", 1, 60, None, "whole", 3),
        ("oak", 2, 60, None, "whole", 3),
        ("oak", 2, 40, "usa", "by country", 4),
        ("oak", 2, 20, "deu", "by country", 4),
        ("ash", 2, 5, None, "by country", 4),
    )
    found = fates(newest_told(rows))
    assert {(day, query, shown) for day, query, shown, flaw in found if flaw == "superseded"} == {(2, "oak", 60)}
    assert len(found) == 5


def test_files_of_one_moment_are_ordered_by_their_address(spark: SparkSession) -> None:
    rows = pulled(spark, ("oak", 1, 1, "usa", "a", 3), ("oak", 1, 2, "usa", "b", 3))
    assert fates(newest_told(rows)) == {(1, "oak", 1, "superseded"), (1, "oak", 2, None)}


def test_a_day_of_a_property_that_the_export_tells_is_the_export_s(spark: SparkSession) -> None:
    api = pulled(spark, ("oak", 1, 10, "usa", "a", 3), ("oak", 2, 10, "usa", "a", 3))
    export = local_frame(spark,
        [("s", "p", "oak", 10, 0, 0, "file:/drop/data_date=2026-10-01/a"),
         ("other", "p", "oak", 10, 0, 0, "file:/drop/data_date=2026-10-02/a")],
        "site_url string, url string, query string, impressions int, clicks int, sum_position int, _uri string",
    )  # fmt: skip
    exported = console_rows(export, layout=Layout.EXPORT, flags=())
    assert fates(beside_export(api, exported)) == {(1, "oak", 10, "exported"), (2, "oak", 10, None)}
