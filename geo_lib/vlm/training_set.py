"""From what was searched and what an oracle thought of to the conversations that the model is tuned on. Pure.

At most seven queries a picture: two descriptions, two styles, three use cases (3.1.1). A category that is lacking stays
short; nothing fills it from another, and nothing is said twice.
"""

from collections.abc import Iterator, Mapping

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.catalogue.subjects import subjects
from geo_lib.queries.kinds import CATEGORIES, QUOTAS
from geo_lib.queries.repetition import without_repetition
from geo_lib.serving.chat import load_tokenizer, response_tokens, text_tokens
from geo_lib.serving.visual_tokens import PixelBounds, visual_tokens
from geo_lib.training.split import HeldOut, split_column
from geo_lib.vlm import prompts
from geo_lib.vlm.sampling import stratified
from schemas.training_examples import TRAINING_EXAMPLES

TOO_LONG, TOO_FEW, OVER_MOST = "too_long", "too_few_queries", "over_most_examples"

CONSOLE, ORACLE = "console", "oracle"
"""Where a query comes from. In this order: what was searched comes before what an oracle thought of."""


def proposed(images: DataFrame, mined: DataFrame, labelled: DataFrame) -> DataFrame:
    """(signature, locale, query, source, rank): what may be taught of every (signature, locale) of ``images``.

    ``mined``: signature, query, rank, for all locales of its picture. ``labelled``: signature, locale, query, position;
    a query that several models gave stands where it is placed best.
    """
    subject = images.select("signature", "locale").distinct()
    searched = mined.select("signature", "query", F.lit(CONSOLE).alias("source"), "rank")
    thought_of = labelled.groupBy("signature", "locale", "query").agg(F.min("position").alias("rank"))
    return subject.join(searched, on="signature", how="inner").unionByName(
        subject.join(thought_of.withColumn("source", F.lit(ORACLE)), on=["signature", "locale"], how="inner")
    )


def chosen_queries(labelled: DataFrame, *, quotas: Mapping[str, int] = QUOTAS) -> DataFrame:
    """(signature, locale, description, style, use_case, from_oracle): the best queries of each category, best first,
    and those among them that no console row retained.

    ``labelled`` has signature, locale, query, source, rank (1 is best), category and words (the telling ones, as
    ``same_words_key`` gives them). Queries are taught in lower case. The same words count once, under the better
    source and rank; so do queries of one category that are nearly alike: the quota is for different wishes, not for
    ways to say one.
    """
    subject = ("signature", "locale")
    candidate = F.struct("source", "rank", "query", F.split("words", " ").alias("words"))
    by_rank_among_the_same_words = Window.partitionBy(*subject, "words").orderBy("source", "rank", "query")
    said_once = (
        labelled.withColumn("query", F.lower(prompts.plain(F.col("query"))))
        .where(F.col("query").isNotNull())
        .withColumn("_said", F.row_number().over(by_rank_among_the_same_words))
        .where("_said = 1")
    )

    def best_of(category: str, quota: int) -> Column:
        # an array of structs sorts by its first fields: the candidates of this category by source and rank
        best_first = F.array_sort(F.collect_list(F.when(F.col("category") == category, candidate)))
        different = F.slice(without_repetition(best_first), 1, quota)
        return F.transform(different, lambda chosen: chosen["query"]).alias(category)

    of_oracle = F.array_sort(F.collect_list(F.when(F.col("source") == ORACLE, F.col("query")))).alias("_of_oracle")
    best = said_once.groupBy(*subject).agg(*[best_of(c, quota) for c, quota in quotas.items()], of_oracle)
    return best.withColumn("from_oracle", F.array_intersect("_of_oracle", F.concat(*quotas))).drop("_of_oracle")


def candidates(
    images: DataFrame,
    chosen: DataFrame,
    sizes: DataFrame,
    *,
    bounds: PixelBounds,
    min_queries: int,
    held_out: HeldOut,
) -> DataFrame:
    """Every (signature, locale) of ``images`` as an example to be, with ``reason`` where it is none.

    ``sizes`` has signature, width and height. Reasons: ``too_few_queries`` for fewer than ``min_queries``,
    ``aspect_ratio`` for an image that the model cannot take. Its answer and token counts of text are not there yet.
    """
    # the catalogue's own description would meet the queries of that name
    one_each = subjects(images, "signature", "locale").select(
        "signature", "split_key", "locale", prompts.prompt_column().alias("prompt")
    )
    none: Column = F.array().cast("array<string>")
    joined = (
        one_each.join(sizes.select("signature", "width", "height"), on="signature", how="inner")
        .join(chosen, on=["signature", "locale"], how="left")
        .withColumns({column: F.coalesce(column, none) for column in (*CATEGORIES, "from_oracle")})
        .withColumn("visual_tokens", visual_tokens(F.col("width"), F.col("height"), bounds))
    )
    has_few = F.size("description") + F.size("style") + F.size("use_case") < min_queries
    reason = F.when(has_few, TOO_FEW).when(F.col("visual_tokens").isNull(), "aspect_ratio")
    return joined.select(
        F.substring(F.sha2(F.concat("signature", F.lit("\n"), "locale"), 256), 1, 32).alias("example_id"),
        "signature",
        "split_key",
        split_column(F.col("split_key"), held_out).alias("split"),
        "locale",
        F.lit(prompts.PROMPT_VERSION).alias("prompt_version"),
        "prompt",
        *CATEGORIES,
        "from_oracle",
        "visual_tokens",
        reason.alias("reason"),
    )


def sampled(examples: DataFrame, *, most: int, fewest: int) -> DataFrame:
    """At most ``most`` of the examples, ``stratified``, with their answers; the others have the reason ``over_most``.

    The first in an order by hash: a larger number adds to a smaller one.
    """
    possible = examples.where("reason is null")
    order = F.sha2(F.concat_ws("\n", F.lit("example"), "example_id"), 256)
    first = possible.select("example_id", order.alias("_order")).orderBy("_order").limit(most).select("example_id")
    taken = stratified(possible.join(first, on="example_id", how="left_semi"), fewest=fewest)
    over = possible.join(first, on="example_id", how="left_anti").withColumn("reason", F.lit(OVER_MOST))
    others = over.unionByName(examples.where("reason is not null"))
    kept = F.array_intersect("from_oracle", F.concat(*CATEGORIES))
    return taken.unionByName(others).withColumns({"from_oracle": kept, "response": prompts.response_column()})


def with_token_counts(examples: DataFrame, *, processor_path: str) -> DataFrame:
    """Add text_tokens and response_tokens, counted by the tokenizer and the chat template that training uses; null for
    those that have a reason already to be no example."""
    schema = f"{_ddl(examples)}, text_tokens int, response_tokens int"

    def count(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        tokenizer = load_tokenizer(processor_path)
        for batch in batches:
            possible = batch[batch["reason"].isna()]
            counted = {
                "text_tokens": [text_tokens(tokenizer, prompt) for prompt in possible["prompt"]],
                "response_tokens": [response_tokens(tokenizer, answer) for answer in possible["response"]],
            }
            # the others' counts are null
            yield batch.assign(**{name: pd.Series(n, possible.index, "Int32") for name, n in counted.items()})

    return examples.mapInPandas(count, schema)


def within_budget(examples: DataFrame, *, max_sequence_tokens: int) -> DataFrame:
    """Give the reason ``too_long`` to what does not fit. Nothing is truncated."""
    total = F.col("visual_tokens") + F.col("text_tokens") + F.col("response_tokens")
    too_long = F.when(total > max_sequence_tokens, TOO_LONG)
    return examples.withColumn("reason", F.coalesce("reason", too_long))


def stored(examples: DataFrame) -> DataFrame:
    """The content of ``training_examples``: those without a reason, and with theirs those that are only too long."""
    is_stored = F.col("reason").isNull() | (F.col("reason") == TOO_LONG)
    return examples.where(is_stored).withColumnRenamed("reason", "dropped").select(*TRAINING_EXAMPLES.schema.names)


def taught(examples: DataFrame) -> DataFrame:
    """The rows of ``training_examples`` that a model is tuned on or measured by: all but what is too long."""
    return examples.where(F.col("dropped").isNull())


def _ddl(df: DataFrame) -> str:
    return ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in df.schema)
