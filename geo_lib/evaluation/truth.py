"""What a right answer is. The only room of the method that sees the truth of the simulated platform."""

from collections.abc import Callable, Iterable

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from geo_lib.evaluation.vlm_quality import Subject
from geo_lib.queries.kinds import CATEGORIES


def meant(held_out: DataFrame, intents: DataFrame, pictures: DataFrame) -> DataFrame:
    """What the simulated platform meant each image to be found by, in the locale of its prompt.

    ``held_out``, which has signature and locale, with ``intents`` (category, intent, paraphrases) and ``is_novel``, of
    those images that it has any of. ``intents`` and ``pictures`` are truth_intents and truth_images.
    """
    novel = pictures.groupBy("signature").agg(F.max("novel_combination").alias("is_novel"))
    wanted = intents.select("signature", "locale", "category", "intent", "paraphrases")
    return (
        held_out.join(wanted, on=["signature", "locale"], how="inner")
        .join(novel, on="signature", how="left")
        .groupBy(*held_out.columns, "is_novel")
        .agg(F.array_sort(F.collect_list(F.struct("category", "intent", "paraphrases"))).alias("intents"))
    )


def retained(held_out: DataFrame, examples: DataFrame) -> DataFrame:
    """The same where there is no truth: the queries that the console retained, each said in one way.

    What an oracle alone thought of is left out, and so is who has nothing else: labels confirm nothing.
    """
    of_oracle = F.coalesce("from_oracle", F.array().cast("array<string>"))
    searched = [F.array_except(category, of_oracle).alias(category) for category in CATEGORIES]
    apart = examples.where("split = 'held_out'").select("signature", "locale", *searched)
    apart = apart.where(" or ".join(f"size({category}) > 0" for category in CATEGORIES))
    intents = F.concat(*[F.transform(category, _said_in_one_way(category)) for category in CATEGORIES])
    return held_out.join(apart, on=["signature", "locale"], how="inner").select(
        *held_out.columns, F.lit(False).alias("is_novel"), intents.alias("intents")
    )


def subjects_of(judged_by: Iterable[Row]) -> list[Subject]:
    """Rows of ``meant`` or ``retained`` as subjects, in their order."""
    return [
        Subject(
            row["signature"],
            row["locale"],
            {c: [tuple(i["paraphrases"]) for i in row["intents"] if i["category"] == c] for c in CATEGORIES},
            is_novel=bool(row["is_novel"]),
        )
        for row in judged_by
    ]


def _said_in_one_way(category: str) -> Callable[[Column], Column]:
    return lambda query: F.struct(
        F.lit(category).alias("category"), query.alias("intent"), F.array(query).alias("paraphrases")
    )
