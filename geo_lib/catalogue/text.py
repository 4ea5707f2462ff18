"""Words as people deliver them: which characters of a text say something. Pure: no reads, no writes."""

from pyspark.sql import Column
from pyspark.sql import functions as F

_BLANK = r"\s\p{Z}\x85\x{200B}\x{FEFF}"
_UNSEEN = _BLANK + (  # that Unicode wants ignored where it cannot be drawn, fillers among the letters, empty Braille
    r"\p{Cc}\p{Cf}\x{034F}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180F}\x{2800}\x{3164}"
    r"\x{FE00}-\x{FE0F}\x{FFA0}\x{E0100}-\x{E01EF}"
)


def trimmed(text: Column) -> Column:
    """Without blanks of any script at its ends; null when there is nothing to be seen in it."""
    return F.when(text.rlike(f"[^{_UNSEEN}]"), F.regexp_replace(text, rf"\A[{_BLANK}]+|[{_BLANK}]+\z", ""))


def told(text: Column) -> Column:
    """The text ``trimmed`` and without control characters; its lines stay."""
    return trimmed(F.regexp_replace(text, r"[\p{Cc}&&[^\t\n\x0B\f\r\x85]]", ""))


def present(text: Column) -> Column:
    """The text on one line, or null when there is nothing to be seen in it."""
    return F.regexp_replace(told(text), rf"[{_BLANK}&&[^\x{{200B}}\x{{FEFF}}]]+", " ")
