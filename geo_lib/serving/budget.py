"""What an endpoint was paid: the sum of all jobs' answers, held against what may be spent in a month."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def spent(generations: DataFrame, *, endpoint: str, month_of: date) -> float:
    """Dollars that the answers of an endpoint cost in the calendar month of a day, whoever asked for what.

    The month is that of the run that asked, by its as_of.
    """
    first = F.trunc(F.lit(month_of), "month")
    of_month = (F.col("endpoint") == endpoint) & (F.trunc("as_of", "month") == first)
    (row,) = generations.where(of_month).agg(F.sum("cost_dollars").alias("dollars")).collect()
    return float(row["dollars"] or 0.0)
