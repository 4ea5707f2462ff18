"""How long a server wants to be left alone before it is asked again."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(said: str) -> float | None:
    """Of a ``Retry-After``, in seconds or as a date, how long to wait; null if it is neither."""
    if said.isdecimal():
        return float(said)
    try:
        moment = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
