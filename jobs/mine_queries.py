"""Mine the queries that demonstrably find each image (Eq. 1).

    geo mine-queries --conf conf/local.yml --as-of 2026-10-30

Reads search_console and images; writes query_performance and mined_queries.
"""

from dataclasses import dataclass

from pyspark.sql import functions as F

from geo_lib.config import at_least_one, zero_to_one
from geo_lib.counts import Counts
from geo_lib.search_console.attribution import image_attribution
from geo_lib.search_console.performance import mined_queries, page_queries, query_performance, row_fates
from geo_lib.spark import held
from jobs.run.job import Context, Job
from schemas.images import IMAGES
from schemas.mined_queries import MINED_QUERIES
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

    def __post_init__(self) -> None:
        at_least_one(self, "many_impressions", "min_impressions", "top")
        zero_to_one(self, "min_ctr")
        if self.max_position < 1:
            raise ValueError(f"max_position counts from 1, so it cannot be {self.max_position}")


def run(ctx: Context, knobs: MineQueries) -> Counts:
    console = ctx.read(SEARCH_CONSOLE).where(F.col("data_date") <= F.lit(ctx.as_of))
    attribution = image_attribution(ctx.read(IMAGES))
    with held(page_queries(console)) as by_page:
        fates = {row["fate"]: row["rows"] for row in row_fates(by_page, attribution).collect()}
        performance = query_performance(
            by_page,
            attribution,
            many_impressions=knobs.many_impressions,
            min_impressions=knobs.min_impressions,
            min_ctr=knobs.min_ctr,
            max_position=knobs.max_position,
        )
        ctx.write(QUERY_PERFORMANCE, performance)
        written = ctx.read(QUERY_PERFORMANCE)
        ctx.write(MINED_QUERIES, mined_queries(written, top=knobs.top))
        mined = ctx.read(MINED_QUERIES)
        verdicts = {row["retained_by"]: row["count"] for row in written.groupBy("retained_by").count().collect()}
        kept = fates.pop(None, 0)
        return Counts(
            rows_in=console.count(),
            kept=kept,
            dropped=fates,
            produced={
                "pairs": sum(verdicts.values()),
                **{f"retained_by_{clause}": verdicts.get(clause, 0) for clause in ("impressions", "ctr", "position")},
                "mined": mined.count(),
                "signatures": mined.select("signature").distinct().count(),
            },
        )


JOB = Job(
    name="mine_queries",
    knobs=MineQueries,
    run=run,
    unit="console rows",
    reads=(SEARCH_CONSOLE, IMAGES),
    writes=(QUERY_PERFORMANCE, MINED_QUERIES),
)
