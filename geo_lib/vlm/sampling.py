"""Stratified sampling of a training set: 30/30/40 of its queries, whatever there is more of (3.1.1). Pure."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.queries.kinds import CATEGORIES, SHARES


def targets(available: Mapping[str, int], *, shares: Mapping[str, float] = SHARES) -> dict[str, int]:
    """How many queries of each category make the largest set of the given shares, by largest remainder.

    No category has more than is available, and at least one of them no fewer: nothing is repeated to fill a quota.
    """
    whole = min(int(available[category] / share + _ROUNDING) for category, share in shares.items())
    exact = {category: share * whole for category, share in shares.items()}
    found = {category: int(number + _ROUNDING) for category, number in exact.items()}
    by_remainder = sorted(exact, key=lambda category: found[category] - exact[category])
    for category in by_remainder[: whole - sum(found.values())]:
        found[category] += 1
    return found


_ROUNDING = 1e-9
"""0.3 * 10 is a hair less than 3."""


def stratified(examples: DataFrame, *, fewest: int, shares: Mapping[str, float] = SHARES) -> DataFrame:
    """The examples with as many of their queries as make ``shares`` of the whole set; the best of each stay.

    ``examples``: signature, locale and an array of queries per category, best first. What a category has beyond its
    target is given up by the examples in proportion to what each can spare, whole queries by largest remainder, equal
    remainders in an order by hash. Each keeps ``fewest`` queries, so a category may stay above its target. Collects a
    row of sums per category.
    """
    surplus = _surplus(examples, shares)
    for category in CATEGORIES:
        if surplus[category] > 0:
            examples = _without(examples, category, surplus[category], fewest=fewest)
    return examples


def _surplus(examples: DataFrame, shares: Mapping[str, float]) -> dict[str, int]:
    sums = examples.agg(*[F.coalesce(F.sum(F.size(c)), F.lit(0)).alias(c) for c in CATEGORIES]).collect()[0]
    available = {category: int(sums[category]) for category in CATEGORIES}
    wanted = targets(available, shares=shares)
    return {category: available[category] - wanted[category] for category in CATEGORIES}


def _without(examples: DataFrame, category: str, surplus: int, *, fewest: int) -> DataFrame:
    """The examples less ``surplus`` queries of a category, or less all that they can spare."""
    can_spare = F.greatest(F.lit(0), F.least(F.size(category), _queries() - fewest))
    spare = int(examples.agg(F.coalesce(F.sum(can_spare), F.lit(0))).collect()[0][0])
    given_up = min(surplus, spare)
    if not given_up:
        return examples
    # in integers: spare_of_one * given_up = whole * spare + remainder
    product = f"cast(_spare as bigint) * {given_up}L"
    by_remainder = Window.orderBy(F.desc("_remainder"), F.sha2(F.concat_ws("\n", *_KEY), 256))
    shares = (
        examples.select(*_KEY, can_spare.alias("_spare"))
        .where("_spare > 0")
        .withColumns({"_whole": F.expr(f"{product} div {spare}L"), "_remainder": F.expr(f"{product} % {spare}L")})
        .withColumn("_place", F.row_number().over(by_remainder))
        .withColumn("_more", given_up - F.sum("_whole").over(Window.partitionBy()))
        .select(*_KEY, (F.col("_whole") + (F.col("_place") <= F.col("_more")).cast("int")).alias("_less"))
    )
    kept = F.slice(category, 1, F.size(category) - F.coalesce("_less", F.lit(0)).cast("int"))
    return examples.join(shares, on=list(_KEY), how="left").withColumn(category, kept).drop("_less")


_KEY = ("signature", "locale")


def _queries() -> Column:
    """How many queries an example has."""
    total = F.lit(0)
    for category in CATEGORIES:
        total = total + F.size(category)
    return total
