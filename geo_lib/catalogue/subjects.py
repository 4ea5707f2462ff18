"""Which image row speaks where several show the same bytes. Pure: no reads, no writes."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def subjects(images: DataFrame, *by: str) -> DataFrame:
    """One image per ``by`` (signature, or signature and locale): the row with the smallest image_id."""
    first = Window.partitionBy(*by).orderBy("image_id")
    return images.withColumn("_first", F.row_number().over(first)).where("_first = 1").drop("_first")
