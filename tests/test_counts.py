"""in = kept + dropped + failed, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from geo_lib.counts import Counts
from geo_lib.errors import CountingError, TooManyFailedError
from geo_lib.spark import local_frame

figures = st.dictionaries(st.text(min_size=1, max_size=5), st.integers(0, 1000), max_size=4)


@given(kept=st.integers(0, 1000), dropped=figures, failed=figures, lost=st.integers(-3, 3))
def test_only_figures_that_add_up_make_counts(
    kept: int, dropped: dict[str, int], failed: dict[str, int], lost: int
) -> None:
    rows_in = kept + sum(dropped.values()) + sum(failed.values()) + lost
    if lost == 0:
        assert Counts(rows_in, kept, dropped, failed).rows_in == rows_in
    else:
        with pytest.raises(CountingError, match=f"{rows_in} came in"):
            Counts(rows_in, kept, dropped, failed)


@pytest.mark.parametrize(("kept", "dropped", "failed"), [(-1, 2, 0), (2, -1, 0), (2, 0, -1)])
def test_a_negative_figure_is_refused_even_where_the_sum_is_right(kept: int, dropped: int, failed: int) -> None:
    with pytest.raises(CountingError, match="1 came in"):
        Counts(1, kept, {"too_little_evidence": dropped}, {"broken": failed})


def test_the_share_of_failures_is_a_limit_and_not_a_target() -> None:
    counts = Counts(100, 95, failed={"undecodable_image": 4, "missing_file": 1})
    assert counts.refuse_above(0.05, unit="images") is counts
    with pytest.raises(TooManyFailedError, match=r"5 of 100 images failed \(5.00%\).*undecodable_image 4, missing"):
        counts.refuse_above(0.04, unit="images")


def test_no_units_at_all_are_not_too_many_failures() -> None:
    assert Counts(0, 0).refuse_above(0.0, unit="images").rows_in == 0


def test_the_commonest_reasons_come_first_and_empty_ones_not_at_all() -> None:
    counts = Counts(2010, 1, {"not_retained": 2000, "never": 0}, {"broken": 9})
    assert counts.commonest_reasons() == "not_retained 2,000, broken 9"


def test_rows_are_tallied_by_their_reason_and_what_came_in_is_held_against_them(spark: SparkSession) -> None:
    rows = [(None, False, 2), ("late", False, 3), ("late", True, 4), ("torn", True, 5)]
    units = local_frame(spark, rows, "reason string, is_torn boolean, n int")
    counts = Counts.tallied(units, failed=F.col("is_torn"), produced={"leaves": 1})
    assert counts == Counts(4, 1, dropped={"late": 1}, failed={"late": 1, "torn": 1}, produced={"leaves": 1})
    assert Counts.tallied(units, failed=True, weight="n") == Counts(14, 2, failed={"late": 7, "torn": 5})
    with pytest.raises(CountingError, match="5 came in"):
        Counts.tallied(units, rows_in=5)


def test_nothing_is_tallied_to_nothing(spark: SparkSession) -> None:
    assert Counts.tallied(local_frame(spark, [], "reason string")) == Counts(0, 0)
