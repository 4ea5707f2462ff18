"""One reading of a delivery's files: what came of each day, then the sums to write, by as few passes as will do."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial, reduce

from pyspark.sql import DataFrame, SparkSession

from geo_lib.search_console.delivery import Delivery, Part
from geo_lib.search_console.folder import nothing, scan
from geo_lib.search_console.layouts import (
    LEFT_OUT,
    Layout,
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
from geo_lib.search_console.precedence import beside_export, newest_told
from geo_lib.spark import held


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of the rows, and the frames to write of them: functions of the ``short`` days to leave out."""

    parts: list[Part]
    """How many keys the rows make may not be known yet, and is 0 then."""
    undated: Mapping[date, int]
    """Of each day the rows that came in files without a day."""
    accepted: Callable[..., DataFrame]
    rejected: Callable[..., DataFrame]


@contextmanager
def read(spark: SparkSession, delivery: Delivery, *, site_url: str | None) -> Iterator[Reading]:
    """Count the rows of the usable files, which is cheap, and leave them to be summed while they are written.

    Only where a row has more clicks than impressions the sums must decide what can stand, and are held for it.
    """
    frames = scan(spark, delivery.usable) or [nothing(spark)]
    flags = flag_names(frames)
    rows = _in_contract_terms(frames, flags=flags, site_url=site_url)
    days = by_day(rows, days=len(delivery.days))
    came = delivered(rows).collect()
    undated: Counter[date] = Counter()
    fates: Counter[tuple[date | None, str | None]] = Counter()
    for row in came:
        fates[row["data_date"], row["reason"]] += row["rows"]
        if not row["is_dated"] and row["data_date"] is not None:
            undated[row["data_date"]] += row["rows"]
    if any(row["suspects"] for row in came):
        with held(summed(days, flags=flags)) as keys:
            parts = [Part(*row) for row in tally(keys).collect()]
            yield Reading(parts, undated, partial(accepted, keys), partial(rejected, keys))
    else:
        has_flaws = any(reason is not None and reason not in LEFT_OUT for _, reason in fates)
        flaws = summed(flawed(rows) if has_flaws else rows.limit(0), flags=flags)
        parts = [Part(day, reason, n, 0) for (day, reason), n in fates.items()]
        yield Reading(parts, undated, partial(sound_sums, days, flags=flags), partial(rejected, flaws))


def _in_contract_terms(
    frames: Sequence[tuple[Layout, DataFrame]], *, flags: Sequence[str], site_url: str | None
) -> DataFrame:
    """Every delivered row, those that are told twice marked but once."""
    terms = {
        layout: reduce(
            partial(DataFrame.unionByName, allowMissingColumns=True),
            [
                console_rows(rows, layout=layout, flags=flags, site_url=site_url)
                for its, rows in frames
                if its is layout
            ],
        )
        for layout in {layout for layout, _ in frames}
    }
    if Layout.API not in terms:
        return terms[Layout.EXPORT]
    api = newest_told(terms[Layout.API])
    if Layout.EXPORT not in terms:
        return api
    export = terms[Layout.EXPORT]
    return export.unionByName(beside_export(api, export), allowMissingColumns=True)
