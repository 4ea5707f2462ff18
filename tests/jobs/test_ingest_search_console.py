"""The search console from a drop folder to its table."""

import json
import os
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geo_lib.errors import InputError, TooManyFailedError
from geo_lib.tables import Tables
from jobs.ingest_search_console import JOB, IngestSearchConsole
from jobs.run.job import Context
from schemas.console_days import CONSOLE_DAYS
from schemas.rejected_rows import REJECTED_ROWS
from schemas.search_console import SEARCH_CONSOLE

FIRST, SECOND = date(2026, 10, 1), date(2026, 10, 2)
ROW: dict[str, Any] = {
    "site_url": "sc-domain:pins.test",
    "url": "https://pins.test/a",
    "query": "oak",
    "is_anonymized_query": False,
    "country": "usa",
    "search_type": "WEB",
    "device": "MOBILE",
    "impressions": 4,
    "clicks": 1,
    "sum_position": 6,
}


def drop(folder: Path, day: date, *rows: dict[str, Any]) -> Path:
    path = folder / f"data_date={day}" / "part-0.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([ROW | row for row in rows]), path)
    return path


def stored(context: Context) -> dict[tuple[date, str | None], int]:
    return {(r.data_date, r["query"]): r.impressions for r in context.tables.read(SEARCH_CONSOLE).collect()}


def test_days_of_older_and_newer_columns_come_in_together_and_bad_rows_are_set_aside(
    context: Context, tmp_path: Path
) -> None:
    drop(tmp_path / "drop", FIRST, {}, {"impressions": 2, "clicks": 0}, {"query": "negative", "impressions": -1})
    drop(tmp_path / "drop", SECOND, {"is_new": True}, {"query": "odd", "clicks": 9, "is_new": False})
    counts = context.run(JOB, IngestSearchConsole(path=str(tmp_path / "drop"), max_failed_share=0.5))
    assert (counts.rows_in, counts.kept, counts.produced) == (5, 3, {"keys": 2})
    assert counts.failed == {"negative_count": 1, "clicks_exceed_impressions": 1}
    assert stored(context) == {(FIRST, "oak"): 6, (SECOND, "oak"): 4}
    extras = {r.data_date: r.extras for r in context.tables.read(SEARCH_CONSOLE).collect()}
    assert extras == {FIRST: None, SECOND: {"is_new": ["true"]}}
    rejected = {json.loads(r.row)["query"]: r.reason for r in context.tables.read(REJECTED_ROWS).collect()}
    assert rejected == {"negative": "negative_count", "odd": "clicks_exceed_impressions"}


@pytest.mark.slow
def test_a_re_exported_day_replaces_the_day_with_what_vanished_and_no_other_day(
    context: Context, tmp_path: Path
) -> None:
    knobs = IngestSearchConsole(path=str(tmp_path / "drop"))
    drop(tmp_path / "drop", FIRST, {}, {"query": "vanishes"})
    gone = drop(tmp_path / "drop", SECOND, {})
    context.run(JOB, knobs)
    before = context.tables.version(SEARCH_CONSOLE)
    context.run(JOB, knobs)
    assert context.tables.version(SEARCH_CONSOLE) == before
    drop(tmp_path / "drop", FIRST, {"impressions": 5})
    gone.unlink()
    context.run(JOB, knobs)
    assert stored(context) == {(FIRST, "oak"): 5, (SECOND, "oak"): 4}


def overwritten_unnoticed(path: Path, *rows: dict[str, Any]) -> None:
    """Other rows in a file of the same name, size and time: whoever reads it again gives itself away."""
    before = path.stat()
    pq.write_table(pa.Table.from_pylist([ROW | row for row in rows]), path)
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.slow
def test_a_day_whose_files_did_not_change_is_not_read_again_and_counts_as_it_did(
    context: Context, tmp_path: Path
) -> None:
    knobs = IngestSearchConsole(path=str(tmp_path / "drop"), max_failed_share=0.5)
    first = drop(tmp_path / "drop", FIRST, {}, {"query": "negative", "impressions": -1})
    context.run(JOB, knobs)
    tables = (SEARCH_CONSOLE, CONSOLE_DAYS, REJECTED_ROWS)
    before = [context.tables.version(table) for table in tables]
    overwritten_unnoticed(first, {"impressions": 5}, {"query": "negative", "impressions": -1})
    counts = context.run(JOB, knobs)
    assert (counts.rows_in, counts.kept, counts.failed, counts.produced) == (2, 1, {"negative_count": 1}, {"keys": 1})
    assert [context.tables.version(table) for table in tables] == before
    drop(tmp_path / "drop", SECOND, {}, {"query": "odd", "clicks": 9})
    counts = context.run(JOB, knobs)
    assert (counts.rows_in, counts.kept, counts.produced) == (4, 2, {"keys": 2})
    assert counts.failed == {"negative_count": 1, "clicks_exceed_impressions": 1}
    assert stored(context) == {(FIRST, "oak"): 4, (SECOND, "oak"): 4}
    assert {r.reason for r in context.tables.read(REJECTED_ROWS).collect()} == counts.failed.keys()


@pytest.mark.slow
def test_when_the_table_is_not_as_the_ledger_left_it_every_day_is_read_and_noted_again(
    context: Context, tmp_path: Path
) -> None:
    knobs = IngestSearchConsole(path=str(tmp_path / "drop"))
    first = drop(tmp_path / "drop", FIRST, {})
    gone = drop(tmp_path / "drop", SECOND, {})
    context.run(JOB, knobs)
    overwritten_unnoticed(first, {"impressions": 5})
    gone.unlink()
    context.spark.sql(f"delete from delta.`{context.lakehouse}/tables/geo/search_console` where data_date = '{FIRST}'")
    later = Tables(context.spark, lakehouse=context.lakehouse, stamp=context.tables.stamp)
    counts = replace(context, tables=later).run(JOB, knobs)
    assert (counts.kept, stored(context)) == (1, {(FIRST, "oak"): 5, (SECOND, "oak"): 4})
    noted = {r.data_date: (r["rows"], r.changed_in) for r in context.tables.read(CONSOLE_DAYS).collect()}
    assert noted == dict.fromkeys((FIRST, SECOND), (1, later.version(SEARCH_CONSOLE)))


@pytest.mark.slow
def test_a_day_without_rows_is_emptied(context: Context, tmp_path: Path) -> None:
    knobs = IngestSearchConsole(path=str(tmp_path / "drop"))
    path = drop(tmp_path / "drop", FIRST, {})
    drop(tmp_path / "drop", SECOND, {})
    context.run(JOB, knobs)
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    context.run(JOB, knobs)
    assert stored(context) == {(SECOND, "oak"): 4}


@pytest.mark.slow
def test_a_malformed_day_keeps_its_last_good_rows_and_the_others_go_on(context: Context, tmp_path: Path) -> None:
    knobs = IngestSearchConsole(path=str(tmp_path / "drop"), max_failed_share=0.5)
    broken = drop(tmp_path / "drop", FIRST, {})
    drop(tmp_path / "drop", SECOND, {})
    context.run(JOB, knobs)
    broken.write_bytes(b"not parquet")
    drop(tmp_path / "drop", SECOND, {"impressions": 7})
    counts = context.run(JOB, knobs)
    assert counts.failed == {"malformed_day": 1}
    assert stored(context) == {(FIRST, "oak"): 4, (SECOND, "oak"): 7}
    (rejected,) = context.tables.read(REJECTED_ROWS).collect()
    assert (rejected.row, rejected.reason) == ("data_date=2026-10-01/part-0.parquet", "malformed_day")


@pytest.mark.slow
def test_rows_of_another_day_than_their_folder_are_rejected_and_change_no_day(context: Context, tmp_path: Path) -> None:
    drop(tmp_path / "drop", FIRST, {"data_date": FIRST}, {"data_date": SECOND, "query": "stray"})
    counts = context.run(JOB, IngestSearchConsole(path=str(tmp_path / "drop"), max_failed_share=0.5))
    assert (counts.rows_in, counts.failed) == (2, {"other_day": 1})
    assert stored(context) == {(FIRST, "oak"): 4}
    (rejected,) = context.tables.read(REJECTED_ROWS).collect()
    assert json.loads(rejected.row)["other_day"] == "2026-10-02"


@pytest.mark.slow
@pytest.mark.parametrize("own_day", [{}, {"data_date": FIRST}], ids=["day of the folder", "day in the rows"])
def test_a_day_with_a_corrupt_page_inside_is_malformed_too(
    context: Context, tmp_path: Path, own_day: dict[str, Any]
) -> None:
    path = drop(tmp_path / "drop", FIRST, *[{"query": f"q{n}"} | own_day for n in range(500)])
    pq.write_table(pq.read_table(path), path, compression="none", use_dictionary=["url"])
    drop(tmp_path / "drop", SECOND, {})
    data = bytearray(path.read_bytes())
    start = data.index(b"q250")  # a byte of the page itself, and those after it
    data[start - 2000 : start + 2000] = b"\xff" * 4000
    path.write_bytes(bytes(data))
    counts = context.run(JOB, IngestSearchConsole(path=str(tmp_path / "drop"), max_failed_share=1))
    assert counts.failed == {"malformed_day": 500}
    assert stored(context) == {(SECOND, "oak"): 4}


@pytest.mark.slow
def test_too_many_malformed_days_stop_the_job_however_few_their_rows(context: Context, tmp_path: Path) -> None:
    drop(tmp_path / "drop", FIRST, *[{"query": f"q{n}"} for n in range(100)])
    drop(tmp_path / "drop", SECOND, {}).write_bytes(b"not parquet")
    with pytest.raises(TooManyFailedError, match="1 of 2 days failed"):
        context.run(JOB, IngestSearchConsole(path=str(tmp_path / "drop")))
    assert stored(context) == {}
    assert context.tables.read(REJECTED_ROWS).count() == 1


@pytest.mark.slow
def test_days_that_the_export_log_does_not_call_complete_wait(context: Context, tmp_path: Path) -> None:
    drop(tmp_path / "console" / "searchdata_url_impression", FIRST, {})
    drop(tmp_path / "console" / "searchdata_url_impression", SECOND, {}, {"query": "early"})
    pq.write_table(
        pa.Table.from_pylist([{"namespace": "SEARCHDATA_URL_IMPRESSION", "data_date": FIRST}]),
        tmp_path / "console" / "ExportLog.parquet",
    )
    counts = context.run(JOB, IngestSearchConsole(path=str(tmp_path / "console")))
    assert (counts.kept, counts.dropped) == (1, {"not_in_export_log": 2})
    assert stored(context) == {(FIRST, "oak"): 4}


def test_a_log_beside_the_folder_is_among_the_files_whose_change_makes_the_job_run_again(tmp_path: Path) -> None:
    drop(tmp_path / "searchdata_url_impression", FIRST, {})
    knobs = IngestSearchConsole(path=str(tmp_path / "searchdata_url_impression"))
    assert JOB.files(knobs) == (knobs.path,)
    pq.write_table(pa.table({"data_date": [FIRST]}), tmp_path / "ExportLog.parquet")
    assert JOB.files(knobs) == (knobs.path, str(tmp_path / "ExportLog.parquet"))
    assert JOB.files(IngestSearchConsole()) == ()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_api_rows_come_in_beside_their_bad_lines(context: Context, tmp_path: Path, suffix: str) -> None:
    rows = [
        {
            "date": "2026-10-01",
            "page": "https://pins.test/a",
            "query": "oak",
            "clicks": 1,
            "impressions": 4,
            "position": 2.5,
        },
        {
            "date": "2026-10-02",
            "page": "https://pins.test/a",
            "query": "elm",
            "clicks": 0,
            "impressions": 2,
            "position": 1,
        },
        {"date": "when", "page": "https://pins.test/a", "query": "elm", "clicks": 0, "impressions": 2, "position": 1},
    ]
    (tmp_path / "drop").mkdir()
    if suffix == "csv":
        lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    else:
        lines = [*map(json.dumps, rows), "{not json"]
    (tmp_path / "drop" / f"rows.{suffix}").write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match="without a site_url column"):
        context.run(JOB, IngestSearchConsole(path=str(tmp_path / "drop")))
    counts = context.run(JOB, IngestSearchConsole(path=str(tmp_path / "drop"), site_url="s", max_failed_share=0.9))
    broken_line = {"missing_value": 1} if suffix == "jsonl" else {}
    assert (counts.kept, counts.failed) == (2, {"not_a_day": 1, **broken_line})
    found = {
        r["query"]: (r.data_date, r.sum_position_1based, r.country)
        for r in context.tables.read(SEARCH_CONSOLE).collect()
    }
    assert found == {"oak": (FIRST, 10, None), "elm": (SECOND, 2, None)}


@pytest.mark.slow
def test_a_day_that_is_exported_and_pulled_twice_comes_in_once_from_a_folder_of_any_name(
    context: Context, tmp_path: Path
) -> None:
    folder = tmp_path / "console {2026} [all]*"
    site, page = str(ROW["site_url"]), str(ROW["url"])

    def pull(name: str, *rows: tuple[date, str, int], written: int) -> None:
        told = [
            {"date": str(day), "page": page, "query": query, "impressions": shown, "clicks": 0, "position": 1.5}
            for day, query, shown in rows
        ]
        (folder / name).write_text("\ufeff" + json.dumps(told, indent=1))
        os.utime(folder / name, (written, written))

    drop(folder, FIRST, {})
    pull("b.json", (FIRST, "oak", 3), (SECOND, "oak", 50), written=1_790_000_000)
    pull("a.json", (SECOND, "oak", 60), written=1_790_009_000)
    discover = {"date": str(SECOND), "page": page, "impressions": 400, "clicks": 12, "search_type": "discover"}
    (folder / "discover.jsonl").write_text("\ufeff" + json.dumps(discover))
    (folder / "notes.xlsx").write_bytes(b"PK")
    counts = context.run(JOB, IngestSearchConsole(path=str(folder), site_url=site))
    assert stored(context) == {(FIRST, "oak"): 4, (SECOND, "oak"): 60}
    assert (counts.rows_in, counts.kept, counts.failed) == (6, 2, {})
    assert counts.dropped == {"exported": 1, "superseded": 1, "no_query": 1, "passed_over": 1}
    (named,) = context.tables.read(REJECTED_ROWS).collect()
    assert (named.row, named.reason) == ("notes.xlsx", "passed_over")
