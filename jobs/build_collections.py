"""Build the collections: find the images that answer each wanted query, and decide which deserve a page.

    geo build-collections --conf conf/demo.yml

Reads queries, query_embeddings, images and the index; writes collections and collection_items. A query without
evidence is dropped as too_little_evidence; the other reasons stand in collections.reasons.
"""

from dataclasses import dataclass

from pyspark.sql import functions as F

from geo_lib.ann.search import ShardFile, nearest
from geo_lib.collections.gate import gated, verdicts_of
from geo_lib.collections.mint import beside_other_families, minted
from geo_lib.collections.retrieve import candidates, has_evidence, retrieved_items
from geo_lib.config import at_least_one
from geo_lib.counts import Counts
from geo_lib.embeddings.inference import same_model
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

    family: str = "minilm_text"
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
        if self.top_n < self.min_items:
            raise ValueError(f"top_n ({self.top_n}) must not be below min_items ({self.min_items})")


def run(ctx: Context, knobs: BuildCollections) -> Counts:
    of_family = F.col("family") == knobs.family
    queries = ctx.read(QUERIES)
    images = ctx.read(IMAGES)
    embedded, shards = (ctx.read(table).where(of_family) for table in (QUERY_EMBEDDINGS, INDEX_SHARDS))
    same_model(images=shards, queries=embedded, family=knobs.family)
    vectors = embedded.select("query_id", "embedding")
    manifest = shards.orderBy("shard").collect()

    wanted = candidates(queries, family=knobs.family, min_demand=knobs.min_demand, min_images=knobs.min_images)
    found = nearest(
        wanted.join(vectors, on="query_id", how="inner"),
        [ShardFile.of(row, lakehouse=ctx.lakehouse) for row in manifest],
        id_column="signature",
        k=knobs.top_n,
        ef=max((row["ef"] for row in manifest), default=knobs.top_n),
    )
    items = retrieved_items(wanted, found, images, min_score=knobs.min_score, max_gap=knobs.max_gap).localCheckpoint()
    settled = gated(
        wanted,
        items,
        vectors,
        min_items=knobs.min_items,
        max_overlap=knobs.max_overlap,
        max_similarity=knobs.max_similarity,
    ).localCheckpoint()
    # a checkpoint and no cache: what is minted hangs on the table it is written to
    collections = minted(settled, ctx.read(COLLECTIONS), family=knobs.family).localCheckpoint()
    ctx.write(COLLECTIONS, collections)
    of_all = beside_other_families(items, ctx.read(COLLECTION_ITEMS), collections, family=knobs.family)
    ctx.write(COLLECTION_ITEMS, of_all.localCheckpoint())
    verdicts = {r["verdict"]: r["n"] for r in verdicts_of(collections, wanted).collect()}
    shown = items.join(collections.where("state = 'published'"), on="collection_id", how="left_semi").count()
    without_evidence = queries.where(~has_evidence(min_demand=knobs.min_demand, min_images=knobs.min_images)).count()
    return Counts(
        rows_in=queries.count(),
        kept=verdicts.pop("published", 0),
        dropped=verdicts | {"too_little_evidence": without_evidence},
        produced={"items": shown},
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
