"""Which day of the console a value names. Pure.

The console counts days in Pacific Time. What people deliver as a day is a date, a midnight with or without a zone, an
hour of the console's own clock, or an instant: a midnight somewhere, of which the zone is forgotten.
"""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_PACIFIC = "America/Los_Angeles"
_OFFSETS = ("-07:00", "-08:00", "-0700", "-0800")
_WHEN = r"^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) ?(Z|UTC|[+-]\d{2}:?\d{2})?)?$"
_DATE_LENGTH = len("2026-10-01")


def day_text(rows: DataFrame, name: str) -> Column:
    """The value as text that ``day_of`` reads: an instant says that it is one."""
    text = F.nullif(F.trim(F.col(name).cast("string")), F.lit(""))
    return F.concat(text, F.lit("Z")) if rows.schema[name].dataType.typeName() == "timestamp" else text


def named_day(rows: DataFrame, name: str) -> Column:
    """The day that a value names, null when it names none for certain. A date is one, in the years of Python."""
    if rows.schema[name].dataType.typeName() != "date":
        return day_of(day_text(rows, name))
    first, last = (F.lit(str(day)).cast("date") for day in (date.min, date.max))
    return F.when(F.col(name).between(first, last), F.col(name))


def day_of(text: Column) -> Column:
    """The day that ``text`` names; null when it names none for certain.

    A date is itself, and a midnight or an hour at a Pacific offset the date it is written with. An instant that is
    midnight in Pacific Time is of the day that begins there. Any other time of day may be midnight in whatever zone
    it was made in, and so belongs to a day that cannot be known.
    """
    day, time, zone = (F.regexp_extract(text, _WHEN, group) for group in (1, 2, 3))
    is_as_written = time.rlike(r"^(00:00(:00(\.0*)?)?)?$") | zone.isin(*_OFFSETS)
    instant = F.when(zone != "", F.concat(day, F.lit(" "), time, zone).try_cast("timestamp"))
    in_pacific = F.from_utc_timestamp(instant, _PACIFIC)
    is_pacific_midnight = F.date_format(in_pacific, "HH:mm:ss") == "00:00:00"
    return (
        F.when(F.length(text) == _DATE_LENGTH, text.try_cast("date"))  # nearly all of them, and no pattern to match
        .when(is_as_written, day.try_cast("date"))
        .when(is_pacific_midnight, in_pacific.cast("date"))
    )
