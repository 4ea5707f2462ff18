"""A drop folder of search-console files: what is in it, which of it can be read, and one scan of all that can.

Bulk export: ``data_date=YYYY-MM-DD/*.parquet`` (or .csv, .jsonl), possibly below ``searchdata_url_impression/``,
possibly beside an ``ExportLog``. API rows: files anywhere with a ``date`` column. Only footers and first lines are
read here; the rows are Spark's.
"""

import csv
import json
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from geo_lib import files
from geo_lib.errors import InputError
from geo_lib.search_console.layouts import Layout, layout_of, wrong_types

EXPORT_LOG = "ExportLog"
_DATA = (".parquet", ".csv", ".jsonl", ".ndjson")
_DAY = re.compile(r"(?:^|/)data_date=([^/]+)/")
_TABLE = re.compile(r"(?:^|/)(searchdata_[a-z_]+)(?:/|$)")
_URL_IMPRESSIONS = "searchdata_url_impression"
_HEAD = 1 << 16
"""Bytes of a text file that tell its columns."""


@dataclass(frozen=True, slots=True)
class ConsoleFile:
    """One file: where it lies, its day if its folder says so, its columns, or why it cannot be read."""

    uri: str
    relative: str
    kind: str
    day: date | None = None
    columns: tuple[tuple[str, str], ...] = ()
    """Name and Arrow type of each column; CSV and JSON columns are text."""
    rows: int | None = None
    """Rows by the file's own footer; null where only reading them all would tell."""
    layout: Layout | None = None
    problem: str | None = None
    size: int = 0
    mtime_ns: int | None = None
    """When it last changed; null where a store does not say."""


def inspect(path: str) -> list[ConsoleFile]:
    """Every data file of the folder, by path. Raises ``InputError`` when there is none or none of a known layout."""
    found = [f for f in files.walk(path) if f.suffix in _DATA and EXPORT_LOG not in f.relative]
    tables = {m[1] for f in found if (m := _TABLE.search(f.relative))}
    if tables:  # the export's other table counts the same impressions by property: never both
        found = [f for f in found if (m := _TABLE.search(f.relative)) is None or m[1] == _URL_IMPRESSIONS]
    if not found:
        raise InputError(
            f"{path} holds no search-console files ({', '.join(_DATA)}"
            + (
                f"; of the bulk export only {_URL_IMPRESSIONS} is read, found {', '.join(sorted(tables))}"
                if tables
                else ""
            )
            + "); give the folder with the data_date=YYYY-MM-DD folders, or with API rows."
        )
    with ThreadPoolExecutor(8) as pool:
        inspected = list(pool.map(_inspect, found))
    readable = [f for f in inspected if f.problem is None]
    unknown = [f for f in readable if f.layout is None]
    if readable and len(unknown) == len(readable):
        raise InputError(
            f"{path}: no file has the columns of a known layout. The bulk export has {Layout.EXPORT.wanted}; API rows "
            f"have {Layout.API.wanted}. {unknown[0].relative} has {', '.join(n for n, _ in unknown[0].columns)}."
        )
    return [replace(f, problem=_no_layout(f)) if f.problem is None and f.layout is None else f for f in inspected]


def exported_days(path: str) -> frozenset[date] | None:
    """Days that the ``ExportLog`` in or beside the folder calls complete; null when there is no log.

    The log has a row per successful export; its namespace says of which table.
    """
    import pyarrow.dataset as ds

    if (address := export_log(path)) is None:
        return None
    store, place = files.locate(address)
    suffix = address.rpartition("/")[2].removeprefix(EXPORT_LOG)
    kind = suffix[1:].replace("jsonl", "json") or "parquet"
    log = ds.dataset(place, filesystem=store, format=kind).to_table().to_pylist()
    url = [row for row in log if _URL_IMPRESSIONS in str(row.get("namespace", _URL_IMPRESSIONS)).lower()]
    return frozenset(date.fromisoformat(str(row["data_date"])[:10]) for row in url)


def export_log(path: str) -> str | None:
    """Address of the ``ExportLog`` in or beside the folder, a folder itself or one file; null when there is none."""
    inside = path.rstrip("/")
    names = [f"{EXPORT_LOG}{suffix}" for suffix in ("", ".parquet", ".csv", ".jsonl")]
    addresses = [f"{folder}/{name}" for folder in (inside, files.folder_of(inside)) for name in names]
    return next(filter(files.exists, addresses), None)


def scan(spark: SparkSession, found: Iterable[ConsoleFile]) -> list[tuple[Layout, DataFrame]]:
    """The rows of readable files, one frame per distinct layout and set of columns, not per file or day.

    Every frame has the delivered columns and ``_uri``. A page of a file that proves corrupt while it is read gives
    no row: the caller compares what came with the footers' ``rows``.
    """
    alike: dict[tuple[Layout, str, tuple[tuple[str, str], ...]], list[str]] = {}
    for file in found:
        if file.problem is None and file.layout is not None:
            # JSON rows may each have other keys, so that only reading them all tells the columns
            columns = () if file.kind == "jsonl" else file.columns
            alike.setdefault((file.layout, file.kind, columns), []).append(file.uri)
    return [(layout, _read(spark, kind, uris)) for (layout, kind, _), uris in sorted(alike.items(), key=str)]


def nothing(spark: SparkSession) -> tuple[Layout, DataFrame]:
    """What ``scan`` gives for a file without rows: for a folder of which no file can be taken."""
    columns = ", ".join(f"`{name}` string" for name in (*Layout.EXPORT.mandatory, "data_date", "_uri"))
    return Layout.EXPORT, spark.createDataFrame([], columns)


def _read(spark: SparkSession, kind: str, uris: Sequence[str]) -> DataFrame:
    match kind:
        case "parquet":  # their footers tell afterwards whether something was skipped
            rows = spark.read.option("ignoreCorruptFiles", "true").parquet(*uris)
        case "csv":
            rows = spark.read.csv(list(uris), header=True, multiLine=True, escape='"')
        case _:
            rows = spark.read.json(list(uris), primitivesAsString=True)
    return rows.withColumn("_uri", F.col("_metadata.file_path"))


def _inspect(found: files.FoundFile) -> ConsoleFile:
    kind = "jsonl" if found.suffix == ".ndjson" else found.suffix[1:]
    file = ConsoleFile(found.uri, found.relative, kind, size=found.size, mtime_ns=found.mtime_ns)
    if (named := _DAY.search(f"/{found.relative}")) is not None:
        try:
            file = replace(file, day=date.fromisoformat(named[1]))
        except ValueError:
            return replace(file, problem=f"its folder names no day: data_date={named[1]}")
    try:
        columns, rows = _parquet(found.uri) if kind == "parquet" else _text(found.uri, kind)
    except (OSError, ValueError) as unreadable:
        return replace(file, problem=f"cannot be read: {unreadable}"[:300])
    layout = layout_of([name for name, _ in columns], dated=file.day is not None)
    file = replace(file, columns=columns, rows=rows)
    if layout is not None and kind == "parquet" and (wrong := wrong_types(layout, dict(file.columns))):
        return replace(file, problem=f"wrong types: {', '.join(wrong)}")
    return replace(file, layout=layout)


def _parquet(uri: str) -> tuple[tuple[tuple[str, str], ...], int]:
    import pyarrow.parquet as pq

    store, place = files.locate(uri)
    with store.open_input_file(place) as opened:
        footer = pq.ParquetFile(opened)
        return tuple((f.name, str(f.type)) for f in footer.schema_arrow), footer.metadata.num_rows


def _text(uri: str, kind: str) -> tuple[tuple[tuple[str, str], ...], None]:
    store, place = files.locate(uri)
    with store.open_input_stream(place) as opened:
        head = bytes(opened.read(_HEAD))
    # the last line of a longer file is cut, and perhaps a character with it
    whole = head if len(head) < _HEAD else head[: head.rfind(b"\n") + 1]
    lines = whole.decode("utf-8").split("\n")
    names = next(csv.reader([lines[0].rstrip("\r")]), []) if kind == "csv" else _keys(lines)
    return tuple((name, "string") for name in names), None


def _keys(lines: Iterable[str]) -> list[str]:
    """Every key of JSON lines: exporters leave out what is null. What is no object is a bad row, not a bad file."""
    rows = [row for line in lines if isinstance(row := _json(line), dict)]
    return list(dict.fromkeys(name for row in rows for name in row))


def _json(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _no_layout(file: ConsoleFile) -> str:
    nearest = Layout.EXPORT if file.day is not None else Layout.API
    names = {name for name, _ in file.columns}
    missing = [name for name in nearest.mandatory if name not in names]
    return f"lacks {', '.join(missing)}; it has {', '.join(sorted(names)) or 'no columns'}"
