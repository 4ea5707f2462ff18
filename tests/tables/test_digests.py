"""Rows that differ give different hashes, in a null too, and what a commit notes is believed only where it holds."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, DataType, FloatType, IntegerType, MapType, StringType, StructField, StructType

from geo_lib.spark import local_frame
from geo_lib.tables.digests import EMPTY, Noted, note, noted, row_hash
from geo_lib.tables.log import Change, Log

PART = StructType().add("name", StringType()).add("place", StringType())
NUMBER = StructField("number", IntegerType())
SOME = (None, "", "a")
VALUES: dict[str, tuple[DataType, Sequence[Any]]] = {
    "text": (StringType(), SOME),
    "texts": (ArrayType(StringType()), (None, [], *map(list, product(SOME, repeat=2)), [None], ["a"])),
    "floats": (ArrayType(FloatType(), False), (None, [], [0.0], [0.0, 1.0])),
    "nested": (ArrayType(ArrayType(StringType())), (None, [], [[]], [["a"], []], [[], ["a"]], [["a", None]], [None])),
    "map": (MapType(StringType(), StringType()), (None, {}, {"a": None}, {"a": ""}, {"a": "b", "c": None})),
    "struct": (PART, (None, *product(SOME, repeat=2))),
    "structs": (ArrayType(PART), (None, [], [None], *([pair] for pair in product(SOME, repeat=2)))),
}


def hashes(spark: SparkSession, schema: StructType, rows: Sequence[tuple[Any, ...]]) -> list[int]:
    columns = {f.name: f.dataType for f in schema}
    df = local_frame(spark, [(n, *row) for n, row in enumerate(rows)], StructType([NUMBER, *schema]))
    hashed = df.select("number", row_hash(columns).alias("h")).orderBy("number").collect()
    return [r["h"] for r in hashed]


@pytest.mark.transform
@pytest.mark.parametrize("kind", VALUES)
def test_two_different_rows_never_hash_alike_wherever_their_nulls_are(spark: SparkSession, kind: str) -> None:
    dtype, values = VALUES[kind]
    schema = StructType().add("one", dtype).add("other", dtype).add("last", StringType())
    rows = list(product(values, values, SOME))
    assert len(set(hashes(spark, schema, rows))) == len(rows)


@pytest.mark.transform
def test_a_map_hashes_by_its_entries_whatever_their_order(spark: SparkSession) -> None:
    schema = StructType().add("m", MapType(StringType(), StringType()))
    one, other, another = hashes(
        spark, schema, [({"a": "1", "b": "2"},), ({"b": "2", "a": "1"},), ({"b": "1", "a": "2"},)]
    )
    assert one == other != another


def a_log(said: str | None = None, *, version: int = 4, before: int | None = 3, table: str = "id") -> Log:
    return Log({"geo.table_id": table}, Change(version, "WRITE", said), before)


def test_what_a_commit_notes_holds_only_right_after_the_version_that_its_writer_saw() -> None:
    holding = Noted({"mon": (2, "77")}, is_all=True)
    said = note(holding, a_log(version=3, before=2))
    assert noted(a_log(said)) == holding
    assert noted(a_log(said, version=5, before=4)) == Noted(), "another commit came in between"
    assert noted(a_log(said, table="another")) == Noted(), "it speaks of another table"
    assert noted(a_log(None)) == Noted(), "somebody else's commit"
    assert noted(a_log("by hand")) == Noted()
    created = Log({"geo.table_id": "id"}, Change(0, "CREATE TABLE", None), None)
    assert noted(created) == Noted(is_all=True)


def test_slices_that_were_not_answered_for_stay_as_known_or_unknown_as_they_were() -> None:
    whole = Noted({"mon": (1, "5"), "tue": (2, "6")}, is_all=True).after({"tue": (3, "7")}, {"mon", "tue", "wed"})
    assert whole == Noted({"tue": (3, "7")}, is_all=True)
    assert whole.missing({"mon", "sat"}) == set()
    partly = Noted({"mon": (1, "5")}).after({}, {"tue"})
    assert partly == Noted({"mon": (1, "5"), "tue": EMPTY})
    assert partly.missing({"mon", "tue", "wed"}) == {"wed"}
