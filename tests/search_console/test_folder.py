"""What lies in a drop folder, and what becomes of it. No Spark: footers and first lines only."""

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geo_lib.errors import CountingError, InputError
from geo_lib.search_console.delivery import Part, rows_of, settle, short_days, sort_out
from geo_lib.search_console.folder import exported_days, inspect, proofread
from geo_lib.search_console.layouts import Layout

DAY = date(2026, 10, 1)
NEXT = date(2026, 10, 2)
ROW = {"site_url": "s", "url": "u", "query": "q", "impressions": 2, "clicks": 1, "sum_position": 3}


def drop(folder: Any, day: Any, *rows: Any, name: Any = "part-0.parquet") -> Any:
    path = folder / f"data_date={day}" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


def test_every_day_is_found_with_its_columns_and_the_rows_of_its_footer(tmp_path: Path) -> None:
    drop(tmp_path, DAY, ROW)
    drop(tmp_path, NEXT, ROW | {"is_new": True}, ROW | {"is_new": False})
    found = inspect(str(tmp_path))
    assert [(f.day, f.rows, f.layout, f.problem) for f in found] == [
        (DAY, 1, Layout.EXPORT, None),
        (NEXT, 2, Layout.EXPORT, None),
    ]
    assert "is_new" in dict(found[1].columns)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-20]), "cannot be read"),
        (lambda path: path.write_bytes(b""), "cannot be read"),
        (lambda path: pq.write_table(pa.Table.from_pylist([ROW | {"clicks": "one"}]), path), "clicks is string"),
        (lambda path: pq.write_table(pa.Table.from_pylist([{"url": "u", "query": "q"}]), path), "lacks site_url"),
    ],
)
def test_a_broken_file_costs_its_day_whole_and_no_other(tmp_path: Path, damage: Any, problem: Any) -> None:
    damage(drop(tmp_path, DAY, ROW, name="a.parquet"))
    drop(tmp_path, DAY, ROW, name="b.parquet")
    drop(tmp_path, NEXT, ROW)
    delivery = sort_out(inspect(str(tmp_path)), complete=None)
    assert delivery.days == {NEXT}
    assert [f.relative.rsplit("/", 1)[1] for f in delivery.malformed] == ["a.parquet", "b.parquet"]
    assert problem in str(delivery.malformed[0].problem)
    assert "a.parquet" in str(delivery.malformed[1].problem)


def test_a_folder_that_names_no_day_is_malformed(tmp_path: Path) -> None:
    drop(tmp_path, "2026-13-01", ROW)
    drop(tmp_path, DAY, ROW)
    assert [f.problem for f in inspect(str(tmp_path))] == [None, "its folder names no day: data_date=2026-13-01"]


def test_the_export_s_table_by_property_is_never_read_beside_the_one_by_page(tmp_path: Path) -> None:
    drop(tmp_path / "searchdata_site_impression", DAY, ROW)
    drop(tmp_path / "searchdata_url_impression", DAY, ROW)
    assert [f.relative.split("/")[0] for f in inspect(str(tmp_path))] == ["searchdata_url_impression"]


def test_the_export_log_gates_the_days_that_it_does_not_call_complete(tmp_path: Path) -> None:
    drop(tmp_path / "searchdata_url_impression", DAY, ROW)
    drop(tmp_path / "searchdata_url_impression", NEXT, ROW, ROW)
    log = [
        {"namespace": "SEARCHDATA_URL_IMPRESSION", "data_date": DAY},
        {"namespace": "SEARCHDATA_SITE_IMPRESSION", "data_date": NEXT},
    ]
    (tmp_path / "ExportLog").mkdir()
    pq.write_table(pa.Table.from_pylist(log), tmp_path / "ExportLog" / "part-0.parquet")
    for path in (tmp_path, tmp_path / "searchdata_url_impression"):
        complete = exported_days(str(path))
        assert complete == frozenset({DAY})
        delivery = sort_out(inspect(str(path)), complete=complete)
        assert (set(delivery.days), rows_of(delivery.incomplete)) == ({DAY}, 2)


def test_a_character_across_the_end_of_what_is_read_of_a_file_does_no_harm(tmp_path: Path) -> None:
    header = "page,query,date,impressions,clicks,position\n"
    (tmp_path / "even.csv").write_text(header + "ü" * (1 << 16) + "\n", encoding="utf-8")
    (tmp_path / "odd.csv").write_text(header + "x" + "ü" * (1 << 16) + "\n", encoding="utf-8")
    assert [(f.layout, f.problem) for f in inspect(str(tmp_path))] == [(Layout.API, None)] * 2


def test_a_key_that_the_first_json_rows_leave_out_is_still_a_column(tmp_path: Path) -> None:
    row = {"page": "p", "date": "2026-10-01", "impressions": 2, "clicks": 1, "position": 1}
    lines = [*map(json.dumps, [row, row | {"query": "oak"}]), "{not json", "null"]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (found,) = inspect(str(tmp_path))
    assert (found.layout, found.problem) == (Layout.API, None)
    assert "query" in dict(found.columns)


def test_without_a_log_there_is_no_gate(tmp_path: Path) -> None:
    drop(tmp_path / "drop", DAY, ROW)
    assert exported_days(str(tmp_path / "drop")) is None


def test_files_of_no_known_layout_are_refused_in_a_sentence_that_names_both(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("page,term,clicks\nu,q,1\n")
    with pytest.raises(
        InputError, match=r"bulk export has site_url.*API rows have page.*rows.csv has page, term, clicks"
    ):
        inspect(str(tmp_path))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no search-console files"):
        inspect(str(tmp_path))


def test_a_day_of_which_fewer_rows_came_than_promised_is_malformed_and_counted_whole(tmp_path: Path) -> None:
    drop(tmp_path, DAY, ROW, ROW, ROW)
    drop(tmp_path, NEXT, ROW, ROW)
    delivery = sort_out(inspect(str(tmp_path)), complete=None)
    assert short_days(delivery, {DAY: 3, NEXT: 1}) == {NEXT: "only 1 of 2 rows can be read"}
    settled = settle(delivery, [Part(DAY, None, 2, 1), Part(DAY, "negative_count", 1, 1), Part(NEXT, None, 1, 1)])
    assert (settled.answered, set(settled.left_out)) == ((DAY,), {NEXT})
    assert (settled.rows.rows_in, settled.rows.kept) == (5, 2)
    assert settled.rows.failed == {"malformed_day": 2, "negative_count": 1}
    assert (settled.days.rows_in, settled.days.failed) == (2, {"malformed_day": 1})


def test_rows_that_a_file_of_no_day_promised_and_did_not_give_break_the_balance(tmp_path: Path) -> None:
    row = {"page": "p", "query": "q", "date": "2026-10-01", "impressions": 2, "clicks": 1, "position": 1}
    pq.write_table(pa.Table.from_pylist([row] * 3), tmp_path / "rows.parquet")
    delivery = sort_out(inspect(str(tmp_path)), complete=None)
    assert settle(delivery, [Part(DAY, None, 3, 1)]).rows.rows_in == 3
    with pytest.raises(CountingError, match="3 came in, but 2 kept"):
        settle(delivery, [Part(DAY, None, 2, 1)])


def test_rows_that_came_in_files_without_a_day_do_not_count_for_the_footers_of_a_day_and_share_its_fate(
    tmp_path: Path,
) -> None:
    drop(tmp_path, DAY, ROW)
    drop(tmp_path, NEXT, ROW, ROW)
    (tmp_path / "pull.jsonl").write_text(json.dumps({"page": "p", "date": "d", "impressions": 1, "clicks": 0}))
    delivery = sort_out(inspect(str(tmp_path)), complete=None)
    parts = [Part(DAY, None, 1, 1), Part(DAY, "exported", 2, 0), Part(NEXT, None, 2, 1)]
    settled = settle(delivery, parts, undated={DAY: 2, NEXT: 1})
    assert settled.answered == (DAY,)
    assert settled.left_out == {NEXT}
    assert (settled.rows.rows_in, settled.rows.kept) == (6, 1)
    assert (settled.rows.dropped, settled.rows.failed) == ({"exported": 2}, {"malformed_day": 3})


LINES = json.dumps({"page": "p", "query": "oak", "date": "2026-10-01", "impressions": 2, "clicks": 1, "position": 1})
TABLE = "date;query;page;clicks;impressions;position\n2026-10-01;oak;p;1;2;1\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.json", LINES.encode()),
        ("rows.json", f"[\n {LINES},\n {LINES}".encode()),
        ("rows.NDJSON", b"\xef\xbb\xbf" + LINES.encode()),
        ("rows.jsonl.gz", gzip.compress(LINES.encode(), mtime=0)),
        ("rows.csv.gz", gzip.compress(TABLE.replace(";", ",").encode(), mtime=0)),
        ("rows.csv", TABLE.encode()),
        ("rows.csv", TABLE.replace(";", "\t").encode("utf-8-sig")),
    ],
)
def test_text_is_read_in_every_spelling_that_consoles_and_spreadsheets_write(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    (found,) = inspect(str(tmp_path))
    assert (found.layout, found.problem) == (Layout.API, None)
    assert {"date", "query", "position"} <= dict(found.columns).keys()


def test_a_file_of_a_kind_that_is_not_read_is_named_and_counted(tmp_path: Path) -> None:
    drop(tmp_path, DAY, ROW)
    (tmp_path / f"data_date={DAY}" / "rows.avro").write_bytes(b"Obj")
    delivery = sort_out(inspect(str(tmp_path)), complete=None)
    assert [f.relative for f in delivery.passed_over] == [f"data_date={DAY}/rows.avro"]
    assert "rows come as .parquet" in str(delivery.passed_over[0].problem)
    settled = settle(delivery, [Part(DAY, None, 1, 1)])
    assert (settled.rows.rows_in, settled.rows.dropped) == (2, {"passed_over": 1})


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_text_that_is_no_utf_8_however_late_is_refused_by_its_line_and_read_once_at_most(
    tmp_path: Path, pack: Any
) -> None:
    header = b"date,query,page,clicks,impressions,position\n"
    folder = tmp_path / f"data_date={DAY}"
    folder.mkdir()
    name = "rows.csv" if pack is bytes else "rows.csv.gz"
    (folder / name).write_bytes(pack(header + b"2026-10-01,oak,p,1,2,1\n" * 4000 + "grüne".encode("latin-1")))
    found = inspect(str(tmp_path))
    assert [f.problem for f in proofread(found, known={DAY})] == [None]
    assert [f.problem for f in proofread(found, known=())] == ["its line 4,002 is not UTF-8; save the file as UTF-8"]
