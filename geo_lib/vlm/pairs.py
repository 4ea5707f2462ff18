"""From search performance to pairs of answers, of which one is to be preferred (paper, 5). Pure.

Both answers are whole and of one shape, as many queries in each category: what differs is what was searched, not how an
answer looks. Retained by Eq. 1 stands above shown and never clicked, for one picture.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.queries.kinds import CATEGORIES
from geo_lib.vlm import prompts
from geo_lib.vlm.training_set import with_token_counts, within_budget
from schemas.preference_pairs import PREFERENCE_PAIRS

NOTHING_IGNORED, OVER_PAIRS = "nothing_ignored", "over_pairs"


def shown(examples: DataFrame, performance: DataFrame, *, min_impressions: int) -> DataFrame:
    """(example_id, locale, query, impressions, is_ignored): what the picture of each example was searched by and shown
    for: the queries that Eq. 1 retains, and those shown ``min_impressions`` times or more and never clicked.

    Between the two lies what nobody can say: shown seldom, or clicked now and then.
    """
    is_retained = F.col("retained_by").isNotNull()
    is_ignored = ~is_retained & (F.col("clicks") == 0) & (F.col("impressions") >= min_impressions)
    told = performance.where(is_retained | is_ignored)
    return (
        examples.select("example_id", "signature", "locale")
        .join(
            told.select(
                "signature",
                F.lower(prompts.plain(F.col("query"))).alias("query"),
                "impressions",
                is_ignored.alias("is_ignored"),
            ),
            on="signature",
            how="inner",
        )
        .where("query is not null")
        .drop("signature")
    )


def texts(examples: DataFrame, said: DataFrame) -> DataFrame:
    """(locale, raw): every text that is to be judged: the queries of the examples, and those that were ``shown``."""
    taught = examples.select("locale", F.explode(F.concat(*CATEGORIES)).alias("raw"))
    return taught.unionByName(said.select("locale", F.col("query").alias("raw"))).distinct()


def replacements(examples: DataFrame, said: DataFrame, fit: DataFrame) -> DataFrame:
    """(example_id, and per category an array): ignored queries, the most shown first, each in other words than all that
    is taught or retained of the picture, and than the others.

    ``said``: as ``shown`` has it. ``fit``: locale, query, words and category of every query that may be taught.
    """
    taught = examples.select("example_id", "locale", F.explode(F.concat(*CATEGORIES)).alias("query"))
    good = taught.unionByName(said.where("not is_ignored").select(*taught.columns))
    good_words = good.join(fit, on=["locale", "query"], how="inner").select("example_id", "words").distinct()
    most_shown = Window.partitionBy("example_id", "words").orderBy(F.desc("impressions"), "query")
    bad = (
        said.where("is_ignored")
        .join(fit, on=["locale", "query"], how="inner")
        .join(good_words, on=["example_id", "words"], how="left_anti")
        .withColumn("_place", F.row_number().over(most_shown))
        .where("_place = 1")
    )
    by_impressions = F.struct((-F.col("impressions")).alias("shown"), "query")

    def of(category: str) -> Column:
        first = F.array_sort(F.collect_list(F.when(F.col("category") == category, by_impressions)))
        return F.transform(first, lambda one: one["query"]).alias(_ignored(category))

    return bad.groupBy("example_id").agg(*[of(category) for category in CATEGORIES])


def pairs(examples: DataFrame, replacing: DataFrame, *, most: int) -> DataFrame:
    """Every example with both answers, and ``reason`` where there is no second one, or ``most`` are there before it.

    In each category the last retained queries of the answer give way to as many ignored ones as there are. What an
    oracle alone has is in both answers: nobody knows whether it would be clicked. The first by hash, so that a larger
    number adds to a smaller one.
    """
    none = F.array().cast("array<string>")
    joined = examples.join(replacing, on="example_id", how="left").withColumns(
        {_ignored(c): F.coalesce(_ignored(c), none) for c in CATEGORIES}
        | {"from_oracle": F.coalesce("from_oracle", none)}
    )
    given_up = {category: _last_retained(category) for category in CATEGORIES}
    put = {c: F.slice(_ignored(c), 1, F.size(given_up[c])) for c in CATEGORIES}
    rejected = {c: _with(F.col(c), given_up[c], put[c]) for c in CATEGORIES}
    both = joined.select(
        "example_id", "signature", "locale", "split", "prompt", "visual_tokens",
        F.col("response").alias("chosen"),
        F.to_json(F.struct(*[rejected[c].alias(c) for c in CATEGORIES])).alias("rejected"),
        F.concat(*given_up.values()).alias("retained"),
        F.concat(*put.values()).alias("ignored"),
        "dropped",
    )  # fmt: skip
    has_none = F.when(F.size("ignored") == 0, NOTHING_IGNORED)
    reasoned = both.withColumn("reason", F.coalesce("dropped", has_none)).drop("dropped")
    by_hash = Window.partitionBy(F.col("reason").isNull()).orderBy(
        F.sha2(F.concat_ws("\n", F.lit("pair"), "example_id"), 256)
    )
    over = F.when(F.row_number().over(by_hash) > most, OVER_PAIRS)
    return reasoned.withColumn("reason", F.coalesce("reason", over))


def within_tokens(both: DataFrame, *, processor_path: str, max_sequence_tokens: int) -> DataFrame:
    """Give the reason ``too_long`` to pairs whose second answer does not fit; the first was counted before."""
    counted = with_token_counts(both.withColumn("response", F.col("rejected")), processor_path=processor_path)
    return within_budget(counted, max_sequence_tokens=max_sequence_tokens)


def stored(both: DataFrame) -> DataFrame:
    """The content of ``preference_pairs``: those without a reason."""
    return both.where("reason is null").select(*PREFERENCE_PAIRS.schema.names)


def _ignored(category: str) -> str:
    return f"_ignored_{category}"


def _last_retained(category: str) -> Column:
    """The last queries of a category that the console retained, as many as there are ignored ones to replace them."""
    retained = F.array_except(category, "from_oracle")
    number = F.least(F.size(retained), F.size(_ignored(category)))
    return F.slice(retained, F.size(retained) - number + 1, number)


def _with(queries: Column, given_up: Column, put: Column) -> Column:
    """The queries in their order, with those of ``put`` in the places of ``given_up``."""
    instead = F.map_from_arrays(given_up, put)
    return F.transform(queries, lambda query: F.coalesce(F.try_element_at(instead, query), query))
