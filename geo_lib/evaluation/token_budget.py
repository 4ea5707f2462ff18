"""What examples cost in tokens, and what the limit on them costs: by category of query, by locale and by both.

An example over the limit is dropped whole, never cut: a cut answer is no JSON, and a cut image is no image. Its picture
could be shown smaller instead; here stands how many examples that would save, and how small they would have to be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from geo_lib.evaluation.intervals import DECIMALS, Estimate
from geo_lib.evaluation.rows import OVERALL, Measured, evaluation_rows
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.serving.visual_tokens import PixelBounds, visual_tokens

EVALUATION = "token_budget"
VISUAL, PROMPT, RESPONSE, WHOLE = "visual", "prompt", "response", "whole"
PARTS = (VISUAL, PROMPT, RESPONSE, WHOLE)
_FIGURES = ("tokens_p50", "tokens_p99", "tokens_max")


@dataclass(frozen=True, slots=True)
class Budget:
    """The tokens of some examples, and those of them that are too long."""

    segment: str
    """overall, a category (the examples that have a query of it), locale:<code>, or locale:<code>/<category>."""
    examples: int
    queries: int
    """Of the category; overall and by locale of all three."""
    too_long: int
    queries_too_long: int
    saved: int
    """Of the examples that are too long, how many would fit with a smaller picture."""
    tokens: Mapping[str, tuple[float, float, float]]
    """By part: median, 99th percentile, most."""


def priced(examples: DataFrame, sizes: DataFrame, *, bounds: PixelBounds, limit: int) -> DataFrame:
    """``example_id, locale``, the queries by category, tokens by part, ``is_too_long`` and ``fits_at`` of each example.

    ``sizes`` has signature, width and height. ``fits_at`` is the ``max_pixels`` that makes a too long example fit; null
    where it fits as it is, and where nothing helps: the words alone are too many, or too many for the smallest picture.
    """
    words = F.col("text_tokens") + F.col("response_tokens")
    whole = F.col("visual_tokens") + words
    left = (F.lit(limit) - words) * bounds.factor**2
    smaller = visual_tokens(
        F.col("width"), F.col("height"), bounds, max_pixels=F.greatest(left, F.lit(bounds.min_pixels))
    )
    # a strip one token wide may have more tokens than its pixels say
    is_saved = (whole > limit) & (left >= bounds.min_pixels) & (smaller + words <= limit)
    return examples.join(sizes, on="signature", how="left").select(
        "example_id",
        "locale",
        *CATEGORIES,
        F.col("visual_tokens").alias(VISUAL),
        F.col("text_tokens").alias(PROMPT),
        F.col("response_tokens").alias(RESPONSE),
        whole.alias(WHOLE),
        (whole > limit).alias("is_too_long"),
        F.when(is_saved, left).alias("fits_at"),
    )


def budgets(priced_examples: DataFrame) -> list[Budget]:
    """The budget of every segment that has an example: overall first, then categories, then locales."""
    queries = {OVERALL: sum((F.size(c) for c in CATEGORIES), F.lit(0))} | {c: F.size(c) for c in CATEGORIES}
    faces = [F.struct(F.lit(category).alias("category"), n.alias("queries")) for category, n in queries.items()]
    rows = (
        priced_examples.withColumn("face", F.explode(F.array(*faces)))
        .withColumns({"category": F.col("face.category"), "queries": F.col("face.queries")})
        .where((F.col("category") == OVERALL) | (F.col("queries") > 0))
        .withColumn("place", F.explode(F.array(F.lit(None).cast("string"), F.col("locale"))))
        .groupBy("place", "category")
        .agg(
            F.count("*").alias("examples"),
            F.sum("queries").alias("queries"),
            F.count_if("is_too_long").alias("too_long"),
            F.sum(F.when(F.col("is_too_long"), F.col("queries")).otherwise(F.lit(0))).alias("queries_too_long"),
            F.count("fits_at").alias("saved"),
            *[_figures(part) for part in PARTS],
        )
        .collect()
    )
    return sorted(map(_budget, rows), key=lambda b: (b.segment != OVERALL, b.segment not in CATEGORIES, b.segment))


def budget_rows(found: Sequence[Budget]) -> list[tuple[Any, ...]]:
    """The rows of ``evaluations``: tokens of every part, and what is too long as shares of the whole."""
    rows = []
    for b in found:
        for part, figures in b.tokens.items():
            for metric, value in zip(_FIGURES, figures, strict=True):
                rows += _row(b, part, metric, value, b.examples, "examples")
        rows += _row(b, WHOLE, "too_long", b.too_long / b.examples, b.examples, "examples")
        if b.queries:
            rows += _row(b, WHOLE, "queries_lost", b.queries_too_long / b.queries, b.queries, "queries")
        if b.too_long:
            rows += _row(b, WHOLE, "saved_by_a_smaller_picture", b.saved / b.too_long, b.too_long, "examples")
    return rows


def budget_lines(found: Sequence[Budget]) -> list[str]:
    """A line per segment: p50/p99/most of every part, and how many are too long, could be saved, and lose what."""
    parts = "".join(f"{part:>16}" for part in PARTS)
    lines = [f"{'':22}{'examples':>9}{parts}{'too long':>10}{'savable':>9}{'queries lost':>22}"]
    for b in found:
        cells = "".join(f"{'/'.join(f'{figure:,.0f}' for figure in b.tokens[part]):>16}" for part in PARTS)
        lost = f"{b.queries_too_long:,} of {b.queries:,}, {b.queries_too_long / max(b.queries, 1):.1%}"
        lines.append(f"{b.segment:22}{b.examples:>9,}{cells}{b.too_long:>10,}{b.saved:>9,}{lost:>22}")
    return lines


def _figures(part: str) -> Column:
    quantiles = F.percentile(part, [0.5, 0.99])
    return F.struct(*[quantiles[0], quantiles[1], F.max(part).cast("double")]).alias(part)


def _budget(row: Row) -> Budget:
    category, place = row["category"], row["place"]
    of_place = f"locale:{place}" + ("" if category == OVERALL else f"/{category}")
    segment = category if place is None else of_place
    counts = ("examples", "queries", "too_long", "queries_too_long", "saved")
    return Budget(segment, **{n: int(row[n]) for n in counts}, tokens={part: tuple(row[part]) for part in PARTS})


def _row(budget: Budget, arm: str, metric: str, value: float, n: int, unit: str) -> list[tuple[Any, ...]]:
    measured = Measured(arm, budget.segment, Estimate(round(value, DECIMALS), None, None, n))
    return evaluation_rows(EVALUATION, [measured], metric=metric, unit=unit, versions={})
