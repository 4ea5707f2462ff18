"""Arms: the same site planned from different annotations, side by side in the tables that name them."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

VLM = "vlm"
"""What the vision-language model proposes: the arm that is published."""


def of_arm(rows: DataFrame, arm: str = VLM) -> DataFrame:
    """The rows of one arm, without the column that says so."""
    return rows.where(F.col("arm") == arm).drop("arm")


def in_arm(rows: DataFrame, arm: str = VLM) -> DataFrame:
    """``rows`` as those of an arm."""
    return rows.withColumn("arm", F.lit(arm))
