"""Which content is held out from training: a function of its split key alone, the same in Python and in Spark."""

import hashlib
from dataclasses import dataclass
from typing import Literal

from pyspark.sql import Column
from pyspark.sql import functions as F

from geo_lib.errors import ConfigError

Split = Literal["train", "held_out"]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """How much no training sees; ``settings: held_out:`` of a configuration."""

    percent: int = 15
    """Share of the split keys. Raising it only moves keys out of training, lowering it only moves them in."""

    def __post_init__(self) -> None:
        if not 0 < self.percent < 100:
            raise ConfigError(f"held_out.percent must be more than 0 and less than 100, not {self.percent}")


def split_of(split_key: str, held_out: HeldOut) -> Split:
    """SHA-256 of "split:" and the key; its first 8 bytes, big-endian, modulo 100, fall below the percentage or not."""
    digest = hashlib.sha256(b"split:" + split_key.encode()).digest()
    return "held_out" if int.from_bytes(digest[:8], "big") % 100 < held_out.percent else "train"


def split_column(split_key: Column, held_out: HeldOut) -> Column:
    """``split_of`` as a column; null where the key is null.

    Eight bytes overflow a bigint, so the remainder is taken of each half: 2**32 is 96 modulo 100.
    """
    digest = F.sha2(F.concat(F.lit("split:"), split_key), 256)
    high = F.conv(F.substring(digest, 1, 8), 16, 10).cast("bigint")
    low = F.conv(F.substring(digest, 9, 8), 16, 10).cast("bigint")
    is_held_out = (high % 100 * 96 + low) % 100 < held_out.percent
    return F.when(is_held_out, "held_out").when(~is_held_out, "train")
