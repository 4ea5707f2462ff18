"""Where tables lie: read before anything wrote them, their versions, their names in SQL."""

from chispa import assert_df_equality
from pyspark.sql import SparkSession

from geo_lib.spark import local_frame
from geo_lib.tables import Tables
from schemas.table import Write
from tests.builders import build
from tests.tables.kit import contract


def test_maintenance_makes_a_version_and_is_no_change(spark: SparkSession, tables: Tables) -> None:
    table = contract(Write.MERGE)
    for day in ("mon", "tue"):
        tables.write(table, build(table, spark, {"day": day, "n": 1}))
    before = tables.version(table)
    spark.sql(f"optimize delta.`{tables.lakehouse}/tables/geo/shelf`").collect()
    fresh = Tables(spark, lakehouse=tables.lakehouse, stamp=tables.stamp)
    assert fresh.version(table) == before
    fresh.write(table, build(table, spark, {"day": "wed", "n": 1}))
    assert fresh.version(table) != before


def test_reading_a_table_that_nothing_wrote_gives_its_columns_and_no_rows(tables: Tables) -> None:
    table = contract(Write.MERGE)
    assert tables.version(table) == "absent"
    assert tables.read(table).columns == table.stored.names
    assert tables.read(table).isEmpty()


def test_registered_names_answer_sql_with_comments(spark: SparkSession, tables: Tables) -> None:
    table = contract(Write.MERGE)
    own = Tables(spark, lakehouse=tables.lakehouse, stamp=tables.stamp, schema="geo_registered")
    own.write(table, build(table, spark, {"day": "mon", "n": 1}))
    assert own.register([table]) == ["geo_registered.shelf"]
    answer = spark.sql("select day, n from geo_registered.shelf")
    expected = local_frame(spark, [("mon", 1)], "day string, n bigint")
    assert_df_equality(answer, expected, ignore_nullable=True, ignore_metadata=True)
    comments = {r.col_name: r.comment for r in spark.sql("describe table geo_registered.shelf").collect()}
    assert comments["n"] == "how many"
    spark.sql("drop database geo_registered cascade")


def test_a_lakehouse_may_lie_in_a_folder_of_any_name(spark: SparkSession, tables: Tables) -> None:
    table = contract(Write.MERGE)
    odd = Tables(spark, lakehouse=f"{tables.lakehouse}/O'Brien `a` [1]* {{b}} ü", stamp=tables.stamp, schema="geo_odd")
    for n in (1, 2):
        odd.write(table, build(table, spark, {"day": "mon", "n": n}))
    assert [row.n for row in odd.read(table).collect()] == [2]
    odd.register([table])
    odd.use()
    assert spark.sql("select n from shelf").first() == (2,)
    spark.sql("use default")
    spark.sql("drop database geo_odd cascade")
