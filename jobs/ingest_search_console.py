"""Bring search-console data in, day by day: the bulk export, or rows of the API.

    geo ingest-search-console --conf conf/local.yml --as-of 2026-10-30

Reads a drop folder; replaces the days found there in search_console, and the console's rejected_rows. A day that is
gone from the folder stays as it is; a day with a malformed file keeps its last good rows.
"""

from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.counts import Counts
from geo_lib.errors import ConfigError, InputError
from geo_lib.search_console.delivery import Delivery, Part, settle, sort_out
from geo_lib.search_console.folder import export_log, exported_days, inspect, nothing, scan
from geo_lib.search_console.layouts import (
    MALFORMED_DAY,
    Layout,
    accepted,
    console_rows,
    flag_names,
    rejected,
    summed,
    tally,
)
from geo_lib.spark import held
from jobs.run.job import Context, Job
from schemas.rejected_rows import REJECTED_ROWS
from schemas.rejected_rows import SEARCH_CONSOLE as REJECTED
from schemas.search_console import SEARCH_CONSOLE


@dataclass(frozen=True, slots=True)
class IngestSearchConsole:
    """The knobs of this job; conf/*.yml may set any of them."""

    path: str = ""
    """Folder with data_date=YYYY-MM-DD folders of the bulk export, or with files of API rows."""
    site_url: str | None = None
    """The property, for API rows that do not carry it."""
    max_failed_share: float = 0.05
    """Of the console rows, and of the days."""


def run(ctx: Context, knobs: IngestSearchConsole) -> Counts:
    if not knobs.path:
        raise ConfigError("ingest_search_console.path names no folder; set it in the configuration.")
    spark = ctx.spark
    delivery = sort_out(inspect(knobs.path), complete=exported_days(knobs.path))
    _refuse_nameless_property(delivery, knobs)
    keys = _keys(scan(spark, delivery.usable) or [nothing(spark)], site_url=knobs.site_url)
    with held(keys) as keys:  # counted, and written to two tables
        settled = settle(delivery, [Part(*row) for row in tally(keys).collect()])
        malformed = [(REJECTED, f.relative, MALFORMED_DAY, f.problem) for f in settled.delivery.malformed]
        rows = rejected(keys, short=settled.short).select(F.lit(REJECTED).alias("source"), "row", "reason", "detail")
        refused = rows.unionByName(spark.createDataFrame(malformed, REJECTED_ROWS.schema))
        ctx.write(REJECTED_ROWS, refused, slices=[REJECTED])
        settled.days.refuse_above(knobs.max_failed_share, unit="days")
        settled.rows.refuse_above(knobs.max_failed_share, unit=JOB.unit)
        ctx.write(SEARCH_CONSOLE, accepted(keys, short=settled.short), slices=settled.answered)
        return settled.rows


def _keys(frames: list[tuple[Layout, DataFrame]], *, site_url: str | None) -> DataFrame:
    flags = flag_names(frames)
    rows = [console_rows(rows, layout=layout, flags=flags, site_url=site_url) for layout, rows in frames]
    return summed(reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), rows), flags=flags)


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
    writes=(SEARCH_CONSOLE,),
    shares=(REJECTED_ROWS,),
    files=files,
)
