"""Bring a table of embeddings up to date: encode over partitions what is new or changed, keep the rest."""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.counts import Counts
from geo_lib.embeddings.family import Family

_CONTENT = ("id", "family", "model_version", "locale", "input_hash", "embedding")


def refreshed(
    tables: Mapping[str, DataFrame], stored: DataFrame, families: Sequence[Family], *, entity: str, tasks: int
) -> DataFrame:
    """The content of an embeddings table, a row per entity and family, with ``reason`` and ``is_fresh``.

    ``tables``: by name, whatever the families gather their inputs from. ``stored``: the table as it is; a vector whose
    id, family, model and input_hash agree stays to the last bit. That spares the model, and it makes a rerun exact:
    batches cut elsewhere change the last bits of a fresh vector. ``reason``: why there is no vector, null where there
    is one.
    """
    return reduce(DataFrame.unionByName, [_of_family(tables, stored, f, entity=entity, tasks=tasks) for f in families])


def embeddings(refreshed_rows: DataFrame) -> DataFrame:
    """Of ``refreshed``, the rows of the table."""
    return refreshed_rows.where("reason is null").select(*_CONTENT)


def counts_of(refreshed_rows: DataFrame, *, rows_in: int) -> Counts:
    """What became of each entity, once per family, in one pass; ``encoded``: those that the model had to see."""
    n = (F.count("*").alias("n"), F.count_if("is_fresh").alias("fresh"))
    fates = refreshed_rows.groupBy("reason").agg(*n).collect()
    return Counts(
        rows_in=rows_in,
        kept=sum(fate["n"] for fate in fates if fate["reason"] is None),
        dropped={fate["reason"]: fate["n"] for fate in fates if fate["reason"] is not None},
        produced={"encoded": sum(fate["fresh"] for fate in fates)},
    )


def _of_family(
    tables: Mapping[str, DataFrame], stored: DataFrame, family: Family, *, entity: str, tasks: int
) -> DataFrame:
    encoder = family.encoders[entity]
    of_model = (F.col("family") == family.name) & (F.col("model_version") == encoder.model_version)
    earlier = stored.where(of_model).select("id", "input_hash", "embedding")
    wanted = encoder.gathered(tables).join(earlier, on=["id", "input_hash"], how="left")
    needs_none = F.col("embedding").isNotNull() | F.col("reason").isNotNull()

    def encode(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            if len(batch):
                vectors = encoder.load().encode(batch[list(encoder.inputs)])
                yield batch[["id", "locale", "input_hash"]].assign(embedding=list(vectors))

    # each task loads the model once, so there are as many as asked for and no more
    fresh = wanted.where(~needs_none).select("id", "locale", "input_hash", *encoder.inputs).repartition(tasks, "id")
    fresh = fresh.mapInPandas(encode, "id string, locale string, input_hash string, embedding array<float>")
    kept = wanted.where(needs_none).select("id", "locale", "input_hash", "embedding", "reason")
    return (
        kept.withColumn("is_fresh", F.lit(False))
        .unionByName(fresh.withColumns({"reason": F.lit(None).cast("string"), "is_fresh": F.lit(True)}))
        .withColumns({"family": F.lit(family.name), "model_version": F.lit(encoder.model_version)})
        .select(*_CONTENT, "reason", "is_fresh")
    )
