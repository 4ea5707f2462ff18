from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from geo_lib import config
from geo_lib.counts import Counts
from geo_lib.errors import ConfigError
from jobs.ingest_search_console import JOB as INGEST
from jobs.ingest_search_console import IngestSearchConsole
from jobs.mine_queries import JOB, MineQueries
from jobs.run.job import Context
from schemas.images import IMAGES
from schemas.mined_queries import MINED_QUERIES
from schemas.page_queries import PAGE_QUERIES
from schemas.query_performance import QUERY_PERFORMANCE
from schemas.search_console import SEARCH_CONSOLE
from tests.builders import build


def test_the_defaults_are_the_paper_s() -> None:
    knobs = MineQueries()
    assert (knobs.many_impressions, knobs.min_impressions, knobs.min_ctr, knobs.max_position) == (1000, 10, 0.8, 10)
    assert (knobs.top, knobs.days) == (30, 365)


@pytest.mark.slow
def test_what_finds_an_image_by_the_day_asked_for_is_mined_and_every_console_row_is_counted(
    spark: SparkSession, context: Context
) -> None:
    page, board = "https://pins.test/pin/a", "https://pins.test/board/oak"
    shown = ({"image_id": "a", "signature": "A", "page_url": page},
             *({"image_id": s, "signature": s, "page_url": board} for s in ("A", "B")))  # fmt: skip
    context.tables.write(IMAGES, build(IMAGES, spark, *shown))
    console = build(
        SEARCH_CONSOLE,
        spark,
        {"query": "oak"},
        {"query": "oak", "country": "deu", "page_url": "HTTPS://Pins.test:443/x/../pin/%61#top"},
        {"query": "weak", "sum_position_1based": 600},
        {"query": None, "is_anonymized": True},
        {"query": "about us", "page_url": "https://pins.test/about"},
        {"query": "oak gallery", "page_url": board},
        {"query": "tomorrow", "data_date": context.as_of + timedelta(days=1)},
        page_url=page,
        data_date=date(2026, 10, 1),
        impressions=20,
        sum_position_1based=60,
    )
    context.tables.write(SEARCH_CONSOLE, console)
    counts = context.run(JOB, MineQueries())
    assert (counts.rows_in, counts.kept) == (6, 3)
    assert counts.dropped == {"ambiguous_page": 1, "anonymised": 1, "unattributed": 1}
    assert counts.produced == {
        "pairs": 2,  # none of the board
        "retained_by_impressions": 0,
        "retained_by_ctr": 0,
        "retained_by_position": 1,
        "mined": 1,
        "signatures": 1,
    }
    assert [(r["query"], r.impressions, r.rank) for r in context.tables.read(MINED_QUERIES).collect()] == [
        ("oak", 40, 1)
    ]
    before = [context.tables.version(table) for table in (QUERY_PERFORMANCE, MINED_QUERIES)]
    context.run(JOB, MineQueries())
    assert [context.tables.version(table) for table in (QUERY_PERFORMANCE, MINED_QUERIES)] == before


@pytest.mark.slow
def test_days_that_come_change_or_leave_give_the_rows_of_a_full_run(
    spark: SparkSession, context: Context, tmp_path: Path
) -> None:
    page = "https://pins.test/pin/a"
    figures = {"impressions": 20, "clicks": 1, "sum_position": 30}
    row = {"site_url": "s", "url": page, "query": "oak", "is_anonymized_query": False} | figures
    days = [date(2026, 10, 1) + timedelta(days=n) for n in range(6)]
    knobs = IngestSearchConsole(path=str(tmp_path / "drop"))

    def deliver(day: date, *rows: dict[str, Any]) -> None:
        path = tmp_path / "drop" / f"data_date={day}" / "part-0.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist([row | other for other in rows]), path)

    def mined(at: Context, day: date, *, anew: bool = False) -> tuple[Counts, set[Any], int]:
        asked = replace(at, as_of=day)
        if anew:  # as if nothing had been summed before
            spark.sql(f"delete from delta.`{at.lakehouse}/tables/geo/page_queries`")
        counts = asked.run(JOB, MineQueries(days=4))
        rows = at.tables.read(QUERY_PERFORMANCE).select(*QUERY_PERFORMANCE.schema.names).collect()
        return counts, {tuple(r) for r in rows}, at.tables.read(PAGE_QUERIES).select("layer").distinct().count()

    context.tables.write(IMAGES, build(IMAGES, spark, {"image_id": "a", "signature": "A", "page_url": page}))
    for n, day in enumerate(days[:5]):
        deliver(day, {}, {"query": f"only on day {n}"}, {"query": None, "is_anonymized_query": True})
    context.run(INGEST, knobs)
    assert mined(context, days[4])[2] == 1
    deliver(days[5], {"query": "ash"}, {"impressions": 40})
    context.run(INGEST, knobs)
    arrived = mined(context, days[5])
    assert arrived[2] == 3, "of all days, of the one that came, of the one that left"
    assert {r[1] for r in arrived[1]} == {"oak", "ash", "only on day 2", "only on day 3", "only on day 4"}
    assert arrived[0].rows_in == 11
    deliver(days[5], {"query": "ash", "impressions": 30})
    context.run(INGEST, knobs)
    corrected = mined(context, days[5])
    assert corrected[2] == 3
    assert mined(context, days[5], anew=True) == (*corrected[:2], 1)


@pytest.mark.parametrize(
    ("knob", "value"), [("top", 0), ("days", 0), ("min_impressions", 0), ("min_ctr", 1.5), ("max_position", 0.5)]
)
def test_a_constant_out_of_range_is_named(knob: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"mine_queries: {knob}"):
        config.build(MineQueries, {knob: value}, what="mine_queries")
