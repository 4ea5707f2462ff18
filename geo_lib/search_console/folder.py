"""A drop folder of search-console files: what is in it, which of it can be read, and one scan of all that can.

Bulk export: ``data_date=YYYY-MM-DD/*.parquet`` (or CSV or JSON, as they are or gzipped), possibly below
``searchdata_url_impression/``, possibly beside an ``ExportLog``. API rows: files anywhere with a ``date`` column. Only
footers and first lines are read here, and text of days that are new once through; the rows are Spark's.
"""

import codecs
import csv
import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from geo_lib import files
from geo_lib.errors import InputError
from geo_lib.search_console.layouts import Layout, layout_of, wrong_types
from geo_lib.spark import local_frame

EXPORT_LOG = "ExportLog"
_KIND = re.compile(r"\.(?:(?P<parquet>parquet)|(?:(?P<csv>csv)|(?P<json>json|jsonl|ndjson))(?:\.gz)?)$", re.IGNORECASE)
_DATA = ".parquet, .csv, .json, .jsonl or .ndjson, text also as .gz"
_DAY = re.compile(r"(?:^|/)data_date=([^/]+)/")
_TABLE = re.compile(r"(?:^|/)(searchdata_[a-z_]+)(?:/|$)")
_URL_IMPRESSIONS = "searchdata_url_impression"
_HEAD = 1 << 16
"""Bytes of a text file that tell its columns."""
_BETWEEN = re.compile(r"[\s,]*")
_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class ConsoleFile:
    """One file: where it lies, its day if its folder says so, its columns, or why it cannot be read."""

    uri: str
    relative: str
    kind: str | None
    """parquet, csv, json (an object a line) or json_array; null: none that is read."""
    day: date | None = None
    columns: tuple[tuple[str, str], ...] = ()
    """Name and Arrow type of each column; CSV and JSON columns are text."""
    rows: int | None = None
    """Rows by the file's own footer; null where only reading them all would tell."""
    layout: Layout | None = None
    problem: str | None = None
    separator: str = ","
    """Between the columns of CSV."""
    size: int = 0
    mtime_ns: int | None = None
    """When it last changed; null where a store does not say."""


def inspect(path: str) -> list[ConsoleFile]:
    """Every file of the folder by path. Raises ``InputError`` when none can hold rows or none is of a known layout."""
    found = [f for f in files.walk(path) if EXPORT_LOG not in f.relative]
    tables = {m[1] for f in found if (m := _TABLE.search(f.relative))}
    if tables:  # the export's other table counts the same impressions by property: never both
        found = [f for f in found if (m := _TABLE.search(f.relative)) is None or m[1] == _URL_IMPRESSIONS]
    if not any(_kind_of(f.relative) for f in found):
        raise InputError(
            f"{path} holds no search-console files ({_DATA}"
            + (
                f"; of the bulk export only {_URL_IMPRESSIONS} is read, found {', '.join(sorted(tables))}"
                if tables
                else ""
            )
            + "); give the folder with the data_date=YYYY-MM-DD folders, or with API rows."
        )
    with ThreadPoolExecutor(8) as pool:
        inspected = list(pool.map(_inspect, found))
    readable = [f for f in inspected if f.kind is not None and f.problem is None]
    unknown = [f for f in readable if f.layout is None]
    if readable and len(unknown) == len(readable):
        raise InputError(
            f"{path}: no file has the columns of a known layout. The bulk export has {Layout.EXPORT.wanted}; API rows "
            f"have {Layout.API.wanted}. {unknown[0].relative} has {', '.join(n for n, _ in unknown[0].columns)}."
        )
    return [replace(f, problem=_no_layout(f)) if f in unknown else f for f in inspected]


def proofread(found: Sequence[ConsoleFile], *, known: Collection[date]) -> list[ConsoleFile]:
    """The files, each that is text and of no ``known`` day read once through: one that is no UTF-8 is a problem.

    Whoever decodes it all the same makes of each such letter a mark of its own, and other queries of the queries.
    """

    def read_through(file: ConsoleFile) -> ConsoleFile:
        is_text = file.kind not in (None, "parquet")
        if not is_text or file.problem is not None or (file.day is not None and file.day in known):
            return file
        return replace(file, problem=_flaw_of_text(file.uri))

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(read_through, found))


def _flaw_of_text(uri: str) -> str | None:
    try:
        line = files.line_not_utf8(uri)
    except OSError as unreadable:
        return f"cannot be read: {unreadable}"[:300]
    return None if line is None else f"its line {line:,} is not UTF-8; save the file as UTF-8"


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
    alike: dict[tuple[Layout, str, tuple[tuple[str, str], ...], str], list[str]] = {}
    for file in found:
        if file.problem is None and file.layout is not None and file.kind is not None:
            # JSON rows may each have other keys, so that only reading them all tells the columns
            columns = () if file.kind.startswith("json") else file.columns
            alike.setdefault((file.layout, file.kind, columns, file.separator), []).append(file.uri)
    return [
        (layout, _read(spark, kind, uris, separator=separator))
        for (layout, kind, _, separator), uris in sorted(alike.items(), key=str)
    ]


def nothing(spark: SparkSession) -> tuple[Layout, DataFrame]:
    """What ``scan`` gives for a file without rows: for a folder of which no file can be taken."""
    columns = ", ".join(f"`{name}` string" for name in (*Layout.EXPORT.mandatory, "data_date", "_uri"))
    return Layout.EXPORT, local_frame(spark, [], columns)


def _read(spark: SparkSession, kind: str, uris: Sequence[str], *, separator: str) -> DataFrame:
    paths = [files.literal(uri) for uri in uris]
    match kind:
        case "parquet":  # their footers tell afterwards whether something was skipped
            rows = spark.read.option("ignoreCorruptFiles", "true").parquet(*paths)
        case "csv":
            rows = spark.read.csv(paths, header=True, multiLine=True, escape='"', sep=separator)
        case _:
            # an array is one long line: told by multiLine, Spark takes its path for a pattern once more
            rows = spark.read.json(paths, primitivesAsString=True, lineSep="\0" if kind == "json_array" else None)
    return rows.withColumns({"_uri": F.col("_metadata.file_path"), "_mtime": F.col("_metadata.file_modification_time")})


def _kind_of(name: str) -> str | None:
    return None if (kind := _KIND.search(name)) is None else kind.lastgroup


def _inspect(found: files.FoundFile) -> ConsoleFile:
    file = ConsoleFile(found.uri, found.relative, _kind_of(found.relative), size=found.size, mtime_ns=found.mtime_ns)
    if file.kind is None:
        return replace(file, problem=f"not read: rows come as {_DATA}")
    if (named := _DAY.search(f"/{found.relative}")) is not None:
        try:
            file = replace(file, day=date.fromisoformat(named[1]))
        except ValueError:
            return replace(file, problem=f"its folder names no day: data_date={named[1]}")
    try:
        file = _with_parquet_columns(file) if file.kind == "parquet" else _with_text_columns(file)
    except (OSError, ValueError) as unreadable:
        return replace(file, problem=f"cannot be read: {unreadable}"[:300])
    layout = layout_of([name for name, _ in file.columns], dated=file.day is not None)
    if layout is not None and file.kind == "parquet" and (wrong := wrong_types(layout, dict(file.columns))):
        return replace(file, problem=f"wrong types: {', '.join(wrong)}")
    return replace(file, layout=layout)


def _with_parquet_columns(file: ConsoleFile) -> ConsoleFile:
    import pyarrow.parquet as pq

    store, place = files.locate(file.uri)
    with store.open_input_file(place) as opened:
        footer = pq.ParquetFile(opened)
        columns = tuple((f.name, str(f.type)) for f in footer.schema_arrow)
        return replace(file, columns=columns, rows=footer.metadata.num_rows)


def _with_text_columns(file: ConsoleFile) -> ConsoleFile:
    store, place = files.locate(file.uri)
    with store.open_input_stream(place) as opened:
        head = bytes(opened.read(_HEAD))
    # what is read may end within a character, and begin with a mark that is no part of the first name
    text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    if file.kind == "csv":
        header = text.split("\n", 1)[0].rstrip("\r")
        separator = max(_SEPARATORS, key=header.count)
        names = next(csv.reader([header], delimiter=separator), [])
        return replace(file, columns=tuple((name, "string") for name in names), separator=separator)
    is_array = text.lstrip().startswith("[")
    rows = _elements(text) if is_array else map(_json, text.split("\n"))
    # every key: exporters leave out what is null. What is no object is a bad row, not a bad file
    names = list(dict.fromkeys(name for row in rows if isinstance(row, dict) for name in row))
    return replace(file, kind="json_array" if is_array else "json", columns=tuple((name, "string") for name in names))


def _elements(text: str) -> Iterator[object]:
    """The elements of a JSON array, of which the end may be cut off."""
    decoder, place = json.JSONDecoder(), text.index("[") + 1
    while (start := _BETWEEN.match(text, place)) is not None:
        try:
            element, place = decoder.raw_decode(text, start.end())
        except ValueError:
            return
        yield element


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
