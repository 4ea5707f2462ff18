"""Everything that is proposed as a query of an image: what the model wrote, and what the console has seen. Pure."""

from collections.abc import Iterator

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.catalogue.subjects import subjects
from geo_lib.queries.confidence import confidence
from geo_lib.queries.parse import parse

VLM = "vlm"
CONSOLE = "console"

_PROPOSED = (
    "signature string, locale string, source string, model_version string, position int, query string, "
    "category string, problem string, failed boolean, confidence double"
)


def locale_of_signatures(images: DataFrame) -> DataFrame:
    """(signature, locale): the language in which a signature's queries are judged."""
    return subjects(images, "signature").select("signature", "locale")


def model_proposals(answered: DataFrame, images: DataFrame) -> DataFrame:
    """A row per query that the model wrote, and per part of an answer that is none, with its ``problem``.

    An answer that never came is one row: its problem is the generation's error class, and ``failed`` is true.
    """
    located = answered.join(locale_of_signatures(images), on="signature", how="inner")
    columns = located.select(
        *("signature", "locale", "model_version", "text", "error_class", "token_ends", "token_logprobs")
    )
    return columns.mapInPandas(_parsed, _PROPOSED)


def console_proposals(mined: DataFrame, images: DataFrame) -> DataFrame:
    """A row per mined query of an image, in the order of its rank."""
    located = mined.join(locale_of_signatures(images), on="signature", how="inner")
    return located.select(
        "signature",
        "locale",
        F.lit(CONSOLE).alias("source"),
        F.lit(CONSOLE).alias("model_version"),
        F.col("rank").cast("int").alias("position"),
        "query",
        F.lit(None).cast("string").alias("category"),
        F.lit(None).cast("string").alias("problem"),
        F.lit(False).alias("failed"),
        F.lit(None).cast("double").alias("confidence"),
    )


def _parsed(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    names = [column.split()[0] for column in _PROPOSED.split(", ")]
    for batch in batches:
        rows: list[tuple[object, ...]] = []
        tokens = zip(batch["token_ends"], batch["token_logprobs"], strict=True)
        for answer, (ends, logprobs) in zip(batch.itertuples(), tokens, strict=True):
            whose = (answer.signature, answer.locale, VLM, answer.model_version)
            if answer.text is None:
                rows.append((*whose, 1, "", None, answer.error_class, True, None))
                continue
            rows += [
                (
                    *whose,
                    place,
                    found.query,
                    found.category,
                    found.reason,
                    False,
                    confidence(found.span, ends, logprobs),
                )
                for place, found in enumerate(parse(str(answer.text)), start=1)
            ]
        yield pd.DataFrame(rows, columns=names)
