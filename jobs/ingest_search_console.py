"""Bring search-console data in, day by day: the bulk export, or rows of the API.

    geo ingest-search-console --conf conf/local.yml --as-of 2026-10-30

Reads of a drop folder the days whose files changed; replaces them in search_console and in its ledger console_days,
and the console's rejected_rows. A day that is gone from the folder stays as it is; a day with a malformed file keeps
its last good rows.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import functions as F

from geo_lib.counts import Counts
from geo_lib.errors import ConfigError, InputError
from geo_lib.provenance import code_digest, version_of
from geo_lib.search_console.delivery import PASSED_OVER, Delivery, Part, Settlement, settle, sort_out
from geo_lib.search_console.folder import export_log, exported_days, inspect, proofread
from geo_lib.search_console.layouts import LEFT_OUT, MALFORMED_DAY, Layout, rejected_of
from geo_lib.search_console.ledger import DayRecord, day_records, day_rows, file_marks, unchanged_days, without_days
from geo_lib.search_console.reading import Reading, read
from geo_lib.spark import local_frame
from geo_lib.tables import ABSENT
from jobs.run.job import Context, Job
from schemas.console_days import CONSOLE_DAYS
from schemas.rejected_rows import REJECTED_ROWS
from schemas.rejected_rows import SEARCH_CONSOLE as REJECTED
from schemas.search_console import SEARCH_CONSOLE


@dataclass(frozen=True, slots=True)
class IngestSearchConsole:
    """The knobs of this job; conf/*.yml may set any of them."""

    path: str | None = ""
    """Folder with data_date=YYYY-MM-DD folders of the bulk export, or with files of API rows; null: there is no export,
    and all that is known of what people search for is what an oracle labels."""
    site_url: str | None = None
    """The property, for API rows that do not carry it."""
    max_failed_share: float = 0.05
    """Of the console rows, and of the days."""


WITHOUT = (
    "no search console (path is null): no query is mined and no model's query confirmed by what people typed, so pages "
    "are as good as the model is, evaluations ask the truth or nobody, and queries have no demand to be ranked by"
)
"""What a platform lacks that has no export."""


def run(ctx: Context, knobs: IngestSearchConsole) -> Counts:
    if knobs.path is None:
        return _without_export(ctx)
    if not knobs.path:
        raise ConfigError(
            "ingest_search_console.path names no folder; set it in the configuration, or to null if there is no export."
        )
    found, complete = inspect(knobs.path), exported_days(knobs.path)
    before = ctx.version(SEARCH_CONSOLE)
    ledger = day_records(ctx.read(CONSOLE_DAYS).collect(), console=before)
    unchanged = unchanged_days(sort_out(found, complete=complete), ledger, reader=_reader(knobs))
    delivery = sort_out(proofread(found, known=unchanged), complete=complete)
    _refuse_nameless_property(delivery, knobs)
    with read(ctx.spark, without_days(delivery, unchanged), site_url=knobs.site_url) as reading:
        stands = [part for day in sorted(unchanged) for part in ledger[day].parts]
        with_refusals = {part.day for part in stands if part.reason not in (None, *LEFT_OUT) and part.day is not None}
        settled = settle(delivery, [*stands, *reading.parts], undated=reading.undated)
        answered = [day for day in settled.answered if day not in unchanged]
        _reject(ctx, reading, settled, unread=with_refusals)
        settled.days.refuse_above(knobs.max_failed_share, unit="days")
        settled.rows.refuse_above(knobs.max_failed_share, unit=JOB.unit)
        if answered:
            ctx.write(SEARCH_CONSOLE, reading.accepted(short=settled.left_out), slices=answered, is_unique=True)
    parts = _with_keys(ctx, reading.parts, answered)
    marks = file_marks(settled.delivery, answered, reader=_reader(knobs))
    _note(ctx, ledger, marks, parts, before=before)
    return settle(delivery, [*stands, *parts], undated=reading.undated).rows


def _without_export(ctx: Context) -> Counts:
    """Nothing came. What an earlier export brought would be mined on as if people still searched like that: refuse."""
    if stored := ctx.read(CONSOLE_DAYS).select("data_date").distinct().count():
        raise ConfigError(
            f"ingest_search_console.path is null, so there is no export, but {stored:,} days of one stand in "
            "search_console; name its folder again, or begin a lakehouse of its own without one"
        )
    return Counts(rows_in=0, kept=0, report=WITHOUT)


def _with_keys(ctx: Context, parts: Sequence[Part], days: Sequence[date]) -> list[Part]:
    """The parts with the keys that stand in search_console, which are those of the kept rows."""
    stored = ctx.read(SEARCH_CONSOLE).where(F.col("data_date").isin(list(days))).groupBy("data_date").count()
    keys = {row["data_date"]: row["count"] for row in stored.collect()} if days else {}
    return [replace(part, keys=keys.get(part.day, 0) if part.reason is None else 0) for part in parts]


def _reader(knobs: IngestSearchConsole) -> str:
    """What, beside its files, decides the rows that a day becomes."""
    return version_of(site_url=knobs.site_url, code=code_digest(read.__module__))


def _reject(ctx: Context, reading: Reading, settled: Settlement, *, unread: Collection[date]) -> None:
    """Write what cannot stand, by row or by file; rejections of the days that were not read again stay."""
    rows = reading.rejected(short=settled.left_out)
    if unread:
        rows = rows.unionByName(rejected_of(ctx.read(REJECTED_ROWS).where(F.col("source") == REJECTED), unread))
    malformed = [(REJECTED, file.relative, MALFORMED_DAY, file.problem) for file in settled.delivery.malformed]
    malformed += [(REJECTED, file.relative, PASSED_OVER, file.problem) for file in settled.delivery.passed_over]
    refused = rows.select(F.lit(REJECTED).alias("source"), "row", "reason", "detail")
    refused = refused.unionByName(local_frame(ctx.spark, malformed, REJECTED_ROWS.schema))
    ctx.write(REJECTED_ROWS, refused, slices=[REJECTED])


def _note(
    ctx: Context, ledger: dict[date, DayRecord], marks: dict[date, str], parts: Sequence[Part], *, before: str
) -> None:
    """Write the ledger: of each day that was read, its files and fates, and the version that brought its rows."""
    now = ctx.version(SEARCH_CONSOLE)
    noted = {
        day: DayRecord(
            files,
            ledger[day].changed_in if day in ledger and now == before else now,
            tuple(part for part in parts if part.day == day),
        )
        for day, files in marks.items()
    }
    if not ledger and before != ABSENT:  # a ledger that is lost, or younger than the table, starts with what stands
        stored = ctx.read(SEARCH_CONSOLE).groupBy("data_date").count().collect()
        noted |= {day: DayRecord(None, now, (Part(day, None, rows, rows),)) for day, rows in stored if day not in noted}
        answered = {*noted, *(row["data_date"] for row in ctx.read(CONSOLE_DAYS).select("data_date").collect())}
    else:
        answered = set(noted)
    if answered:
        rows = local_frame(ctx.spark, day_rows(noted, noted), CONSOLE_DAYS.schema)
        ctx.write(CONSOLE_DAYS, rows, slices=sorted(answered))


def _refuse_nameless_property(delivery: Delivery, knobs: IngestSearchConsole) -> None:
    nameless = [f for f in delivery.usable if f.layout is Layout.API and "site_url" not in dict(f.columns)]
    if nameless and knobs.site_url is None:
        raise InputError(
            f"{nameless[0].relative} holds API rows without a site_url column; name the property with "
            "ingest_search_console.site_url."
        )


def files(knobs: IngestSearchConsole) -> tuple[str, ...]:
    """The drop folder, and the export log, which may lie beside it."""
    return (knobs.path, *filter(None, [export_log(knobs.path)])) if knobs.path else ()


JOB = Job(
    name="ingest_search_console",
    knobs=IngestSearchConsole,
    run=run,
    unit="console rows",
    writes=(SEARCH_CONSOLE, CONSOLE_DAYS),
    shares=(REJECTED_ROWS,),
    files=files,
)
