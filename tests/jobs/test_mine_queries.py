from datetime import date, timedelta

import pytest
from pyspark.sql import SparkSession

from geo_lib import config
from geo_lib.errors import ConfigError
from jobs.mine_queries import JOB, MineQueries
from jobs.run.job import Context
from schemas.images import IMAGES
from schemas.mined_queries import MINED_QUERIES
from schemas.query_performance import QUERY_PERFORMANCE
from schemas.search_console import SEARCH_CONSOLE
from tests.builders import build


def test_the_defaults_are_the_paper_s() -> None:
    knobs = MineQueries()
    assert (knobs.many_impressions, knobs.min_impressions, knobs.min_ctr, knobs.max_position) == (1000, 10, 0.8, 10)
    assert knobs.top == 30


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
        {"query": "oak", "country": "deu"},
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
        "pairs": 4,  # two of them of the board
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


@pytest.mark.parametrize(
    ("knob", "value"), [("top", 0), ("min_impressions", 0), ("min_ctr", 1.5), ("max_position", 0.5)]
)
def test_a_constant_out_of_range_is_named(knob: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"mine_queries: {knob}"):
        config.build(MineQueries, {knob: value}, what="mine_queries")
