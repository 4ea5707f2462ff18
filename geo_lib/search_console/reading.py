"""One reading of a delivery's files: what came of each day, then the sums to write, by as few passes as will do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, reduce

from pyspark.sql import DataFrame, SparkSession

from geo_lib.search_console.delivery import Delivery, Part
from geo_lib.search_console.folder import nothing, scan
from geo_lib.search_console.layouts import (
    accepted,
    by_day,
    console_rows,
    delivered,
    flag_names,
    flawed,
    rejected,
    sound_sums,
    summed,
    tally,
)
from geo_lib.spark import held


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of the rows, and the frames to write of them: functions of the ``short`` days to leave out."""

    parts: list[Part]
    """How many keys the rows make may not be known yet, and is 0 then."""
    accepted: Callable[..., DataFrame]
    rejected: Callable[..., DataFrame]


@contextmanager
def read(spark: SparkSession, delivery: Delivery, *, site_url: str | None) -> Iterator[Reading]:
    """Count the rows of the usable files, which is cheap, and leave them to be summed while they are written.

    Only where a row has more clicks than impressions the sums must decide what can stand, and are held for it.
    """
    frames = scan(spark, delivery.usable) or [nothing(spark)]
    flags = flag_names(frames)
    in_contract_terms = [console_rows(rows, layout=layout, flags=flags, site_url=site_url) for layout, rows in frames]
    rows = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), in_contract_terms)
    days = by_day(rows, days=len(delivery.days))
    came = delivered(rows).collect()
    if any(row["suspects"] for row in came):
        with held(summed(days, flags=flags)) as keys:
            yield Reading(
                [Part(*row) for row in tally(keys).collect()], partial(accepted, keys), partial(rejected, keys)
            )
    else:
        has_flaws = any(row["reason"] is not None for row in came)
        flaws = summed(flawed(rows) if has_flaws else rows.limit(0), flags=flags)
        parts = [Part(row["data_date"], row["reason"], row["rows"], 0) for row in came]
        yield Reading(parts, partial(sound_sums, days, flags=flags), partial(rejected, flaws))
