"""Pictures as they come: taken from their addresses in Spark tasks, decoded before anything relies on them."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql.types import BinaryType, IntegerType, LongType, StringType, StructField, StructType

from geo_lib.catalogue.delivery import Delivery, Mark, NoPictureError, read_file
from geo_lib.catalogue.stored import stored
from geo_lib.pictures import UndecodableError

if TYPE_CHECKING:
    import pyarrow as pa

MARK = ("address", "size", "mtime_ns", "etag", "last_modified")
"""Columns of a ``Mark``."""
UNDECODABLE = "undecodable_image"

_FETCHED = StructType(
    [
        StructField("uri", StringType()),
        StructField("signature", StringType()),
        StructField("bytes", BinaryType()),
        StructField("width", IntegerType()),
        StructField("height", IntegerType()),
        StructField("format", StringType()),
        StructField("address", StringType()),
        StructField("size", LongType()),
        StructField("mtime_ns", LongType()),
        StructField("etag", StringType()),
        StructField("last_modified", StringType()),
        StructField("reason", StringType()),
        StructField("detail", StringType()),
    ]
)
_AT_ONCE = 32
"""Pictures held at once by one task."""

Take = Callable[[str, Mark | None], Delivery]
"""Of an address, and the mark of what it gave before, what it gives; raises ``NoPictureError``."""


def fetched(asked: DataFrame, *, longest_side: int, tasks: int, take: Take = read_file) -> DataFrame:
    """Take and decode the pictures at column ``uri``, which is unique, in ``tasks`` tasks.

    ``asked`` has the columns of ``MARK`` as well: what the address gave before, null where nothing is known. Returns
    uri, signature (SHA-256 of the delivered bytes), bytes, width, height, format and the new mark. Of an address
    that gives what it gave before only the mark; of one that gives no picture a ``reason`` with its ``detail``; the
    rest is null. An outage of the store is raised, so that Spark tries the task again.
    """
    fetch = partial(_fetch, longest_side=longest_side, take=take)
    # a number, because addresses are so small that adaptive execution would put them all in one task
    return asked.select("uri", *MARK).repartition(tasks).mapInArrow(fetch, _FETCHED)


def _fetch(batches: "Iterator[pa.RecordBatch]", *, longest_side: int, take: Take) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema

    schema = to_arrow_schema(_FETCHED)
    for batch in batches:
        for start in range(0, len(batch), _AT_ONCE):
            asked = batch.slice(start, _AT_ONCE).to_pylist()
            yield pa.RecordBatch.from_pylist(
                [_outcome(row, longest_side=longest_side, take=take) for row in asked], schema
            )


def _outcome(asked: dict[str, Any], *, longest_side: int, take: Take) -> dict[str, Any]:
    """The row of one address; what is not in it is null."""
    uri = asked["uri"]
    known = None if asked["address"] is None else Mark(*(asked[name] for name in MARK))
    try:
        delivery = take(uri, known)
    except NoPictureError as none:
        return {"uri": uri, "reason": none.reason, "detail": str(none)[:500]}
    came = {"uri": uri} | {name: getattr(delivery.mark, name) for name in MARK}
    if delivery.data is None:
        return came
    try:
        picture = stored(delivery.data, longest_side=longest_side)
    except UndecodableError as broken:
        return {"uri": uri, "reason": UNDECODABLE, "detail": f"{uri}: {broken}"[:500]}
    held = {name: getattr(picture, name) for name in ("bytes", "width", "height", "format")}
    return came | held | {"signature": hashlib.sha256(delivery.data).hexdigest()}
