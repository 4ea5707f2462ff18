"""A training set of 30/30/40 by giving up what there is too much of, and never by saying anything twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from geo_lib.queries.kinds import CATEGORIES, QUOTAS, SHARES
from geo_lib.spark import local_frame
from geo_lib.vlm.sampling import stratified, targets

EXAMPLES = "signature string, locale string, description array<string>, style array<string>, use_case array<string>"
Sizes = tuple[int, int, int]


def sampled(spark: SparkSession, sizes: list[Sizes], *, fewest: int = 5) -> dict[str, Sizes]:
    """Queries per category and example after sampling; sees to it that the best stay, in their order."""
    rows = [(str(n), "en", *([f"q{i}" for i in range(size)] for size in each)) for n, each in enumerate(sizes)]
    found = stratified(local_frame(spark, rows, EXAMPLES), fewest=fewest).collect()
    for row in found:
        assert all(row[c] == [f"q{i}" for i in range(len(row[c]))] for c in CATEGORIES)
    kept = {row["signature"]: (len(row["description"]), len(row["style"]), len(row["use_case"])) for row in found}
    assert kept.keys() == {row[0] for row in rows}
    return kept


def totals(sizes: dict[str, Sizes]) -> list[int]:
    return [sum(each[i] for each in sizes.values()) for i in range(3)]


@given(st.lists(st.integers(0, 5000), min_size=3, max_size=3))
def test_targets_are_the_largest_set_of_the_shares_that_there_are_queries_for(available: list[int]) -> None:
    there = dict(zip(CATEGORIES, available, strict=True))
    wanted = targets(there)
    whole = sum(wanted.values())
    assert all(wanted[c] <= there[c] for c in CATEGORIES)
    assert all(abs(wanted[c] - SHARES[c] * whole) < 1 for c in CATEGORIES)
    assert any(there[c] < SHARES[c] * (whole + 1) for c in CATEGORIES), "one more query would be one too many"


def test_targets_in_figures() -> None:
    assert targets(dict(zip(CATEGORIES, (20, 20, 30), strict=True))) == {"description": 20, "style": 20, "use_case": 26}
    assert targets(dict(zip(CATEGORIES, (3, 9, 9), strict=True))) == {"description": 3, "style": 3, "use_case": 4}
    assert targets(dict.fromkeys(CATEGORIES, 0)) == dict.fromkeys(CATEGORIES, 0)


@pytest.mark.transform
def test_full_answers_give_up_a_third_of_their_third_use_cases(spark: SparkSession) -> None:
    kept = sampled(spark, [tuple(QUOTAS.values())] * 30)  # type: ignore[list-item]
    assert totals(kept) == [60, 60, 80]
    assert set(kept.values()) == {(2, 2, 2), (2, 2, 3)}


@pytest.mark.transform
def test_a_category_that_is_short_makes_the_others_give_up_and_none_falls_below_the_fewest(spark: SparkSession) -> None:
    sizes: list[Sizes] = [(2, 2, 2)] * 20 + [(2, 2, 3)] * 5 + [(2, 2, 1)] * 5
    kept = sampled(spark, sizes)
    assert totals(kept) == [45, 45, 60]
    assert min(map(sum, kept.values())) == 5
    assert {kept[str(n)] for n in range(25, 30)} == {(2, 2, 1)}, "they have nothing to spare"


@pytest.mark.transform
def test_what_nobody_can_spare_stays_above_the_shares(spark: SparkSession) -> None:
    sizes: list[Sizes] = [(2, 2, 1)] * 4
    assert set(sampled(spark, sizes).values()) == {(2, 2, 1)}
    assert totals(sampled(spark, sizes, fewest=2)) == [3, 3, 4]


@pytest.mark.transform
def test_no_example_is_sampled_to_no_set_at_all(spark: SparkSession) -> None:
    assert sampled(spark, []) == {}
