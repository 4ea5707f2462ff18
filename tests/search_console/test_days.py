"""What people deliver as a day, and which day of the console that is."""

from datetime import UTC, date, datetime

import pytest
from pyspark.sql import SparkSession

from geo_lib.search_console.days import day_of, day_text, named_day
from geo_lib.spark import local_frame

pytestmark = pytest.mark.transform

FIFTH = date(2026, 10, 5)


def test_a_value_is_the_day_that_it_names_for_certain_and_none_else(spark: SparkSession) -> None:
    expected = {
        "2026-10-05": FIFTH,
        " 2026-10-05 ": FIFTH,
        "2026-10-05 00:00:00": FIFTH,
        "2026-10-05T00:00:00Z": FIFTH,
        "2026-10-05T00:00:00.000+00:00": FIFTH,
        "2026-10-05T00:00:00+02:00": FIFTH,
        "2026-10-05T23:00:00-07:00": FIFTH,  # an hour of the console's own clock
        "2026-10-05T07:00:00Z": FIFTH,  # where the console's day begins
        "2026-12-05T08:00:00Z": date(2026, 12, 5),
        "2026-10-04T22:00:00Z": None,  # midnight in Berlin, or three in the afternoon of the console
        "2026-10-04 22:00:00": None,
        "2026-10": None,
        "2026": None,
        "2026-02-30": None,
        "1791158400000": None,
        "05.10.2026": None,
        "when": None,
        "": None,
    }
    rows = local_frame(spark, [(text,) for text in expected], "day string")
    found = rows.select("day", day_of(day_text(rows, "day")).alias("found")).collect()
    assert {r.day: r.found for r in found} == expected


def test_an_instant_is_midnight_by_utc_or_by_the_console_or_no_day(spark: SparkSession) -> None:
    instants = {
        datetime(2026, 10, 5, tzinfo=UTC): FIFTH,
        datetime(2026, 10, 5, 7, tzinfo=UTC): FIFTH,
        datetime(2026, 10, 4, 22, tzinfo=UTC): None,
    }
    rows = spark.sql(
        " union all ".join(f"select {n} as n, timestamp'{instant}' as day" for n, instant in enumerate(instants))
    )
    found = rows.select(day_of(day_text(rows, "day")).alias("found")).orderBy("n").collect()
    assert [r.found for r in found] == list(instants.values())


def test_a_date_is_the_day_itself_unless_no_calendar_of_python_has_it(spark: SparkSession) -> None:
    rows = spark.sql("select explode(array(date'2026-10-05', date_add(date'9999-12-31', 1), null)) as day")
    assert [r.found for r in rows.select(named_day(rows, "day").alias("found")).collect()] == [FIFTH, None, None]
