"""A table is what its contract says: checked in Delta, widened by nullable columns, refused otherwise."""

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, StringType, StructType

from geo_lib.errors import ContractError
from geo_lib.spark import local_frame
from geo_lib.tables import Tables
from schemas.table import SchemaMismatchError, Table, Write, column
from tests.builders import build
from tests.tables.kit import contract


def test_a_check_of_the_contract_holds_in_delta_itself(spark: SparkSession, tables: Tables) -> None:
    table = contract(Write.MERGE)
    with pytest.raises(Exception, match="n_not_negative"):
        tables.write(table, build(table, spark, {"day": "mon", "n": -1}))


def test_conform_says_everything_that_is_wrong_at_once(spark: SparkSession, tables: Tables) -> None:
    df = local_frame(spark, [("mon", 1, 2)], "day string, n int, colour int")
    with pytest.raises(SchemaMismatchError) as caught:
        tables.write(contract(Write.MERGE), df)
    for problem in (
        "item: expected string, found no such column",
        "n: expected bigint, found int",
        "colour: not a",
    ):
        assert problem in str(caught.value)


def test_an_added_nullable_column_applies_by_itself_and_any_other_change_stops(
    spark: SparkSession, tables: Tables
) -> None:
    small = contract(Write.MERGE)
    sides = column("sides", ArrayType(StringType(), containsNull=False), "what is on each; no table stores: not null")
    old = Table("shelf", "c", StructType([*small.schema, sides]), small.key, Write.MERGE, checks=small.checks)
    tables.write(old, build(old, spark, {"day": "mon", "n": 1}))
    colour = column("colour", StringType(), "null when unknown", nullable=True)
    fresh = Tables(spark, lakehouse=tables.lakehouse, stamp=tables.stamp)
    wider = Table("shelf", "c", StructType([*old.schema, colour]), old.key, Write.MERGE, version=2, checks=old.checks)
    fresh.write(wider, build(wider, spark, {"day": "tue", "n": 1, "colour": "red"}))
    assert {(r.day, r.colour) for r in fresh.read(wider).collect()} == {("mon", None), ("tue", "red")}
    retyped = StructType([*old.schema.fields[:2], column("n", StringType(), "words"), sides, colour])
    with pytest.raises(ContractError, match=r"n: bigint is stored, string wanted") as refused:
        Tables(spark, lakehouse=tables.lakehouse, stamp=tables.stamp).read(
            Table("shelf", "c", retyped, old.key, Write.MERGE, version=3, checks={"n_small": "n < 9"})
        )
    assert "check n_small: none is stored, n < 9 wanted" in str(refused.value)
