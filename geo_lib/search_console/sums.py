"""Running sums per page and query, and what to do when days arrive, leave or are corrected. Pure.

The sums stand in layers: one of many days, summed at once, then one for each day that arrived since, and one of
negative figures for each day that left. Added up they are the sums over the window, whatever its history was; a day
that arrives costs a layer of its own, not the whole table.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.search_console.ledger import DayRecord, table_of, version_in
from schemas.page_queries import PAGE_QUERIES

_MOST_LAYERS = 8
"""Above this they are added up into one: each costs its rows again whenever the sums are read."""
_SOME_DAY = date(1970, 1, 1)
_SUMS = ("impressions", "clicks", "sum_position_1based", "anonymised_impressions", "rows", "repeated_rows")
_DOMAIN = "sc-domain:"
_LAYER = re.compile(r"(?P<sign>[+-])(?P<first>[\d-]+)\.\.(?P<last>[\d-]+) (?P<console>\S+) (?P<code>\S+)")


@dataclass(frozen=True, slots=True)
class Layer:
    """Days of one version of search_console, summed by one version of this code; ``is_gone``: taken away again."""

    first: date
    last: date
    console: str
    """``<table id>@<version>``"""
    code: str
    is_gone: bool = False

    @property
    def name(self) -> str:
        return f"{'-' if self.is_gone else '+'}{self.first}..{self.last} {self.console} {self.code}"

    @classmethod
    def named(cls, name: str) -> "Layer":
        parts = _LAYER.fullmatch(name)
        if parts is None:
            raise ValueError(f"page_queries has a layer {name!r}, which names no days; delete the table and run again")
        first, last = date.fromisoformat(parts["first"]), date.fromisoformat(parts["last"])
        return cls(first, last, parts["console"], parts["code"], parts["sign"] == "-")

    def has(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Change:
    """What brings the stored layers to the window asked for."""

    dropped: tuple[Layer, ...] = ()
    """Stored layers that must go."""
    summed: tuple[Layer, ...] = ()
    """Layers to sum from search_console as it is now."""
    standing: tuple[Layer, ...] = ()
    """Stored layers that hold."""
    folded: Layer | None = None
    """The one that ``standing`` and ``summed`` are added up into, if they have become too many."""

    @property
    def answered(self) -> tuple[Layer, ...]:
        """Layers whose rows change."""
        if self.folded is None:
            return tuple(dict.fromkeys((*self.dropped, *self.summed)))
        return tuple(dict.fromkeys((*self.dropped, *self.standing, self.folded)))


def change(
    stored: Iterable[Layer], ledger: Mapping[date, DayRecord], *, window: tuple[date, date], console: str, code: str
) -> Change:
    """How to come from the ``stored`` layers to the sums over ``window``, the first and last day that count.

    ``ledger``: every day of search_console as of its version ``console``. A corrected day's former rows are gone, so
    one that stands in a layer of many days has them all summed anew; one that has a layer of its own is replaced.
    """
    layers = tuple(stored)
    wanted = {day for day in ledger if window[0] <= day <= window[1] and ledger[day].keys}
    if not wanted:
        return Change(dropped=layers)
    whole = Layer(min(wanted), max(wanted), console, code)
    anew = Change(dropped=layers, summed=(whole,))
    added = [layer for layer in layers if not layer.is_gone]
    if not added or any(layer.code != code or table_of(layer.console) != table_of(console) for layer in layers):
        return anew
    base = min(added, key=lambda layer: (layer.first - layer.last, layer.first))  # the one of most days
    gone = {layer.first for layer in layers if layer.is_gone}
    in_base = {day for day in ledger if base.has(day)}
    is_corrected = any(_changed_since(ledger[day], base) for day in in_base - gone)
    if is_corrected or in_base & gone & wanted:
        return anew
    single = [layer for layer in added if layer is not base]
    dropped = [one for one in single if one.first not in wanted or _changed_since(ledger[one.first], one)]
    standing = (in_base - gone) | {one.first for one in single if one not in dropped}
    arriving = [Layer(day, day, console, code) for day in sorted(wanted - standing)]
    leaving = [Layer(day, day, console, code, is_gone=True) for day in sorted(in_base - gone - wanted)]
    summed = (*arriving, *leaving)
    if 2 * len(summed) > len(wanted):
        return anew
    remaining = tuple(layer for layer in layers if layer not in dropped)
    is_full = len(remaining) + len(summed) > _MOST_LAYERS
    return Change(tuple(dropped), summed, remaining, folded=whole if is_full else None)


def _changed_since(day: DayRecord, layer: Layer) -> bool:
    return version_in(day.changed_in) > version_in(layer.console)


def page_queries(
    search_console: DataFrame, *, by: tuple[str, ...] = ("page_url", "query"), is_one_property: bool = False
) -> DataFrame:
    """Console rows summed over days, countries, devices, surfaces: page_url, query (null: hidden), sums, ``rows``.

    What several properties tell of a page counts once. ``is_one_property``: there is but one, so none needs be sought.
    """
    is_counted = F.lit(True) if is_one_property else F.col("site_url") == _widest_property()
    figures = {
        "impressions": F.col("impressions"),
        "clicks": F.col("clicks"),
        "sum_position_1based": F.col("sum_position_1based"),
        "anonymised_impressions": F.when(F.col("is_anonymized"), F.col("impressions")).otherwise(0),
    }
    return (
        search_console.withColumn("is_counted", is_counted)
        .groupBy(*by)
        .agg(
            *[F.sum(F.when(F.col("is_counted"), figure).otherwise(0)).alias(name) for name, figure in figures.items()],
            F.count_if("is_counted").alias("rows"),
            F.count_if(~F.col("is_counted")).alias("repeated_rows"),
        )
    )


def _widest_property() -> Column:
    """Of the properties that tell of this row's page, day and surface the widest: a domain, else the shortest address.

    A search is told under each property that the page lies in. What was asked for without a surface is of WEB.
    """
    told_of = Window.partitionBy("data_date", "page_url", F.coalesce("search_type", F.lit("WEB")))
    breadth = F.struct(~F.startswith("site_url", F.lit(_DOMAIN)), F.length("site_url"), F.col("site_url"))
    return F.min_by("site_url", breadth).over(told_of)


def layers_of(search_console: DataFrame, layers: Sequence[Layer], *, is_one_property: bool = False) -> DataFrame:
    """Rows of ``page_queries`` for ``layers``, of which no two have a day in common; none for no layer."""
    if not layers:
        return layers_of(search_console.limit(0), [Layer(_SOME_DAY, _SOME_DAY, "", "")])
    named = [F.when(F.col("data_date").between(F.lit(_.first), F.lit(_.last)), F.lit(_.name)) for _ in layers]
    # one layer is said as a literal, which costs the sum of many days nothing
    layer = F.lit(layers[0].name) if len(layers) == 1 else F.coalesce(*named)
    rows = within(search_console, layers).withColumn("layer", layer)
    sums = page_queries(rows, by=PAGE_QUERIES.key, is_one_property=is_one_property)
    sign = F.when(F.col("layer").startswith("-"), -1).otherwise(1)
    return sums.select(*PAGE_QUERIES.key, *[(sign * F.col(name)).alias(name) for name in _SUMS])


def within(search_console: DataFrame, layers: Sequence[Layer]) -> DataFrame:
    """The rows of the layers' days."""
    days = [F.col("data_date").between(F.lit(layer.first), F.lit(layer.last)) for layer in layers]
    return search_console.where(reduce(Column.__or__, days, F.lit(False)))


def folded(layers: DataFrame, *, into: Layer) -> DataFrame:
    """The layers added up to one."""
    return added_up(layers).withColumn("layer", F.lit(into.name)).select(*PAGE_QUERIES.schema.names)


def added_up(layers: DataFrame) -> DataFrame:
    """The sums over all layers, as ``page_queries`` gives them of the days themselves; what comes to no row is gone."""
    sums = layers.groupBy("page_url", "query").agg(*[F.sum(name).alias(name) for name in _SUMS])
    return sums.where((F.col("rows") > 0) | (F.col("repeated_rows") > 0))
