"""From mined console queries to the conversations that the model is tuned on. Pure: no reads, no writes.

The quotas are the paper's 30/30/40 of 3.1.1 on seven queries: two descriptions, two styles, three use
cases. A category that the console lacks stays empty; nothing fills it from another.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import pandas as pd
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.catalogue.subjects import subjects
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.training.split import split_column
from geo_lib.vlm import prompts
from geo_lib.vlm.budget import PixelBounds, visual_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

QUOTAS: Mapping[str, int] = {"description": 2, "style": 2, "use_case": 3}

NEARLY_ALIKE = 0.5
"""Share of their telling words from which two queries are one wish: "boho balcony style", "boho balcony look"."""


def prompt_column() -> Column:
    """The prompt of a row of ``images``."""
    return prompts.prompt(
        locale=F.col("locale"),
        title=F.col("title"),
        board=F.col("board_title"),
        creator_category=F.col("creator_category"),
    )


def chosen_queries(labelled: DataFrame, *, quotas: Mapping[str, int] = QUOTAS) -> DataFrame:
    """(signature, locale, description, style, use_case): the best queries of each category, best first.

    ``labelled`` has signature, locale, query, rank (1 is best, unique within a signature), category and words (the
    telling ones, as ``same_words_key`` gives them). Queries are taught in lower case. The same words count once,
    under the better rank; so do queries of one category that share ``NEARLY_ALIKE`` of their words: the quota is
    for different wishes, not for ways to say one.
    """
    subject = ("signature", "locale")
    entry = F.struct("rank", "query", F.split("words", " ").alias("words"))
    said_before = Window.partitionBy(*subject, "words").orderBy("rank", "query")
    said_once = (
        labelled.withColumn("query", F.lower(prompts.plain(F.col("query"))))
        .where(F.col("query").isNotNull())
        .withColumn("_said", F.row_number().over(said_before))
        .where("_said = 1")
    )

    def of(category: str, quota: int) -> Column:
        best_first = F.array_sort(F.collect_list(F.when(F.col("category") == category, entry)))
        nothing = F.slice(best_first, 1, 0)
        different = F.aggregate(best_first, nothing, _append_if_different)
        return F.transform(F.slice(different, 1, quota), lambda kept: kept["query"]).alias(category)

    return said_once.groupBy(*subject).agg(*[of(category, quota) for category, quota in quotas.items()])


def _append_if_different(kept: Column, new: Column) -> Column:
    def is_nearly_alike(old: Column) -> Column:
        shared = F.size(F.array_intersect(old["words"], new["words"]))
        return shared >= NEARLY_ALIKE * F.size(F.array_union(old["words"], new["words"]))

    return F.when(F.exists(kept, is_nearly_alike), kept).otherwise(F.array_append(kept, new))


def candidates(
    images: DataFrame, chosen: DataFrame, sizes: DataFrame, *, bounds: PixelBounds, min_queries: int
) -> DataFrame:
    """Every (signature, locale) of ``images`` as an example to be, with ``reason`` where it is none.

    ``sizes`` has signature, width and height. Reasons: ``too_few_queries`` for fewer than ``min_queries``,
    ``aspect_ratio`` for an image that the model cannot take. Token counts of text are not filled in yet.
    """
    # the catalogue's own description would meet the queries of that name
    one_each = subjects(images, "signature", "locale").select(
        "signature", "split_key", "locale", prompt_column().alias("prompt")
    )
    none: Column = F.array().cast("array<string>")
    joined = (
        one_each.join(sizes.select("signature", "width", "height"), on="signature", how="inner")
        .join(chosen, on=["signature", "locale"], how="left")
        .withColumns({category: F.coalesce(category, none) for category in CATEGORIES})
        .withColumn("visual_tokens", visual_tokens(F.col("width"), F.col("height"), bounds))
    )
    has_few = F.size("description") + F.size("style") + F.size("use_case") < min_queries
    reason = F.when(has_few, "too_few_queries").when(F.col("visual_tokens").isNull(), "aspect_ratio")
    return joined.select(
        F.substring(F.sha2(F.concat_ws("\n", "signature", "locale"), 256), 1, 32).alias("example_id"),
        "signature",
        "split_key",
        split_column(F.col("split_key")).alias("split"),
        "locale",
        F.lit(prompts.PROMPT_VERSION).alias("prompt_version"),
        "prompt",
        prompts.response_column().alias("response"),
        *CATEGORIES,
        "visual_tokens",
        reason.alias("reason"),
    )


def with_token_counts(examples: DataFrame, *, processor_path: str) -> DataFrame:
    """Add text_tokens and response_tokens, counted by the tokenizer and the chat template that training uses."""
    schema = f"{_ddl(examples)}, text_tokens int, response_tokens int"

    def count(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        tokenizer = load_tokenizer(processor_path)
        for batch in batches:
            texts = [text_tokens(tokenizer, prompt) for prompt in batch["prompt"]]
            answers = [response_tokens(tokenizer, answer) for answer in batch["response"]]
            yield batch.assign(
                text_tokens=pd.Series(texts, batch.index, "int32"),
                response_tokens=pd.Series(answers, batch.index, "int32"),
            )

    return examples.mapInPandas(count, schema)


def within_budget(examples: DataFrame, *, max_sequence_tokens: int) -> DataFrame:
    """Give the reason ``too_long`` to what does not fit. Nothing is truncated."""
    total = F.col("visual_tokens") + F.col("text_tokens") + F.col("response_tokens")
    too_long = F.when(total > max_sequence_tokens, "too_long")
    return examples.withColumn("reason", F.coalesce("reason", too_long))


def text_tokens(tokenizer: "PreTrainedTokenizerBase", prompt: str) -> int:
    """Tokens of the chat up to where the answer begins, the image's own tokens not among them."""
    return len(tokenizer(chat(tokenizer, prompt), add_special_tokens=False)["input_ids"]) - 1


def response_tokens(tokenizer: "PreTrainedTokenizerBase", response: str) -> int:
    """Tokens of the answer with its end of turn."""
    return len(tokenizer(response + str(tokenizer.eos_token), add_special_tokens=False)["input_ids"])


def chat(tokenizer: "PreTrainedTokenizerBase", prompt: str) -> str:
    """The conversation in the model's own template, up to where the answer begins; one image placeholder."""
    text = tokenizer.apply_chat_template(prompts.conversation(prompt), tokenize=False, add_generation_prompt=True)
    return str(text)


@lru_cache(maxsize=2)
def load_tokenizer(path: str) -> "PreTrainedTokenizerBase":
    from transformers import AutoTokenizer

    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(path)
    return tokenizer


def _ddl(df: DataFrame) -> str:
    return ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in df.schema)
