"""Pictures as they come: fetched in Spark tasks, known by their bytes, decoded before anything relies on them."""

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import BinaryType, IntegerType, StringType, StructField, StructType

from geo_lib.files import UnreadableFileError, read_bytes
from geo_lib.pictures import UndecodableError, over_white, turned

if TYPE_CHECKING:
    import pandas as pd

MISSING_FILE = "missing_file"
UNREADABLE = "unreadable_file"
UNDECODABLE = "undecodable_image"

_FETCHED = StructType(
    [
        StructField("uri", StringType()),
        StructField("signature", StringType()),
        StructField("bytes", BinaryType()),
        StructField("width", IntegerType()),
        StructField("height", IntegerType()),
        StructField("format", StringType()),
        StructField("reason", StringType()),
        StructField("detail", StringType()),
    ]
)
_ROWS_PER_BATCH = 32
"""Pictures held at once by one task."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Stored bytes and what they hold. Width and height are those of the picture held upright."""

    bytes: bytes
    width: int
    height: int
    format: str


def stored(data: bytes, *, longest_side: int) -> Picture:
    """What the lakehouse keeps of delivered bytes: themselves, or a smaller picture where they are too large.

    A picture within ``longest_side`` is kept byte for byte, so whoever decodes it goes through ``upright``;
    a larger one is held upright, laid over white, scaled down and encoded as JPEG. Raises ``UndecodableError``.
    """
    from PIL import Image

    as_stored, kind = turned(data)
    picture = over_white(as_stored)
    if max(picture.size) <= longest_side:
        return Picture(data, picture.width, picture.height, kind)
    picture.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG", quality=90)
    return Picture(encoded.getvalue(), picture.width, picture.height, "JPEG")


def fetched(uris: DataFrame, *, longest_side: int, tasks: int, read: Callable[[str], bytes] = read_bytes) -> DataFrame:
    """Read and decode the pictures at column ``uri``, each distinct address once, in ``tasks`` tasks.

    Returns uri, signature (SHA-256 of the delivered bytes), bytes, width, height, format, and for an address that
    gives no picture a ``reason`` with its ``detail`` and nulls in the rest. An outage of the store is raised, so
    that Spark tries the task again.
    """
    fetch = partial(_fetch, longest_side=longest_side, read=read)
    # a number, because addresses are so small that adaptive execution would put them all in one task
    return uris.select(F.col("uri")).distinct().repartition(tasks).mapInPandas(fetch, _FETCHED)


def _fetch(
    batches: "Iterator[pd.DataFrame]", *, longest_side: int, read: Callable[[str], bytes]
) -> "Iterator[pd.DataFrame]":
    import pandas as pd

    for batch in batches:
        for start in range(0, len(batch), _ROWS_PER_BATCH):
            uris = batch["uri"].iloc[start : start + _ROWS_PER_BATCH]
            rows = [_outcome(uri, longest_side=longest_side, read=read) for uri in uris]
            frame = pd.DataFrame(rows, columns=_FETCHED.names)
            # nullable integers: an unreadable row must not turn its neighbours' sizes into floats
            yield frame.astype({"width": "Int32", "height": "Int32"})


def _outcome(uri: str, *, longest_side: int, read: Callable[[str], bytes]) -> tuple[object, ...]:
    try:
        data = read(uri)
    except FileNotFoundError:
        return (uri, None, None, None, None, None, MISSING_FILE, f"no file at {uri}")
    except UnreadableFileError as refused:
        return (uri, None, None, None, None, None, UNREADABLE, str(refused)[:500])
    try:
        picture = stored(data, longest_side=longest_side)
    except UndecodableError as broken:
        return (uri, None, None, None, None, None, UNDECODABLE, f"{uri}: {broken}"[:500])
    signature = hashlib.sha256(data).hexdigest()
    return (uri, signature, picture.bytes, picture.width, picture.height, picture.format, None, None)
