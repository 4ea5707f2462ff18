"""The two outside layouts of search-console rows, and their way into one contract. Pure.

The bulk export counts positions from 0 and sums them; the API counts from 1 and averages. Both become
``sum_position_1based``, so that the convention is in the name.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from enum import Enum
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from geo_lib.search_console.days import day_text, named_day
from schemas.search_console import SEARCH_CONSOLE

MALFORMED_DAY = "malformed_day"
NEGATIVE = "negative_count"
MISSING = "missing_value"
MORE_CLICKS = "clicks_exceed_impressions"
OTHER_DAY = "other_day"
NO_DAY = "not_a_day"
NO_QUERY = "no_query"
"""Of a surface without queries or positions (Discover, Google News), or the API's total over all queries."""
SUPERSEDED = "superseded"
"""A row of the API that a newer file tells again."""
EXPORTED = "exported"
"""A row of the API for a day and property that the bulk export tells, too."""
LEFT_OUT = (NO_QUERY, SUPERSEDED, EXPORTED)
"""Reasons that are no fault of the row's: dropped and counted, not rejected."""

KEY = ("data_date", "site_url", "page_url", "query", "country", "device", "search_type")
_BITS = 62
"""Flags per mask: a bigint, whose sign is left alone."""
_MANY_DAYS = 8
"""From here on a day for each partition occupies the cores of a small machine evenly."""
_COUNTS = ("impressions", "clicks", "sum_position_1based")
_NOT_VALUES = ("data_date", "is_dated", "flaw", "told_at", "_uri")


class Layout(Enum):
    """How rows are delivered; told apart by their columns."""

    EXPORT = "bulk export"
    API = "API rows"

    @property
    def mandatory(self) -> tuple[str, ...]:
        if self is Layout.EXPORT:
            return ("site_url", "url", "query", "impressions", "clicks", "sum_position")
        return ("page", "date", "impressions", "clicks")

    @property
    def known(self) -> tuple[str, ...]:
        """Every column that the contract has a place for; the others are extras."""
        if self is Layout.EXPORT:
            anonymised = ("is_anonymized_query", "is_anonymized_discover")
            return (*self.mandatory, "data_date", "country", "device", "search_type", *anonymised)
        return (*self.mandatory, "query", "position", "site_url", "country", "device", "search_type", "ctr")

    @property
    def wanted(self) -> str:
        names = ", ".join(self.mandatory)
        return names if self is Layout.EXPORT else f"{names}, and of surfaces with queries query, position"


_NUMBERS = ("int", "uint", "float", "double", "decimal", "halffloat")
_TYPES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("site_url", "url", "page", "query", "country", "device", "search_type"), ("string", "large_", "dict")
    ),
    **dict.fromkeys(("is_anonymized_query", "is_anonymized_discover"), ("bool",)),
    # whole numbers with a null among them leave pandas as doubles
    **dict.fromkeys(("impressions", "clicks", "sum_position", "position"), _NUMBERS),
    **dict.fromkeys(("data_date", "date"), ("date", "timestamp", "string")),
}


def layout_of(columns: Sequence[str], *, dated: bool) -> Layout | None:
    """The layout whose mandatory columns are all there; null when neither's are.

    ``dated``: the folder names the day; otherwise export rows must carry ``data_date`` themselves.
    """
    names = set(columns)
    if names.issuperset(Layout.EXPORT.mandatory) and (dated or "data_date" in names):
        return Layout.EXPORT
    # rows with queries have positions, so that a file with one of the two alone has lost the other
    return (
        Layout.API if names.issuperset(Layout.API.mandatory) and ("position" in names or "query" not in names) else None
    )


def wrong_types(layout: Layout, types: Mapping[str, str]) -> list[str]:
    """What is not of a type that its meaning allows, as sentences; a column null throughout is fine."""
    return [
        f"{name} is {types[name]}"
        for name in layout.known
        if name in types and name in _TYPES and not types[name].startswith((*_TYPES[name], "null"))
    ]


def flag_names(frames: Iterable[tuple[Layout, DataFrame]]) -> tuple[str, ...]:
    """Boolean columns beyond the contract that any of the frames has, sorted: their places in the bit masks."""
    return tuple(sorted({name for layout, rows in frames for name in _extra(rows, layout) if _is_flag(rows, name)}))


def console_rows(rows: DataFrame, *, layout: Layout, flags: Sequence[str], site_url: str | None = None) -> DataFrame:
    """Delivered rows of one layout in the contract's terms, one for one: nothing summed, anything may be null.

    Text becomes a number or null, never an error. ``site_url`` names the property for API rows that do not carry it.
    Day: that of their ``data_date=`` folder, which ``is_dated`` says of, else the rows' own; ``other_day`` is what a
    row says that disagrees with its folder, or names no day. ``flaw``: why a row cannot stand, null when it can.
    ``told_at`` orders API rows by the age of their files, and is null of others.

    Columns beyond the contract: booleans as bits of ``_flags_0``, ``_flags_1`` …, in the order of ``flags``; others as
    a JSON object in ``_extras``, present only if there are any; both because they are summed a million at a time, and
    longs hash where maps do not.
    """
    names = set(rows.columns)

    def text(name: str) -> Column:
        return F.nullif(F.col(name).cast("string"), F.lit("")) if name in names else F.lit(None).cast("string")

    def whole(name: str) -> Column:
        # by way of double: text may say 12 or 12.0; beyond 2^53 no console counts
        return (
            F.col(name).cast("bigint")
            if layout is Layout.EXPORT and _is_whole(rows, name)
            else F.round(F.col(name).cast("string").try_cast("double")).try_cast("bigint")
        )

    def flag(name: str) -> Column:
        if name not in names:
            return F.lit(False)
        is_set = F.col(name) if _is_flag(rows, name) else F.lower(F.col(name).cast("string")) == "true"
        return F.coalesce(is_set, F.lit(False))

    impressions, query = whole("impressions"), text("query")
    if layout is Layout.EXPORT:
        day = "data_date"
        position = whole("sum_position") + impressions
        anonymised = flag("is_anonymized_query") | flag("is_anonymized_discover")
        page, site, search_type, device = text("url"), text("site_url"), text("search_type"), text("device")
        told_at = F.lit(None)
    else:
        day = "date"
        # such rows carry no position, or a zero that is none
        mean = F.when(query.isNotNull(), text("position").try_cast("double"))
        position = F.round(mean * impressions).try_cast("bigint")
        anonymised = F.lit(False)  # the API leaves such rows out
        page, site = text("page"), F.coalesce(text("site_url"), F.lit(site_url))
        search_type, device = F.upper(text("search_type")), F.upper(text("device"))
        told_at = F.struct("_mtime", "_uri")
    below = F.split_part("_uri", F.lit("data_date="), F.lit(2))  # a pattern would cost as much as all else about a row
    of_folder = F.when(below.contains("/"), F.substring_index(below, "/", 1)).try_cast("date")
    own, told = (named_day(rows, day), day_text(rows, day)) if day in names else (F.lit(None), F.lit(None))
    is_elsewhere = F.col("_own").isNull() | (F.col("_own") != F.col("_of_folder"))
    # columns of their own, so that a long expression is computed once
    terms = rows.withColumns({"_of_folder": of_folder, "_own": own.cast("date")}).select(
        F.coalesce("_of_folder", "_own").alias("data_date"),
        F.col("_of_folder").isNotNull().alias("is_dated"),
        F.when(is_elsewhere, told.cast("string")).alias("other_day"),
        site.alias("site_url"),
        page.alias("page_url"),
        query.alias("query"),
        F.lower(text("country")).alias("country"),
        device.alias("device"),
        search_type.alias("search_type"),
        anonymised.alias("is_anonymized"),
        impressions.alias("impressions"),
        whole("clicks").alias("clicks"),
        position.alias("sum_position_1based"),
        told_at.cast("struct<time:timestamp,uri:string>").alias("told_at"),
        "_uri",
        *_masks(rows, _extra(rows, layout), flags),
        *_texts(rows, _extra(rows, layout)),
    )
    return terms.withColumn("flaw", _flaw())


def _is_whole(rows: DataFrame, name: str) -> bool:
    return rows.schema[name].dataType.typeName() in ("byte", "short", "integer", "long")


def _extra(rows: DataFrame, layout: Layout) -> list[str]:
    return [name for name in rows.columns if name not in layout.known and not name.startswith("_")]


def _is_flag(rows: DataFrame, name: str) -> bool:
    return rows.schema[name].dataType.typeName() == "boolean"


def _masks(rows: DataFrame, extra: Sequence[str], flags: Sequence[str]) -> list[Column]:
    mine = {name for name in extra if _is_flag(rows, name)}
    masks = []
    for part in range(0, len(flags), _BITS):
        bits = [
            F.when(F.col(f"`{name}`"), F.lit(1 << place).cast("bigint")).otherwise(F.lit(0).cast("bigint"))
            for place, name in enumerate(flags[part : part + _BITS])
            if name in mine
        ]
        masks.append(_united([F.lit(0).cast("bigint"), *bits]).alias(f"_flags_{part // _BITS}"))
    return masks


def _united(masks: Sequence[Column]) -> Column:
    """Bitwise or, by halves: sixty deep, an expression is more than Connect carries."""
    half = len(masks) // 2
    return _united(masks[:half]).bitwiseOR(_united(masks[half:])) if half else masks[0]


def _texts(rows: DataFrame, extra: Sequence[str]) -> list[Column]:
    texts = [_told(rows, name).alias(name) for name in sorted(extra) if not _is_flag(rows, name)]
    if not texts:
        return []
    return [F.when(F.coalesce(*texts).isNotNull(), F.to_json(F.struct(*texts))).alias("_extras")]


def _told(rows: DataFrame, name: str) -> Column:
    """The value as text; null where it is null, blank or false."""
    value = F.col(f"`{name}`")
    nested = rows.schema[name].dataType.typeName() in ("array", "map", "struct")
    text = F.to_json(value) if nested else value.cast("string")
    return F.when(~F.lower(text).isin("false", ""), text)


def by_day(rows: DataFrame, *, days: int) -> DataFrame:
    """The same rows with each day in one partition, where there are ``days`` enough to occupy every core.

    What is summed by day needs no other shuffle then, and a file of the table holds few days: one that is replaced or
    read alone costs its own rows.
    """
    return rows.repartition(days, "data_date") if days >= _MANY_DAYS else rows


def delivered(rows: DataFrame) -> DataFrame:
    """What came, before anything is summed: by data_date, ``reason`` (a row's flaw, null when sound) and is_dated.

    Columns: ``rows``; ``suspects``, the sound rows of more clicks than impressions, without which no key has more
    after the sum; and ``values`` that are not null, which is asked so that every column is read here: what a corrupt
    page hides now it hides from ``sound_sums``, too.
    """
    is_suspect = F.col("flaw").isNull() & (F.col("clicks") > F.col("impressions"))
    values = reduce(Column.__add__, [F.count(name) for name in rows.columns if name not in _NOT_VALUES])
    by_fate = rows.groupBy("data_date", F.col("flaw").alias("reason"), "is_dated")
    return by_fate.agg(F.count("*").alias("rows"), F.count_if(is_suspect).alias("suspects"), values.alias("values"))


def flawed(rows: DataFrame) -> DataFrame:
    """The delivered rows that cannot stand by themselves, beside those that are left out for no fault."""
    return rows.where(F.col("flaw").isNotNull() & ~F.col("flaw").isin(*LEFT_OUT))


def sound_sums(rows: DataFrame, *, flags: Sequence[str], short: Iterable[date]) -> DataFrame:
    """The contract's rows, without the ``short`` days, when ``delivered`` tells of no suspects: as ``accepted`` of
    ``summed`` has them, at half the cost.
    """
    sums = _without(rows, short).where("flaw is null").groupBy(*KEY).agg(*_totals(rows))
    return sums.withColumn("extras", _extras_of(rows, flags)).select(*SEARCH_CONSOLE.schema.names)


def summed(rows: DataFrame, *, flags: Sequence[str]) -> DataFrame:
    """Repeated keys summed; what cannot stand is a row of its own with a ``reason``.

    ``rows``: as ``console_rows`` returns them, of one layout or several, with the same ``flags``.

    Columns: the contract's, ``rows`` (delivered rows in it), ``reason``, ``row`` and ``detail`` (of a rejection,
    null when fine, and when the row is left out for no fault). A delivered row without a page, day, property or
    count, with a negative count, or of another day than its folder, is set aside before the sum (its ``row`` is the
    key with its counts and file); a key whose clicks then exceed its impressions after it.
    """
    # a flawed row is grouped with rows alike to the last count alone, so that it costs its key nothing
    sums = (
        rows.withColumn("as_delivered", _as_delivered())
        .groupBy(*KEY, "flaw", "as_delivered")
        .agg(*_totals(rows), F.count("*").alias("rows"))
    )
    # one row may tell of a click whose impression another row of its key tells of: judged by the sum
    has_too_many = F.col("flaw").isNull() & (F.col("clicks") > F.col("impressions"))
    reason = F.coalesce("flaw", F.when(has_too_many, MORE_CLICKS))
    is_rejected = reason.isNotNull() & ~reason.isin(*LEFT_OUT)
    figures = F.format_string(
        "%d rows: impressions %s, clicks %s",
        "rows",
        F.col("impressions").cast("string"),
        F.col("clicks").cast("string"),
    )
    return sums.select(
        *KEY,
        "is_anonymized",
        *_COUNTS,
        _extras_of(rows, flags).alias("extras"),
        "rows",
        reason.alias("reason"),
        F.when(is_rejected, F.coalesce("as_delivered", F.to_json(F.struct(*KEY)))).alias("row"),
        F.when(is_rejected, figures).alias("detail"),
    )


def _totals(rows: DataFrame) -> list[Column]:
    """What the rows of one key come to, under the names that the rows have."""
    return [
        F.max("is_anonymized").alias("is_anonymized"),
        *[F.sum(name).alias(name) for name in _COUNTS],
        *[F.bit_or(name).alias(name) for name in rows.columns if name.startswith("_flags_")],
        *[F.collect_set(name).alias(name) for name in rows.columns if name == "_extras"],
    ]


def _extras_of(rows: DataFrame, flags: Sequence[str]) -> Column:
    """Of what ``_totals`` makes of ``rows``: the columns beyond the contract as its map."""
    texts = F.col("_extras") if "_extras" in rows.columns else F.array().cast("array<string>")
    return _as_map(texts, [F.col(name) for name in rows.columns if name.startswith("_flags_")], flags)


def _flaw() -> Column:
    """Why a delivered row cannot be summed at all; null when it can."""

    def lacks(*names: str) -> Column:
        return reduce(Column.__or__, [F.col(name).isNull() for name in names])

    # the 0-based sum as delivered; the 1-based one of a negative sum may still be positive
    is_negative = F.least("impressions", "clicks", F.col("sum_position_1based") - F.col("impressions")) < 0
    is_elsewhere = F.col("other_day").isNotNull()
    return (
        F.when(F.col("data_date").isNull() & is_elsewhere, NO_DAY)
        .when(lacks(*KEY[:3], "impressions", "clicks"), MISSING)
        .when(is_negative, NEGATIVE)
        .when(is_elsewhere, OTHER_DAY)
        .when(F.col("query").isNull() & lacks("sum_position_1based"), NO_QUERY)
        .when(lacks("sum_position_1based"), MISSING)
    )


def _as_delivered() -> Column:
    """A flawed row whole, as JSON with the file it came from; null for a sound one and one left out for no fault."""
    whole = F.struct(*KEY, "other_day", *_COUNTS, F.col("_uri").alias("file"))
    return F.when(F.col("flaw").isNotNull() & ~F.col("flaw").isin(*LEFT_OUT), F.to_json(whole))


def tally(keys: DataFrame) -> DataFrame:
    """Of what ``summed`` returned: data_date, reason, and how many delivered ``rows`` in how many ``keys``."""
    return keys.groupBy("data_date", "reason").agg(F.sum("rows").alias("rows"), F.count("*").alias("keys"))


def accepted(keys: DataFrame, *, short: Iterable[date]) -> DataFrame:
    """The contract's rows, without the ``short`` days."""
    return _without(keys, short).where("reason is null").select(*SEARCH_CONSOLE.schema.names)


def rejected(keys: DataFrame, *, short: Iterable[date]) -> DataFrame:
    """Row, reason and detail of what cannot stand, without the ``short`` days, which are rejected by file."""
    return _without(keys, short).where("row is not null").select("row", "reason", "detail")


def rejected_of(rejections: DataFrame, days: Iterable[date]) -> DataFrame:
    """Of stored rejections those of rows of ``days``, which their JSON names: row, reason and detail."""
    day = F.get_json_object("row", "$.data_date").try_cast("date")
    return rejections.where(day.isin(sorted(days))).select("row", "reason", "detail")


def _without(keys: DataFrame, days: Iterable[date]) -> DataFrame:
    is_short = F.coalesce(F.col("data_date").isin(sorted(days)), F.lit(False))
    return keys.where(~is_short)


def _as_map(texts: Column, masks: Sequence[Column], flags: Sequence[str]) -> Column:
    """JSON objects and bit masks as one map from name to the sorted distinct values; null for none."""
    objects = F.transform(texts, lambda text: F.map_entries(F.from_json(text, "map<string,string>")))
    told = F.flatten(objects)
    for part, mask in enumerate(masks):
        names = flags[part * _BITS : (part + 1) * _BITS]
        entries = [
            F.when(F.getbit(mask, F.lit(place)) == 1, F.struct(F.lit(name).alias("key"), F.lit("true").alias("value")))
            for place, name in enumerate(names)
        ]
        told = F.concat(told, F.array_compact(F.array(*entries)))
    keys = F.array_sort(F.array_distinct(F.transform(told, lambda entry: entry["key"])))

    def values(name: Column) -> Column:
        mine = F.filter(told, lambda entry: entry["key"] == name)
        return F.array_sort(F.array_distinct(F.transform(mine, lambda entry: entry["value"])))

    nothing = reduce(Column.__and__, [F.size(texts) == 0, *[mask == 0 for mask in masks]])
    return F.when(~nothing, F.map_from_arrays(keys, F.transform(keys, values)))
