"""Running sums: whatever arrives, leaves or is corrected, they add up to what a full run sums."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from geo_lib.search_console.delivery import Part
from geo_lib.search_console.ledger import DayRecord
from geo_lib.search_console.performance import row_fates
from geo_lib.search_console.sums import Change, Layer, added_up, change, folded, layers_of, page_queries
from geo_lib.spark import local_frame
from schemas.page_queries import PAGE_QUERIES
from schemas.search_console import SEARCH_CONSOLE
from tests.builders import build

FIRST = date(2026, 10, 1)
CODE = "c0de"


def day(n: int) -> date:
    return FIRST + timedelta(days=n)


def record(version: int, *, keys: int = 1, n: int = 0) -> DayRecord:
    return DayRecord("files", f"t@{version}", (Part(day(n), None, keys, keys),))


def asked(stored: list[Layer], ledger: dict[date, DayRecord], first: int, last: int, version: int) -> Change:
    return change(stored, ledger, window=(day(first), day(last)), console=f"t@{version}", code=CODE)


BASE = Layer(day(0), day(9), "t@1", CODE)
LEDGER = {day(n): record(1) for n in range(10)}


def test_a_layer_is_known_by_its_name() -> None:
    for layer in (BASE, Layer(day(3), day(3), "1f-2e@17", CODE, is_gone=True)):
        assert Layer.named(layer.name) == layer
    with pytest.raises(ValueError, match="names no days"):
        Layer.named("yesterday")


def test_nothing_that_changed_is_nothing_to_sum() -> None:
    assert asked([BASE], LEDGER, 0, 9, 1).answered == ()


def test_a_day_that_arrives_is_summed_alone_and_one_that_leaves_is_taken_away() -> None:
    todo = asked([BASE], LEDGER | {day(10): record(2)}, 1, 10, 2)
    arrived, left = Layer(day(10), day(10), "t@2", CODE), Layer(day(0), day(0), "t@2", CODE, is_gone=True)
    assert (todo.summed, todo.dropped, todo.folded) == ((arrived, left), (), None)
    again = asked([BASE, arrived, left], LEDGER | {day(10): record(2)}, 1, 10, 2)
    assert again.answered == ()


def test_a_corrected_day_of_its_own_layer_is_replaced_and_one_of_many_days_has_all_summed_anew() -> None:
    own = Layer(day(10), day(10), "t@2", CODE)
    todo = asked([BASE, own], LEDGER | {day(10): record(3)}, 0, 10, 3)
    assert (todo.dropped, todo.summed) == ((own,), (Layer(day(10), day(10), "t@3", CODE),))
    anew = asked([BASE, own], LEDGER | {day(4): record(3), day(10): record(2)}, 0, 10, 3)
    assert (anew.dropped, anew.summed) == ((BASE, own), (Layer(day(0), day(10), "t@3", CODE),))


def test_a_day_that_comes_late_into_a_gap_has_all_summed_anew() -> None:
    ledger = {d: r for d, r in LEDGER.items() if d != day(4)}
    assert asked([BASE], ledger, 0, 9, 1).answered == ()
    assert asked([BASE], ledger | {day(4): record(2)}, 0, 9, 2).dropped == (BASE,)


@pytest.mark.parametrize("other", [Layer(day(0), day(9), "u@1", CODE), Layer(day(0), day(9), "t@1", "older")])
def test_sums_of_another_table_or_by_other_code_are_not_built_on(other: Layer) -> None:
    assert asked([other], LEDGER, 0, 9, 1).dropped == (other,)


def test_a_day_without_rows_has_no_layer() -> None:
    assert asked([BASE], LEDGER | {day(10): record(2, keys=0)}, 0, 10, 2).answered == ()
    assert asked([], {day(0): record(1, keys=0)}, 0, 9, 1).answered == ()


ROWS = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["oak", "ash", None]), st.integers(0, 9)), max_size=4)
EVENTS = st.lists(
    st.tuples(st.sampled_from(["arrives", "corrected", "passes"]), st.integers(0, 13), ROWS), min_size=1, max_size=5
)


@pytest.mark.transform
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(initial=st.lists(ROWS, min_size=6, max_size=8), events=EVENTS, days=st.sampled_from([None, 4, 7]))
def test_days_that_arrive_are_corrected_or_leave_give_the_sums_of_a_full_run(
    spark: SparkSession, initial: list[Any], events: list[Any], days: int | None
) -> None:
    console = {day(n): rows for n, rows in enumerate(initial)}
    ledger = {d: record(1, keys=len(rows)) for d, rows in console.items()}
    stored: dict[str, DataFrame] = {}
    today, version = day(len(initial) - 1), 1
    for event, n, rows in [("passes", 0, []), *events]:
        if event == "arrives":
            today += timedelta(days=1)
        if event != "passes":
            version += 1
            changed = today if event == "arrives" else day(n % len(console))
            console[changed] = rows
            ledger[changed] = record(version, keys=len(rows))
        first = date(1970, 1, 1) if days is None else today - timedelta(days=days - 1)
        table = build(SEARCH_CONSOLE, spark, *as_console(console))
        advance(stored, table, change(map(Layer.named, stored), ledger, window=(first, today),
                                      console=f"t@{version}", code=CODE))  # fmt: skip
        full = page_queries(table.where(F.col("data_date").between(F.lit(first), F.lit(today))))
        assert found(added_up(union(spark, stored))) == found(full)


def as_console(console: dict[date, Any]) -> Iterator[dict[str, Any]]:
    for data_date, rows in console.items():
        for place, (page, query, impressions) in enumerate(rows):
            figures = {"impressions": impressions, "clicks": impressions // 2, "sum_position_1based": 3 * impressions}
            site = "sc-domain:pins.test" if place % 2 else "https://pins.test/"
            yield {"data_date": data_date, "site_url": site, "page_url": page, "query": query, "country": str(place),
                   "is_anonymized": query is None, **figures}  # fmt: skip


def advance(stored: dict[str, DataFrame], console: DataFrame, todo: Change) -> None:
    """What the job does with the table, on frames by layer."""
    new = layers_of(console, todo.summed)
    if todo.folded is not None:
        new = folded(
            union(console.sparkSession, {_.name: stored[_.name] for _ in todo.standing}).unionByName(new),
            into=todo.folded,
        )
    rows = new.collect()
    for layer in todo.answered:
        stored.pop(layer.name, None)
    for name in {row["layer"] for row in rows}:
        mine = [row.asDict() for row in rows if row["layer"] == name]
        stored[name] = build(PAGE_QUERIES, console.sparkSession, *mine)


def union(spark: SparkSession, stored: dict[str, DataFrame]) -> DataFrame:
    whole = build(PAGE_QUERIES, spark)
    for layer in stored.values():
        whole = whole.unionByName(layer)
    return whole


def found(sums: DataFrame) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in sums.select(*[c for c in PAGE_QUERIES.schema.names if c != "layer"]).collect()}


@pytest.mark.transform
def test_what_several_properties_of_a_site_tell_of_a_page_counts_once_under_the_widest(spark: SparkSession) -> None:
    domain, root, blog = "sc-domain:pins.test", "https://pins.test/", "https://pins.test/blog/"
    rows: list[dict[str, object]] = [
        {"site_url": domain, "impressions": 8, "clicks": 1, "sum_position_1based": 16},
        {"site_url": root, "impressions": 8, "clicks": 1, "sum_position_1based": 16},
        {"site_url": root, "query": "shown there alone"},
        {"site_url": root, "data_date": day(1), "impressions": 3},  # before the domain was verified
        {"site_url": blog, "data_date": day(1), "impressions": 3},
        {"site_url": root, "search_type": "IMAGE", "impressions": 5},
        {"site_url": root, "search_type": None, "impressions": 8},
    ]
    built = build(
        SEARCH_CONSOLE, spark, *[{"data_date": day(0), "query": "oak", "search_type": "WEB"} | r for r in rows]
    )
    found_rows = {r["query"]: r for r in page_queries(built).collect()}
    oak, other = found_rows["oak"], found_rows["shown there alone"]
    assert (oak.impressions, oak["rows"], oak.repeated_rows) == (8 + 3 + 5, 3, 3)
    assert (other.impressions, other["rows"], other.repeated_rows) == (0, 0, 1)
    assert {r.fate: r["rows"] for r in row_fates(page_queries(built), pages_of_nothing(spark)).collect()} == {
        "unattributed": 3,
        "other_property": 4,
    }


def pages_of_nothing(spark: SparkSession) -> DataFrame:
    return local_frame(spark, [], "page_url string, signature string, attribution string")
