"""Build the collections: find the images that answer each wanted query, and decide which deserve a page.

    geo build-collections --conf conf/demo.yml

Reads queries, query_embeddings, images and the index; writes collections and collection_items. A query without
evidence is dropped as too_little_evidence; the other reasons stand in collections.reasons.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.ann.search import Index, index_name, nearest
from geo_lib.collections.gate import fates, gated
from geo_lib.collections.mint import minted
from geo_lib.collections.retrieve import candidates, retrieved_items
from geo_lib.config import at_least_one, setting
from geo_lib.counts import Counts
from geo_lib.embeddings.family import IMAGES as ENTITY
from geo_lib.embeddings.family import (
    Families,
    default_families,
    founding,
    models_of,
    refuse_unlike_families,
    same_model,
    vectors_of,
)
from geo_lib.spark import held
from jobs.run.job import Context, Job
from schemas.collection_items import COLLECTION_ITEMS
from schemas.collections import COLLECTIONS
from schemas.images import IMAGES
from schemas.index_shards import INDEX_SHARDS
from schemas.queries import QUERIES
from schemas.query_embeddings import QUERY_EMBEDDINGS


@dataclass(frozen=True, slots=True)
class BuildCollections:
    """The knobs of this job."""

    families: Families = setting(default_families)
    """The first founds the collections; of the others the items stand beside, for comparison."""
    min_demand: int = 500
    """Console impressions that make a query worth a page,"""
    min_images: int = 3
    """or images that it was found fit for; either is enough."""
    top_n: int = 48
    """Images looked for per query."""
    min_score: float = 0.6
    """Cosine of query and image below which an image does not answer,"""
    max_gap: float = 0.1
    """and how far below the query's best image it may be."""
    min_items: int = 8
    """Images below which a page is too thin to publish."""
    max_overlap: float = 0.6
    """Jaccard of two collections' images from which the lesser one is held as a near duplicate,"""
    max_similarity: float = 0.95
    """or cosine of their queries."""

    def __post_init__(self) -> None:
        at_least_one(self, "top_n", "min_items", "min_images")
        refuse_unlike_families(self.families)
        if self.top_n < self.min_items:
            raise ValueError(f"top_n ({self.top_n}) must not be below min_items ({self.min_items})")


def run(ctx: Context, knobs: BuildCollections) -> Counts:
    queries = ctx.read(QUERIES)
    manifest = ctx.read(INDEX_SHARDS).collect()
    wanted = candidates(queries, min_demand=knobs.min_demand, min_images=knobs.min_images)
    with ExitStack() as stack:
        # held, because each stands many times in what follows, and every scan of a table has its price
        asked, retrieved = {}, []
        for family in (settings.name for settings in knobs.families):
            index = Index.of(index_name(family, ENTITY), manifest, lakehouse=ctx.lakehouse)
            asked[family] = stack.enter_context(held(_with_vectors(ctx, wanted, index, family)))
            retrieved.append(_items(ctx, knobs, asked[family], index, family))
        items = stack.enter_context(held(reduce(DataFrame.unionByName, retrieved)))
        first = founding(knobs.families)
        settled = gated(
            asked[first].select(wanted.columns),
            items.where(F.col("family") == first),
            asked[first].where("embedding is not null").select("query_id", "embedding"),
            min_items=knobs.min_items,
            max_overlap=knobs.max_overlap,
            max_similarity=knobs.max_similarity,
        )
        settled = stack.enter_context(held(settled))
        counts = _counts(queries, settled)
        ctx.write(COLLECTIONS, minted(settled, ctx.read(COLLECTIONS), family=first))
        ctx.write(COLLECTION_ITEMS, items)
        return counts


def _with_vectors(ctx: Context, wanted: DataFrame, index: Index, family: str) -> DataFrame:
    """``wanted`` with ``embedding``, null where the family has none; ``ConfigError`` if the index has another model."""
    vectors = vectors_of(ctx.read(QUERY_EMBEDDINGS), family=family, id_as="query_id")
    same_model(family, images=index.model_versions, queries=models_of(vectors))
    return wanted.join(vectors.select("query_id", "embedding"), on="query_id", how="left")


def _items(ctx: Context, knobs: BuildCollections, asked: DataFrame, index: Index, family: str) -> DataFrame:
    """What the family's index finds for the wanted queries, as rows of ``collection_items``."""
    with_vector = asked.where("embedding is not null")
    ef = index.ef or knobs.top_n
    found = nearest(with_vector, index.files, by="query_id", found="signature", k=knobs.top_n, ef=ef)
    return retrieved_items(
        asked, found, ctx.read(IMAGES), family=family, min_score=knobs.min_score, max_gap=knobs.max_gap
    )


def _counts(queries: DataFrame, settled: DataFrame) -> Counts:
    """Kept are the queries whose collections have a page; the images on those pages are what it produced."""
    verdicts = {row["reason"]: row for row in fates(queries, settled).collect()}
    published = verdicts.pop(None, None)
    return Counts(
        rows_in=queries.count(),
        kept=published["queries"] if published else 0,
        dropped={reason: row["queries"] for reason, row in verdicts.items()},
        produced={"items": published["items"] if published else 0},
    )


JOB = Job(
    name="build_collections",
    knobs=BuildCollections,
    run=run,
    unit="queries",
    reads=(QUERIES, QUERY_EMBEDDINGS, IMAGES, INDEX_SHARDS),
    writes=(COLLECTIONS, COLLECTION_ITEMS),
    ask=("select title, items, demand, state from {schema}.collections order by demand desc limit 10",),
)
