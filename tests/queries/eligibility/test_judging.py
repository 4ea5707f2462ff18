"""Which texts an oracle is asked about."""

import pytest
from pyspark.sql import SparkSession

from geo_lib.queries.eligibility.judging import candidates
from geo_lib.spark import local_frame

pytestmark = pytest.mark.transform
TEXTS = "locale string, query string"


def test_what_was_typed_and_what_pictures_were_found_by_are_judged_alike_and_a_larger_number_adds(
    spark: SparkSession,
) -> None:
    typed = local_frame(spark, [("en", f"typed {n}") for n in range(40)], TEXTS)
    searched = local_frame(spark, [("en", f"  Searched\t{n} ") for n in range(40)], TEXTS)
    few, more = ({row["query"] for row in candidates(typed, searched, most=most).collect()} for most in (20, 60))
    assert (len(few), len(more)) == (20, 60)
    assert few < more
    assert {query.split()[0] for query in few} == {"typed", "searched"}, "or the platform's own wordings teach nothing"


def test_a_text_that_was_typed_and_searched_is_judged_once(spark: SparkSession) -> None:
    typed = local_frame(spark, [("en", "red vase"), ("en", " "), ("de", "red vase")], TEXTS)
    searched = local_frame(spark, [("en", "Red  vase")], TEXTS)
    found = sorted(tuple(row) for row in candidates(typed, searched, most=10).collect())
    assert found == [("de", "red vase"), ("en", "red vase")]
