"""What a right answer is. The only room of the method that sees the truth of the simulated platform."""

from collections.abc import Sequence

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from geo_lib.evaluation.vlm_quality import Subject
from geo_lib.queries.kinds import CATEGORIES


def meant(held_out: DataFrame, intents: DataFrame, pictures: DataFrame) -> list[Subject]:
    """What the simulated platform meant each image to be found by, in the locale of its prompt.

    ``held_out`` has signature and locale; ``intents`` and ``pictures`` are truth_intents and truth_images.
    """
    novel = pictures.groupBy("signature").agg(F.max("novel_combination").alias("is_novel"))
    wanted = intents.select("signature", "locale", "category", "intent", "paraphrases")
    rows = (
        held_out.join(wanted, on=["signature", "locale"], how="inner")
        .join(novel, on="signature", how="left")
        .groupBy("signature", "locale", "is_novel")
        .agg(F.array_sort(F.collect_list(F.struct("category", "intent", "paraphrases"))).alias("intents"))
        .collect()
    )
    return [
        Subject(r["signature"], r["locale"], _by_category(r["intents"]), is_novel=bool(r["is_novel"])) for r in rows
    ]


def retained(held_out: DataFrame, examples: DataFrame) -> list[Subject]:
    """Where there is no truth: the queries that the console retained for held-out images, each said in one way."""
    apart = examples.where("split = 'held_out'")
    rows = apart.join(held_out, on=["signature", "locale"], how="left_semi").collect()
    return [Subject(r["signature"], r["locale"], {c: [(q,) for q in r[c]] for c in CATEGORIES}) for r in rows]


def _by_category(intents: Sequence[Row]) -> dict[str, list[Sequence[str]]]:
    return {c: [tuple(i["paraphrases"]) for i in intents if i["category"] == c] for c in CATEGORIES}
