"""Mine the queries that demonstrably find each image (Eq. 1).

    geo mine-queries --conf conf/local.yml --as-of 2026-10-30

Reads search_console, its ledger console_days and images; writes page_queries, which are running sums, and from them
query_performance and mined_queries. Of search_console it reads the days that page_queries lacks or has too many.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.addresses import normalised
from geo_lib.config import at_least_one, zero_to_one
from geo_lib.counts import Counts
from geo_lib.provenance import code_digest
from geo_lib.search_console import sums
from geo_lib.search_console.attribution import image_attribution
from geo_lib.search_console.delivery import Part
from geo_lib.search_console.ledger import DayRecord, day_records
from geo_lib.search_console.performance import mined_queries, query_performance, row_fates
from geo_lib.search_console.sums import Layer, added_up, change, folded, layers_of, within
from geo_lib.spark import held
from jobs.run.job import Context, Job
from schemas.console_days import CONSOLE_DAYS
from schemas.images import IMAGES
from schemas.mined_queries import MINED_QUERIES
from schemas.page_queries import PAGE_QUERIES
from schemas.query_performance import QUERY_PERFORMANCE
from schemas.search_console import SEARCH_CONSOLE


@dataclass(frozen=True, slots=True)
class MineQueries:
    """The constants of Eq. 1 and of the cut after it, as the paper prints them; conf/*.yml may set any."""

    many_impressions: int = 1000
    """More than this retains a pair by itself."""
    min_impressions: int = 10
    """More than this is needed for the other two clauses."""
    min_ctr: float = 0.8
    max_position: float = 10.0
    """Average rank, 1 the topmost."""
    top: int = 30
    """Queries per signature."""
    days: int | None = 365
    """How many days to look back, the day asked for among them: the paper's year. Null: all there are."""

    def __post_init__(self) -> None:
        at_least_one(self, "many_impressions", "min_impressions", "top")
        zero_to_one(self, "min_ctr")
        if self.days is not None:
            at_least_one(self, "days")
        if self.max_position < 1:
            raise ValueError(f"max_position counts from 1, so it cannot be {self.max_position}")


def run(ctx: Context, knobs: MineQueries) -> Counts:
    first = date.min if knobs.days is None else ctx.as_of - timedelta(days=knobs.days - 1)
    window = (first, ctx.as_of)
    ledger = _ledger(ctx)
    _bring_sums(ctx, ledger, window)
    with held(_by_page(ctx)) as by_page, held(image_attribution(ctx.read(IMAGES))) as attribution:
        fates = {row["fate"]: row["rows"] for row in row_fates(by_page, attribution).collect()}
        performance = query_performance(
            by_page,
            attribution,
            many_impressions=knobs.many_impressions,
            min_impressions=knobs.min_impressions,
            min_ctr=knobs.min_ctr,
            max_position=knobs.max_position,
        )
        ctx.write(QUERY_PERFORMANCE, performance, is_unique=True)
    written = ctx.read(QUERY_PERFORMANCE)
    ctx.write(MINED_QUERIES, mined_queries(written, top=knobs.top), is_unique=True)
    verdicts = {row["retained_by"]: row["count"] for row in written.groupBy("retained_by").count().collect()}
    (mined,) = ctx.read(MINED_QUERIES).agg(F.count("*").alias("n"), F.count_distinct("signature").alias("s")).collect()
    kept = fates.pop(None, 0)
    return Counts(
        rows_in=sum(record.keys for day, record in ledger.items() if window[0] <= day <= window[1]),
        kept=kept,
        dropped=fates,
        produced={
            "pairs": sum(verdicts.values()),
            **{f"retained_by_{clause}": verdicts.get(clause, 0) for clause in ("impressions", "ctr", "position")},
            "mined": mined["n"],
            "signatures": mined["s"],
        },
    )


def _by_page(ctx: Context) -> DataFrame:
    """The sums under the one spelling of each page that the catalogue uses, too."""
    return added_up(normalised(ctx.read(PAGE_QUERIES), "page_url"))


def _ledger(ctx: Context) -> dict[date, DayRecord]:
    """The days of search_console: as its ledger has them, or counted where it does not tell of the table as it is."""
    days = ctx.read(SEARCH_CONSOLE).groupBy("data_date").count()
    console = ctx.version(SEARCH_CONSOLE)
    ledger = day_records(ctx.read(CONSOLE_DAYS).collect(), console=console)
    return ledger or {day: DayRecord(None, console, (Part(day, None, rows, rows),)) for day, rows in days.collect()}


def _bring_sums(ctx: Context, ledger: dict[date, DayRecord], window: tuple[date, date]) -> None:
    """Let page_queries add up to the days of the window, reading as few of them as will do."""
    stored = ctx.read(PAGE_QUERIES)
    layers = [Layer.named(row["layer"]) for row in stored.select("layer").distinct().collect()]
    console = ctx.version(SEARCH_CONSOLE)
    todo = change(layers, ledger, window=window, console=console, code=code_digest(sums.__name__)[:8])
    if not todo.answered:
        return
    rows = ctx.read(SEARCH_CONSOLE)
    properties = within(rows, todo.summed).select("site_url").distinct().limit(2).count()
    new = layers_of(rows, todo.summed, is_one_property=properties < 2)
    if todo.folded is not None:
        standing = stored.where(F.col("layer").isin([layer.name for layer in todo.standing])).select(*new.columns)
        new = folded(standing.unionByName(new), into=todo.folded)
    ctx.write(PAGE_QUERIES, new, slices=[layer.name for layer in todo.answered], is_unique=True)


JOB = Job(
    name="mine_queries",
    knobs=MineQueries,
    run=run,
    unit="console rows",
    reads=(SEARCH_CONSOLE, CONSOLE_DAYS, IMAGES),
    writes=(PAGE_QUERIES, QUERY_PERFORMANCE, MINED_QUERIES),
)
