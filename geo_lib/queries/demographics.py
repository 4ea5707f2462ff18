"""Which people a query speaks of, by gender, age, origin and the like, and what gives reason to say so. Pure.

A model that looks at a picture guesses who is in it. Whom the picture is of or for is told by its own words and by
those who search; a guess that neither supports is dropped.
"""

from collections.abc import Iterator

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.queries.checks.lexicon import HARMLESS, lexicon_of
from geo_lib.queries.proposals import CONSOLE, VLM
from geo_lib.queries.text import normalise

UNSUPPORTED = "unsupported_demographic"
SEEN = ("age", "family", "gender")
"""Groups of attributes that searches for any picture support: who searches for a "rug for kids" says what it is for. Of
all others, such as origin, faith or body, it takes what is said of the picture itself."""


def demographics(text: str, *, locale: str) -> list[str]:
    """``group:attribute`` of all that a normalised text says of people, sorted; empty for a language without a list."""
    words = text.replace("'", "").split()  # the lists have mothers day
    kinds = {finding.kind for finding in lexicon_of("demographics", locale).findings(words)}
    return sorted(kinds - {HARMLESS})


def said_of_pictures(images: DataFrame) -> DataFrame:
    """``signature, locale, said``: the attributes that the catalogue's words name, where they name any."""

    def read_out(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            texts = zip(batch["text"], batch["locale"], strict=True)
            said = [demographics(normalise(text, locale=locale), locale=locale) for text, locale in texts]
            yield batch[["signature", "locale"]].assign(said=pd.Series(said, batch.index, dtype=object))

    text = F.explode(F.array("title", "description", "board_title")).alias("text")
    texts = images.select("signature", "locale", text).where("text is not null").distinct()
    told = texts.mapInPandas(read_out, "signature string, locale string, said array<string>").where("size(said) > 0")
    return told.groupBy("signature", "locale").agg(F.array_distinct(F.flatten(F.collect_list("said"))).alias("said"))


def unsupported() -> Column:
    """``UNSUPPORTED`` for a model's proposal with an attribute that nothing gives reason for, else null.

    Of rows with signature, locale, source, words, ``demographics`` and ``said`` (``said_of_pictures``), all proposals
    together: reason are the picture's own words, what the console has for it, and for ``SEEN`` the same words from the
    console for any picture of the locale.
    """
    is_console = F.col("source") == CONSOLE
    own = F.collect_set(F.when(is_console, F.col("demographics"))).over(Window.partitionBy("signature", "locale"))
    none = F.array().cast("array<string>")
    supported = F.concat(F.flatten(own), F.coalesce("said", none))
    guessed = F.array_except(F.coalesce("demographics", none), supported)
    is_wanted = F.max(is_console).over(Window.partitionBy("locale", "words"))
    is_private = F.exists(guessed, lambda attribute: ~F.split_part(attribute, F.lit(":"), F.lit(1)).isin(*SEEN))
    return F.when((F.col("source") == VLM) & (is_private | ((F.size(guessed) > 0) & ~is_wanted)), UNSUPPORTED)
