"""Eq. 1, pair by pair and on a slice counted by hand."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from geo_lib.search_console.attribution import image_attribution
from geo_lib.search_console.performance import mined_queries, query_performance, retained_by, row_fates
from geo_lib.search_console.sums import page_queries
from geo_lib.spark import local_frame
from jobs.mine_queries import MineQueries
from schemas.images import IMAGES
from schemas.query_performance import QUERY_PERFORMANCE
from schemas.search_console import SEARCH_CONSOLE
from tests.builders import build

pytestmark = pytest.mark.transform

# The defaults of the job, so that a changed constant of Eq. 1 fails here.
PAPER = {
    name: getattr(MineQueries(), name) for name in ("many_impressions", "min_impressions", "min_ctr", "max_position")
}
PAGE = "https://pins.test/pin/a"


def performance(
    spark: SparkSession,
    *console: dict[str, Any],
    images: Sequence[dict[str, Any]] = ({"image_id": "a", "signature": "A", "page_url": PAGE},),
) -> DataFrame:
    rows = build(SEARCH_CONSOLE, spark, *console, page_url=PAGE)
    attribution = image_attribution(build(IMAGES, spark, *images))
    return query_performance(page_queries(rows), attribution, **PAPER)


def pair(impressions: Any, clicks: Any = 0, position: Any = 50.0) -> Any:
    """A console row whose average position is ``position``."""
    return {"impressions": impressions, "clicks": clicks, "sum_position_1based": round(impressions * position)}


@pytest.mark.parametrize(
    ("row", "clause"),
    [
        (pair(1001), "impressions"),
        (pair(1000), None),
        (pair(1001, clicks=1001, position=1), "impressions"),
        (pair(11, clicks=9), "ctr"),
        (pair(10, clicks=10), None),
        (pair(15, clicks=12), "ctr"),  # 0.8 exactly
        (pair(1000, clicks=799), None),
        (pair(11, clicks=11, position=1), "ctr"),
        (pair(11, position=1), "position"),
        (pair(10, position=1), None),
        (pair(20, position=10), "position"),
        ({"impressions": 20, "sum_position_1based": 201}, None),
    ],
)
def test_each_clause_of_eq_1_keeps_what_the_paper_prints_and_the_first_to_do_so_is_named(
    spark: SparkSession, row: Any, clause: Any
) -> None:
    assert [r.retained_by for r in performance(spark, {"query": "q", **row}).collect()] == [clause]


def test_ratios_are_judged_before_they_are_rounded(spark: SparkSession) -> None:
    # mean position 10.0000001 and CTR 0.7999999 both become the bound itself at 6 decimals
    just_below = local_frame(
        spark, [(10_000_000, 7_999_999 / 10_000_000, 100_000_001 / 10_000_000)], "i long, c double, p double"
    )
    verdict = retained_by(F.col("i"), F.col("c"), F.col("p"), **PAPER | {"many_impressions": 10**9})
    assert [r.clause for r in just_below.select(verdict.alias("clause")).collect()] == [None]


def test_positions_are_weighted_by_impressions_and_not_averaged_row_by_row(spark: SparkSession) -> None:
    rows = [{"query": "q", **pair(19, position=9)}, {"query": "q", **pair(1, position=29)}]
    # (19 * 9 + 29) / 20 = 10: kept; the mean of 9 and 29 would be 19
    (found,) = performance(spark, *rows).collect()
    assert (found.avg_position_1based, found.retained_by) == (10.0, "position")


def test_raw_spellings_are_different_queries(spark: SparkSession) -> None:
    rows = [{"query": "Oak Table", **pair(6, position=1)}, {"query": "oak table", **pair(6, position=1)}]
    assert [r.retained_by for r in performance(spark, *rows).collect()] == [None, None]


def test_pages_of_one_content_are_summed(spark: SparkSession) -> None:
    images = [
        {"image_id": "a", "signature": "A", "page_url": PAGE},
        {"image_id": "b", "signature": "A", "page_url": "https://pins.test/pin/b"},
    ]
    rows = [
        {"query": "q", **pair(6, clicks=1, position=4)},
        {"query": "q", **pair(6, clicks=2, position=8), "page_url": "https://pins.test/pin/b"},
    ]
    expected = build(
        QUERY_PERFORMANCE,
        spark,
        {
            "signature": "A",
            "query": "q",
            "impressions": 12,
            "clicks": 3,
            "ctr": 0.25,
            "avg_position_1based": 6.0,
            "retained_by": "position",
            "attribution": "unique_page_image",
            "anonymised_share": 0.0,
        },
    )
    assert_df_equality(performance(spark, *rows, images=images), expected, ignore_nullable=True, ignore_metadata=True)


def test_the_anonymised_share_is_of_the_impressions_of_the_contents_own_pages(spark: SparkSession) -> None:
    rows = [
        {"query": "q", **pair(30, position=1)},
        {"query": None, **pair(10), "is_anonymized": True},
        {"query": None, **pair(60), "is_anonymized": True, "page_url": "https://pins.test/other"},
    ]
    assert [r.anonymised_share for r in performance(spark, *rows).collect()] == [0.25]


def test_a_pair_is_measured_on_its_surest_pages_and_pages_of_many_pictures_make_none(spark: SparkSession) -> None:
    board = "https://pins.test/board/oak"
    images = [
        {"image_id": "a", "signature": "A", "page_url": PAGE},
        {"image_id": "a2", "signature": "A", "page_url": board},
        {"image_id": "b2", "signature": "B", "page_url": board},
    ]
    rows = [
        {"query": "q", **pair(20, position=2)},
        {"query": "q", **pair(5000, position=1), "page_url": board},
    ]
    found = {
        r.signature: (r.impressions, r.attribution, r.retained_by)
        for r in performance(spark, *rows, images=images).collect()
    }
    assert found == {"A": (20, "unique_page_image", "position")}


@pytest.mark.parametrize(("named", "pairs"), [("", 0), ("i7", 1_000)])
def test_a_page_of_a_thousand_pictures_and_queries_makes_a_pair_per_query_or_none(
    spark: SparkSession, named: str, pairs: int
) -> None:
    n, page = 1_000, f"https://pins.test/board/{named}"
    images = [{"image_id": f"i{i}", "signature": f"s{i}", "page_url": page} for i in range(n)]
    console = page_queries(
        build(SEARCH_CONSOLE, spark, *({"query": f"q{i}", "page_url": page, **pair(20, position=1)} for i in range(n)))
    )
    attribution = image_attribution(build(IMAGES, spark, *images))
    assert query_performance(console, attribution, **PAPER).count() == pairs
    assert {r.fate: r.rows for r in row_fates(console, attribution).collect()} == {
        None if pairs else "ambiguous_page": n
    }


def test_the_cut_keeps_thirty_by_impressions_then_position_then_query(spark: SparkSession) -> None:
    top = MineQueries().top
    rows: list[dict[str, Any]] = [
        {
            "signature": "A",
            "query": f"q{n:02}",
            "impressions": 100,
            "avg_position_1based": 5.0,
            "retained_by": "position",
        }
        for n in range(top)
    ]
    rows += [
        {
            "signature": "A",
            "query": "z more often",
            "impressions": 101,
            "avg_position_1based": 9.0,
            "retained_by": "position",
        },
        {
            "signature": "A",
            "query": "z higher up",
            "impressions": 100,
            "avg_position_1based": 4.9,
            "retained_by": "position",
        },
        {"signature": "A", "query": "not retained", "impressions": 999, "avg_position_1based": 11.0},
    ]
    built = build(QUERY_PERFORMANCE, spark, *rows, attribution="unique_page_image")
    ranked = [r["query"] for r in mined_queries(built, top=top).orderBy("rank").collect()]
    assert ranked == ["z more often", "z higher up", *(f"q{n:02}" for n in range(28))]
    assert len(ranked) == 30


def test_every_console_row_has_one_fate(spark: SparkSession) -> None:
    board = "https://pins.test/board/oak"
    rows: list[dict[str, Any]] = [
        {"query": "q", "country": "usa"},
        {"query": "q", "country": "deu"},
        {"query": None, "is_anonymized": True},
        {"query": "q", "page_url": "https://pins.test/about"},
        {"query": None, "page_url": "https://pins.test/about", "is_anonymized": True},
        {"query": "q", "page_url": board},
        {"query": "q2", "page_url": board},
        {"query": None, "page_url": board, "is_anonymized": True},
        {"query": "q", "page_url": "https://pins.test/pin/b"},
    ]
    images = [
        {"image_id": "a", "signature": "A", "page_url": PAGE},
        {"image_id": "a2", "signature": "A", "page_url": board},
        {"image_id": "b2", "signature": "B", "page_url": board},
        {"image_id": "b", "signature": "B", "page_url": "https://pins.test/pin/b"},  # names one of the two it shows
        {"image_id": "a3", "signature": "A", "page_url": "https://pins.test/pin/b"},
    ]
    console = page_queries(build(SEARCH_CONSOLE, spark, *rows, page_url=PAGE))
    pages = image_attribution(build(IMAGES, spark, *images))
    assert {r.fate: r.rows for r in row_fates(console, pages).collect()} == {
        None: 3,
        "ambiguous_page": 3,
        "anonymised": 1,
        "unattributed": 2,
    }


@pytest.fixture(scope="module")
def fifty_pages(spark: SparkSession) -> Any:
    """50 pages of a sticker platform, summed to (page, query): what people typed are names and keywords of Unicode
    CLDR, the counts are simulated. Two of the pages show one picture."""
    with Path(__file__).with_name("fifty_pages.csv").open(encoding="utf-8", newline="") as file:
        slice_ = list(csv.DictReader(file))
    console: list[dict[str, Any]] = [
        {
            "page_url": f"https://stickers.test/pin/{row['page']}",
            "query": row["query"],
            "impressions": int(row["impressions"]),
            "clicks": int(row["clicks"]),
            # the export counts from 0
            "sum_position_1based": int(row["sum_position"]) + int(row["impressions"]),
        }
        for row in slice_
    ]
    same = {"fluent-1f63a": "grinning cat", "fluent-1f431": "grinning cat"}
    images = [
        {"image_id": page, "signature": same.get(page, page), "page_url": f"https://stickers.test/pin/{page}"}
        for page in sorted({row["page"] for row in slice_})
    ]
    attribution = image_attribution(build(IMAGES, spark, *images))
    return query_performance(page_queries(build(SEARCH_CONSOLE, spark, *console)), attribution, **PAPER).cache()


def test_a_slice_of_fifty_pages_gives_what_was_counted_by_hand(spark: SparkSession, fifty_pages: DataFrame) -> None:
    clauses = {r.retained_by: r["count"] for r in fifty_pages.groupBy("retained_by").count().collect()}
    assert clauses == {"impressions": 4, "position": 291, None: 733 - 4 - 291}
    assert {r["query"]: r.impressions for r in fifty_pages.where("retained_by = 'impressions'").collect()} == {
        "no mobile phones": 1104,
        "pencil": 1013,
        "paperclip": 1492,
        "giraffe": 1214,
    }
    mined = mined_queries(fifty_pages, top=MineQueries().top)
    assert (mined.select("signature").distinct().count(), mined.count()) == (36, 293)
    keycap = mined.where("signature = 'fluent-0032-fe0f-20e3'").orderBy("rank").select("query", "impressions")
    assert [tuple(r) for r in keycap.collect()] == [("keycap: 2", 27), ("keycap: 2 sticker", 22), ("2", 13)]


def test_the_slice_holds_pairs_on_either_side_of_every_bound(fifty_pages: DataFrame) -> None:
    at = fifty_pages.where("avg_position_1based <= 10")
    assert at.where("impressions = 10 and retained_by is null").count() == 19
    assert at.where("impressions = 11 and retained_by = 'position'").count() == 19
    assert fifty_pages.where("avg_position_1based = 10 and impressions > 10 and retained_by = 'position'").count() == 6


def test_two_pages_of_one_picture_are_counted_as_one_content(fifty_pages: DataFrame) -> None:
    (cat,) = fifty_pages.where("signature = 'grinning cat' and query = 'cat'").collect()
    # 95 + 14 impressions, positions (374 + 69 from 0) / 109 + 1
    assert (cat.impressions, cat.clicks, cat.avg_position_1based) == (109, 10, 5.06422)
