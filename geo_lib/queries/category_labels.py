"""What an oracle says that queries are: each text once, and of every category some phrasings held out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.catalogue.subjects import subjects
from geo_lib.embeddings.encoder import TextEncoder
from geo_lib.locales import language_of
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.queries.phrasings import phrasings
from geo_lib.queries.text import normalise
from geo_lib.training.linear import Rows, majority
from geo_lib.training.split import HeldOut, Split, split_column

HELD_OUT_SHARE = 0.2
_STAY = 2
"""Phrasings of a category in a language that are trained on before any is held out."""
_LARGEST_SHARE = 0.5
"""Of a category's texts in a language: a phrasing of more stays, or little would be left to learn the category from."""

BLANK, OUTVOTED, TIED = "blank", "outvoted", "tied"
HELD_OUT_PICTURE, NO_IMAGE = "held_out_picture", "no_image"


@dataclass(frozen=True, slots=True)
class Label:
    """What one normalised text of a locale is, said ``votes`` times."""

    locale: str
    text: str
    category: str
    votes: int
    phrasing: str
    split: Split


def with_reasons(queries: DataFrame, images: DataFrame, *, held_out: HeldOut) -> DataFrame:
    """The rows of ``oracle_queries`` with ``reason``, null for what may teach: ``held_out_picture`` of a picture that
    is held out from all training, ``no_image`` where the catalogue has it no more."""
    split = split_column(F.col("split_key"), held_out).alias("_split")
    split_of = subjects(images, "signature").select("signature", split)
    reason = F.when(F.col("_split").isNull(), NO_IMAGE).when(F.col("_split") == "held_out", HELD_OUT_PICTURE)
    return queries.join(split_of, on="signature", how="left").withColumn("reason", reason).drop("_split")


def texts_of(queries: DataFrame, *, most: int) -> DataFrame:
    """(locale, query, said): every text with its categories and how often it was called each, as an array of structs;
    of more than ``most`` the first in an order by hash, so that a larger number adds to a smaller one."""
    counted = queries.groupBy("locale", "query", "category").agg(F.count("*").alias("times"))
    texts = counted.groupBy("locale", "query").agg(F.collect_list(F.struct("category", "times")).alias("said"))
    order = F.sha2(F.concat_ws("\n", "locale", "query"), 256)
    return texts.withColumn("_order", order).orderBy("_order", "locale", "query").limit(most).drop("_order")


def labels_of(said: Iterable[tuple[str, str, str, int]]) -> tuple[list[Label], dict[str, int]]:
    """The labels of (locale, raw query, category, times it was said), by locale and text, and why others are none.

    A text is what most say it is. The reasons count how often a thing was said: ``blank`` where nothing is left of the
    text, ``outvoted`` where more said otherwise, ``tied`` where nobody has most.
    """
    dropped: Counter[str] = Counter()
    votes: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for locale, query, category, times in said:
        if text := normalise(query, locale=locale):
            votes[locale, text][category] += times
        else:
            dropped[BLANK] += times
    chosen: dict[tuple[str, str], tuple[str, int]] = {}
    for subject, counted in sorted(votes.items()):
        most = max(counted.values())
        winners = [category for category in CATEGORIES if counted[category] == most]
        if len(winners) == 1:
            chosen[subject] = (winners[0], most)
            dropped[OUTVOTED] += counted.total() - most
        else:
            dropped[TIED] += counted.total()
    phrased = phrasings(list(chosen))
    held_out = _held_out(
        [(locale, category, p) for ((locale, _), (category, _)), p in zip(chosen.items(), phrased, strict=True)]
    )
    labels = [
        Label(locale, text, category, n, phrasing, "held_out" if phrasing in held_out else "train")
        for ((locale, text), (category, n)), phrasing in zip(chosen.items(), phrased, strict=True)
    ]
    return labels, {reason: n for reason, n in dropped.items() if n}


def of_split(labels: Sequence[Label], split: Split) -> list[Label]:
    return [label for label in labels if label.split == split]


def rows_of(labels: Sequence[Label], encoder: TextEncoder) -> Rows:
    """What a head learns from these, or is measured by."""
    return Rows(
        encoder.encode([label.text for label in labels]),
        labels=[label.category for label in labels],
        groups=[label.phrasing for label in labels],
        segments=[language_of(label.locale) for label in labels],
    )


def _held_out(said: Sequence[tuple[str, str, str]]) -> frozenset[str]:
    """Of (locale, category, phrasing): a fifth of every category's phrasings in every language, by hash, but none that
    more than half of its texts have.

    A phrasing of two categories is one of that which most of its texts have.
    """
    groups = [(language_of(locale), phrasing) for locale, _, phrasing in said]
    texts = Counter(groups)
    phrasings_of: defaultdict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for (language, phrasing), category in majority([category for _, category, _ in said], groups).items():
        phrasings_of[language, category][phrasing] = texts[language, phrasing]
    chosen: list[str] = []
    for mine in phrasings_of.values():
        small = [phrasing for phrasing, n in mine.items() if n <= _LARGEST_SHARE * sum(mine.values())]
        in_order = sorted(small, key=lambda p: sha256(f"split:{p}".encode()).hexdigest())
        chosen += in_order[: min(max(1, round(HELD_OUT_SHARE * len(mine))), max(0, len(mine) - _STAY))]
    return frozenset(chosen)
