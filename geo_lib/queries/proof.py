"""Whether a model's word is worth anything: what people searched for, for its picture and for others. Pure.

A model that does not see what it is shown still writes queries that many pictures are found by. So what counts is not
how often the console confirms it, but how much oftener for the picture than for another one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.queries.proposals import CONSOLE, VLM

UNPROVEN = "unproven"
FEWEST = 30
"""Pictures of a locale below which a share says nothing."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Of the queries that a model wrote for pictures it was not taught on, and which people find: shares, 0 to 1."""

    pictures: int
    confirmed: float
    """That the console has for their picture."""
    by_chance: float
    """That it would have for another picture of the locale, each as likely."""

    @property
    def gain(self) -> float:
        return self.confirmed - self.by_chance


def proofs(fit: DataFrame, untaught: DataFrame) -> dict[str, Proof]:
    """Locale to proof; of a locale in which nothing can be measured there is none.

    ``fit``: signature, locale, source, words: all that was proposed and is fit, repetitions too. ``untaught``: the
    signatures that no training saw.
    """
    has = fit.where(F.col("source") == CONSOLE).select("locale", "signature", "words").distinct()
    heard = has.select("locale", "signature").distinct()
    carriers = has.groupBy("locale", "words").agg(F.count("*").alias("carriers"))
    of_locale = heard.groupBy("locale").agg(F.count("*").alias("heard"))
    written = fit.where(F.col("source") == VLM).select("locale", "signature", "words").distinct()
    asked = written.join(heard, on=["locale", "signature"], how="left_semi").join(
        untaught, on="signature", how="left_semi"
    )
    own = F.coalesce("is_own", F.lit(0))
    rows = (
        asked.join(has.withColumn("is_own", F.lit(1)), on=["locale", "signature", "words"], how="left")
        .join(carriers, on=["locale", "words"], how="left")
        .join(of_locale, on="locale", how="inner")
        .where("heard > 1")
        .groupBy("locale")
        .agg(
            F.count_distinct("signature").alias("pictures"),
            F.avg(own).alias("confirmed"),
            F.avg((F.coalesce("carriers", F.lit(0)) - own) / (F.col("heard") - 1)).alias("by_chance"),
        )
        .collect()
    )
    return {row["locale"]: Proof(row["pictures"], row["confirmed"], row["by_chance"]) for row in rows}


def unproven(proofs: Mapping[str, Proof], *, min_gain: float) -> list[str]:
    """The locales in which a model's word counts for nothing, sorted. What cannot be measured is taken at its word."""
    return sorted(at for at, proof in proofs.items() if proof.pictures >= FEWEST and proof.gain < min_gain)


def proof_lines(proofs: Mapping[str, Proof], *, min_gain: float) -> list[str]:
    """A line per locale, for the run's report."""
    dropped = unproven(proofs, min_gain=min_gain)
    return [
        f"{at}: of what the model wrote for {proof.pictures:,} pictures that it was not taught on, the console has "
        f"{proof.confirmed:.1%} for the picture, {proof.by_chance:.1%} for another one"
        + (f"; what it alone says is dropped ({UNPROVEN}: min_gain is {min_gain:g})" if at in dropped else "")
        for at, proof in sorted(proofs.items())
    ]
