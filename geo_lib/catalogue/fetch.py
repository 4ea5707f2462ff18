"""Pictures as they come: taken from their addresses in Spark tasks, decoded before anything relies on them."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
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
_HELD = 32
"""Pictures held at once by one task."""
_CONNECTIONS = 8
"""Addresses that one task asks at once; a host that may be asked more often is shared by several tasks."""

Take = Callable[[str, Mark | None], Delivery]
"""Of an address, and the mark of what it gave before, what it gives; raises ``NoPictureError``."""


def fetched(
    asked: DataFrame, *, longest_side: int, tasks: int, take: Take = read_file, connections_per_host: int = _CONNECTIONS
) -> DataFrame:
    """Take and decode the pictures at column ``uri``, which is unique, in ``tasks`` tasks.

    ``asked`` has the columns of ``MARK`` as well: what the address gave before, null where nothing is known. Returns
    uri, signature (SHA-256 of the delivered bytes), bytes, width, height, format and the new mark. Of an address
    that gives what it gave before only the mark; of one that gives no picture a ``reason`` with its ``detail``; the
    rest is null. A host of the web is asked at most ``connections_per_host`` addresses at once. An outage of the
    store is raised, so that Spark tries the task again.
    """
    at_once = min(_CONNECTIONS, connections_per_host)
    host = F.lower(F.regexp_extract("uri", r"^(?i:https?)://([^/?#]+)", 1))
    share = F.pmod(F.xxhash64("uri"), F.lit(connections_per_host // at_once))
    together = F.when(host != "", F.concat_ws("#", host, share)).otherwise(F.col("uri"))
    fetch = partial(_fetch, longest_side=longest_side, take=take, at_once=at_once)
    # a number, because addresses are so small that adaptive execution would put them all in one task
    return asked.select("uri", *MARK).repartition(tasks, together).mapInArrow(fetch, _FETCHED)


def _fetch(
    batches: "Iterator[pa.RecordBatch]", *, longest_side: int, take: Take, at_once: int
) -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema

    schema = to_arrow_schema(_FETCHED)
    with ThreadPoolExecutor(at_once) as pool:
        for batch in batches:
            for start in range(0, len(batch), _HELD):
                asked = batch.slice(start, _HELD).to_pylist()
                came = pool.map(partial(_taken, take=take), asked)
                # decoded here while others come: Pillow's guard against bombs is a filter that threads would share
                rows = [
                    _row(one["uri"], what, longest_side=longest_side) for one, what in zip(asked, came, strict=True)
                ]
                yield pa.RecordBatch.from_pylist(rows, schema)


def _taken(asked: dict[str, Any], *, take: Take) -> Delivery | NoPictureError:
    known = None if asked["address"] is None else Mark(*(asked[name] for name in MARK))
    try:
        return take(asked["uri"], known)
    except NoPictureError as none:
        return none


def _row(uri: str, came: Delivery | NoPictureError, *, longest_side: int) -> dict[str, Any]:
    """The row of one address; what is not in it is null."""
    if isinstance(came, NoPictureError):
        return {"uri": uri, "reason": came.reason, "detail": str(came)[:500]}
    mark = {"uri": uri} | {name: getattr(came.mark, name) for name in MARK}
    if came.data is None:
        return mark
    try:
        picture = stored(came.data, longest_side=longest_side)
    except UndecodableError as broken:
        return {"uri": uri, "reason": UNDECODABLE, "detail": f"{uri}: {broken}"[:500]}
    held = {name: getattr(picture, name) for name in ("bytes", "width", "height", "format")}
    return mark | held | {"signature": hashlib.sha256(came.data).hexdigest()}
