"""Both outside layouts into one contract, and what cannot stand."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession

from geo_lib.search_console.layouts import (
    Layout,
    accepted,
    console_rows,
    flag_names,
    layout_of,
    rejected,
    summed,
    tally,
    wrong_types,
)
from geo_lib.search_console.sums import page_queries
from geo_lib.spark import local_frame

pytestmark = pytest.mark.transform

EXPORT = "site_url string, url string, query string, impressions long, clicks long, sum_position long, _uri string"
MODIFIED = datetime(2026, 10, 5, tzinfo=UTC)
URI = "file:/drop/data_date=2026-10-01/part-0.parquet"


def export_rows(spark: SparkSession, *rows: Any, columns: Any = "") -> Any:
    """Rows of (query, impressions, clicks, sum_position, *others) on one page of one day."""
    filled = [("sc-domain:pins.test", "https://pins.test/a", *row[:4], URI, *row[4:]) for row in rows]
    return local_frame(spark, filled, EXPORT + columns)


def keys_of(*frames: Any, layout: Any = Layout.EXPORT, site_url: Any = None) -> Any:
    flags = flag_names([(layout, frame) for frame in frames])
    rows = [console_rows(frame, layout=layout, flags=flags, site_url=site_url) for frame in frames]
    union = rows[0]
    for more in rows[1:]:
        union = union.unionByName(more, allowMissingColumns=True)
    return summed(union, flags=flags)


def test_positions_of_the_export_count_from_0_and_become_1_based(spark: SparkSession) -> None:
    row = keys_of(export_rows(spark, ("q", 4, 1, 6))).first()
    assert (row.data_date, row.impressions, row.sum_position_1based) == (date(2026, 10, 1), 4, 10)


def test_the_same_search_by_export_and_by_api_gives_the_same_row(spark: SparkSession) -> None:
    export = keys_of(
        export_rows(
            spark, ("q", 4, 1, 6, "usa", "MOBILE", "WEB"), columns=", country string, device string, search_type string"
        )
    )
    api = local_frame(
        spark,
        [("https://pins.test/a", "q", "2026-10-01", 4.0, 1.0, 2.5, "usa", "mobile", "web", "file:/x", MODIFIED)],
        "page string, query string, date string, impressions double, clicks double, position double, "
        "country string, device string, search_type string, _uri string, _mtime timestamp",
    )
    api = keys_of(api, layout=Layout.API, site_url="sc-domain:pins.test")
    assert export.drop("_uri").collect() == api.drop("_uri").collect()


def test_repeated_keys_are_summed_and_counted_as_the_rows_they_were(spark: SparkSession) -> None:
    row = keys_of(export_rows(spark, ("q", 4, 1, 6), ("q", 3, 2, 0))).first()
    assert (row.impressions, row.clicks, row.sum_position_1based, row["rows"], row.reason) == (7, 3, 13, 2, None)


def test_columns_of_newer_exports_are_kept_as_sorted_distinct_values(
    spark: SparkSession,
) -> None:
    old = export_rows(spark, ("q", 1, 0, 0, True, False), columns=", is_video boolean, is_recipe boolean")
    new = export_rows(
        spark,
        ("q", 1, 0, 0, False, "zebra", 7),
        ("q", 1, 0, 0, None, "ant", None),
        ("q", 1, 0, 0, None, "zebra", 7),
        ("other", 1, 0, 0, False, None, None),
        columns=", is_video boolean, surface string, tier int",
    )
    found = {r["query"]: r.extras for r in keys_of(old, new).collect()}
    assert found == {"q": {"is_video": ["true"], "surface": ["ant", "zebra"], "tier": ["7"]}, "other": None}


def test_more_flags_than_a_mask_has_bits_keep_their_names(spark: SparkSession) -> None:
    names = [f"is_new_{n:03}" for n in range(130)]
    values = [n in (0, 61, 62, 129) for n in range(130)]
    rows = export_rows(spark, ("q", 1, 0, 0, *values), columns="".join(f", {name} boolean" for name in names))
    assert sorted(keys_of(rows).first().extras) == ["is_new_000", "is_new_061", "is_new_062", "is_new_129"]


def test_clicks_may_exceed_impressions_in_a_row_but_not_after_summing(spark: SparkSession) -> None:
    keys = keys_of(export_rows(spark, ("fine", 1, 2, 0), ("fine", 9, 0, 0), ("odd", 1, 2, 0), ("odd", 2, 2, 0)))
    assert [r["query"] for r in accepted(keys, short=[]).collect()] == ["fine"]
    (bad,) = rejected(keys, short=[]).collect()
    assert (bad.reason, json.loads(bad.row)["query"]) == ("clicks_exceed_impressions", "odd")
    assert {(r.reason, r["rows"], r["keys"]) for r in tally(keys).collect()} == {(None, 2, 1), (bad.reason, 2, 1)}


def test_a_negative_or_missing_count_costs_its_row_and_not_its_key(spark: SparkSession) -> None:
    keys = keys_of(export_rows(spark, ("q", 5, 0, 0), ("q", -3, 0, 0), ("q", 5, 0, -6), ("q", None, 0, 0)))
    assert [(r["query"], r.impressions) for r in accepted(keys, short=[]).collect()] == [("q", 5)]
    assert sorted((r.reason, r["rows"]) for r in tally(keys).collect() if r.reason) == [
        ("missing_value", 1),
        ("negative_count", 2),
    ]
    assert rejected(keys, short=[]).select("row").distinct().count() == 3


def test_a_hidden_query_is_null_however_it_is_written_and_stays_apart_from_typed_ones(spark: SparkSession) -> None:
    rows = export_rows(
        spark,
        ("", 5, 0, 0, True),
        (None, 2, 0, 0, True),
        ("q", 1, 0, 0, False),
        columns=", is_anonymized_query boolean",
    )
    found = accepted(keys_of(rows), short=[])
    assert {(r["query"], r.is_anonymized, r.impressions) for r in found.collect()} == {(None, True, 7), ("q", False, 1)}
    assert {r["query"]: r.anonymised_impressions for r in page_queries(found).collect()} == {None: 7, "q": 0}


@pytest.mark.parametrize(
    ("uri", "day", "is_dated"),
    [
        ("file:/drop/data_date=2026-10-01/data_date=2026-10-09.parquet", date(2026, 10, 1), True),
        ("file:/drop/data_date=2026-10-01/more/part-0.parquet", date(2026, 10, 1), True),
        ("file:/drop/rows_of_data_date=2026-10-09.parquet", date(2026, 10, 2), False),
    ],
)
def test_a_folder_names_the_day_and_a_file_does_not(spark: SparkSession, uri: str, day: date, is_dated: bool) -> None:
    said = date(2026, 10, 2)
    rows = local_frame(spark, [("s", "u", "q", 1, 0, 0, uri, said)], EXPORT + ", data_date date")
    (found,) = console_rows(rows, layout=Layout.EXPORT, flags=[]).collect()
    assert (found.data_date, found.is_dated, found.other_day) == (day, is_dated, str(said) if is_dated else None)


def test_short_days_are_left_out_whole(spark: SparkSession) -> None:
    keys = keys_of(export_rows(spark, ("q", 1, 0, 0), ("bad", -1, 0, 0)))
    assert accepted(keys, short=[date(2026, 10, 1)]).count() == rejected(keys, short=[date(2026, 10, 1)]).count() == 0
    assert accepted(keys, short=[date(2026, 10, 2)]).count() == 1


def test_a_layout_is_told_by_its_columns() -> None:
    export = ["site_url", "url", "query", "impressions", "clicks", "sum_position"]
    assert layout_of(export, dated=True) is Layout.EXPORT
    assert layout_of(export, dated=False) is None
    assert layout_of([*export, "data_date"], dated=False) is Layout.EXPORT
    api = ["page", "date", "impressions", "clicks"]
    assert layout_of([*api, "query", "position"], dated=False) is Layout.API
    assert layout_of(api, dated=False) is Layout.API, "of a surface without queries"
    assert layout_of([*api, "query"], dated=False) is None


def test_a_count_that_is_text_is_a_wrong_type_and_a_column_of_nulls_is_not() -> None:
    assert wrong_types(Layout.EXPORT, {"impressions": "string", "clicks": "int64"}) == ["impressions is string"]
    assert wrong_types(Layout.EXPORT, {"query": "null", "country": "large_string"}) == []
    assert wrong_types(Layout.API, {"impressions": "double", "position": "string"}) == ["position is string"]
    assert wrong_types(Layout.EXPORT, {"sum_position": "double"}) == [], "pandas makes it one when some are null"


def test_rows_of_surfaces_without_queries_are_left_out_by_name_and_no_fault(spark: SparkSession) -> None:
    export = export_rows(spark, ("q", 5, 0, 0), (None, 9, 1, None), (None, 5, 0, 3), ("lost", 5, 0, None))
    api = local_frame(
        spark,
        [("p", None, "2026-10-01", 400, 12, 0.0, "f", MODIFIED), ("p", "q", "2026-10-01", 4, 1, 2.5, "f", MODIFIED)],
        "page string, query string, date string, impressions int, clicks int, position double, "
        "_uri string, _mtime timestamp",
    )
    fates = {(r.reason, r["rows"]) for r in tally(keys_of(export)).collect()}
    assert fates == {(None, 2), ("no_query", 1), ("missing_value", 1)}
    keys = keys_of(api, layout=Layout.API, site_url="s")
    assert {(r.reason, r["rows"]) for r in tally(keys).collect()} == {(None, 1), ("no_query", 1)}
    assert rejected(keys, short=[]).isEmpty()
