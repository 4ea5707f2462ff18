"""The ledger of pictures: which addresses to look at again, and what becomes of each. Pure: no reads, no writes."""

from collections.abc import Collection
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from geo_lib.catalogue.fetch import MARK
from schemas.picture_sources import PICTURE_SOURCES


def believed(ledger: DataFrame, image_bytes: DataFrame) -> DataFrame:
    """Of the ledger what can be relied on: addresses whose picture is there.

    A run that died, or somebody who deleted, may have left others.
    """
    return ledger.join(image_bytes.select("signature"), on="signature", how="left_semi")


def looked_up(
    rows: DataFrame, ledger: DataFrame, *, reader: str, as_of: date, recheck_days: int, everything: bool
) -> DataFrame:
    """Every address of ``rows`` once, with what the ledger knows of it and ``is_due``: whether to look at it now.

    That is a new one, one whose stored picture another ``reader`` made, one that was missing, one that was last
    looked at ``recheck_days`` ago or earlier, and with ``everything`` each. ``is_known``: what it gives may be
    compared with its mark.
    """
    known = ledger.select(*PICTURE_SOURCES.schema.names)
    asked = rows.select("uri").distinct().join(known, on="uri", how="left")
    is_known = F.coalesce(F.col("reader") == reader, F.lit(False))
    is_old = F.date_diff(F.lit(as_of), F.col("checked")) >= recheck_days
    is_due = ~is_known | is_old | F.col("missing_since").isNotNull() | F.lit(everything)
    return asked.withColumns({"is_known": is_known, "is_due": is_due})


def to_take(asked: DataFrame) -> DataFrame:
    """The addresses to look at, as ``fetch.fetched`` takes them."""
    marks = [F.when(F.col("is_known"), F.col(name)).alias(name) for name in MARK]
    return asked.where("is_due").select("uri", *marks)


def outcomes(
    asked: DataFrame, fetched: DataFrame, *, reader: str, as_of: date, grace_days: int, at_once: Collection[str] = ()
) -> DataFrame:
    """What becomes of every address: its row of the ledger, and ``reason`` and ``detail`` where it has no picture.

    ``asked``: as ``looked_up`` returns it; ``fetched``: one row per due address. An address that gave a picture before
    and gives none now keeps it for ``grace_days``, with ``missing_since`` and ``trouble``, unless the reason is one
    of ``at_once``.
    """
    came = fetched.select(
        "uri", *[F.col(name).alias(f"new_{name}") for name in ("signature", *MARK, "reason", "detail")]
    )
    both = asked.join(came, on="uri", how="left")
    failed = F.col("new_reason").isNotNull()
    found = F.col("is_due") & ~failed
    since = F.coalesce("missing_since", F.lit(as_of))
    is_in_grace = (
        failed
        & F.col("signature").isNotNull()
        & ~F.col("new_reason").isin(*at_once)
        & (F.date_diff(F.lit(as_of), since) < grace_days)
    )

    def now(name: str, new: Column) -> Column:
        return F.when(found, new).otherwise(F.col(name)).alias(name)

    return both.select(
        "uri",
        now("signature", F.coalesce("new_signature", "signature")),
        now("reader", F.lit(reader)),
        *[now(name, F.col(f"new_{name}")) for name in MARK],
        now("checked", F.lit(as_of)),
        F.when(is_in_grace, since).alias("missing_since"),
        F.when(is_in_grace, F.col("new_reason")).alias("trouble"),
        F.when(~is_in_grace, F.col("new_reason")).alias("reason"),
        F.when(~is_in_grace, F.col("new_detail")).alias("detail"),
        "is_due",
        F.col("new_signature").isNotNull().alias("is_taken"),
    )
