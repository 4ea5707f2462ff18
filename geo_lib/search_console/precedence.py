"""Which telling of a search stands where a folder tells of it twice. Pure.

Rows of one file are parts of one answer and are summed. Two pulls of the API that have a day in common, and an export
of a day that was pulled, too, tell of the same searches: never added up.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.search_console.layouts import EXPORTED, KEY, SUPERSEDED


def newest_told(api: DataFrame) -> DataFrame:
    """API rows as ``console_rows`` gives them, with the ``flaw`` superseded where a newer file answers.

    Of each key the newest file's rows stand; files are ordered by when they last changed, then by address. A file that
    splits a day by other dimensions than the newest of that day and surface tells of the same searches under other
    keys, and is superseded whole.
    """
    surface = Window.partitionBy("data_date", "site_url", "search_type")
    its_file = Window.partitionBy("data_date", "site_url", "search_type", "told_at")
    is_sound = F.col("flaw").isNull()
    split_by = [F.max(F.col(name).isNotNull() & is_sound).over(its_file).alias(name) for name in ("country", "device")]
    newest_of_key = F.max(F.when(is_sound, F.col("told_at"))).over(Window.partitionBy(*KEY))
    newest_split = F.max(F.when(is_sound, F.struct("told_at", "split_by"))).over(surface)["split_by"]
    is_superseded = (F.col("told_at") < newest_of_key) | (F.col("split_by") != newest_split)
    return (
        api.withColumn("split_by", F.struct(*split_by))
        .withColumn("flaw", F.coalesce("flaw", F.when(is_superseded, SUPERSEDED)))
        .drop("split_by")
    )


def beside_export(api: DataFrame, export: DataFrame) -> DataFrame:
    """API rows with the ``flaw`` exported where ``export`` tells of the same day and property.

    The export has all rows and says what it hides; the API has the first 50,000 of a day.
    """
    told = (
        export.where("flaw is null").select("data_date", "site_url").distinct().withColumn("is_exported", F.lit(True))
    )
    return (
        api.join(F.broadcast(told), on=["data_date", "site_url"], how="left")
        .withColumn("flaw", F.coalesce("flaw", F.when(F.col("is_exported"), EXPORTED)))
        .drop("is_exported")
    )
