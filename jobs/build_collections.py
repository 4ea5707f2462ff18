"""Build the collections: find the images that answer each wanted query, and decide which deserve a page.

    geo build-collections --conf conf/demo.yml

Reads queries, query_merges, annotations, round_trips, both embeddings, images and the index; writes collections and
collection_items. A query that too few want is dropped as too_little_evidence, one that goes by another as merged; the
other reasons stand in collections.reasons. An image is on a page only if the console has its wish for it or for one
like it; where it has nothing in a locale, that is not asked, and a page needs a query that finds its image again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial, reduce

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from geo_lib.ann.search import Index, index_name, nearest
from geo_lib.collections.coherence import backgrounds, coherence
from geo_lib.collections.evidence import at_home, by_score, fill_bar, founded, supported, unheard_locales, witnessed
from geo_lib.collections.gate import fates, gated
from geo_lib.collections.mint import minted
from geo_lib.collections.retrieve import candidates, collected_items
from geo_lib.collections.wishes import wishes
from geo_lib.config import at_least_one, setting, zero_to_one
from geo_lib.counts import Counts
from geo_lib.embeddings.family import IMAGES as ENTITY
from geo_lib.embeddings.family import (
    Families,
    default_families,
    models_of,
    refuse_unlike_families,
    same_model,
    vectors_of,
)
from geo_lib.queries.canonical import MERGED, canonical
from geo_lib.spark import settled
from jobs.run.job import Context, Job
from schemas.annotations import ANNOTATIONS
from schemas.collection_items import COLLECTION_ITEMS
from schemas.collections import COLLECTIONS
from schemas.image_embeddings import IMAGE_EMBEDDINGS
from schemas.images import IMAGES
from schemas.index_shards import INDEX_SHARDS
from schemas.queries import QUERIES
from schemas.query_embeddings import QUERY_EMBEDDINGS
from schemas.query_merges import QUERY_MERGES
from schemas.round_trips import ROUND_TRIPS


@dataclass(frozen=True, slots=True)
class BuildCollections:
    """The knobs of this job."""

    families: Families = setting(default_families)
    """The first founds the collections; of the others the items stand beside, for comparison."""
    min_demand: int = 500
    """Console impressions that make a query worth a page,"""
    min_images: int = 3
    """or images that it was found fit for; either is enough."""
    min_wish_overlap: float = 0.3
    """Jaccard of the images that two queries annotate from which they are ways to say one wish."""
    neighbours: int = 10
    """Images most like one that are asked whether they carry the wish, too."""
    min_support: int = 2
    """What must speak for an image: its own annotations and those neighbours, counted together."""
    top_n: int = 48
    """Images of a page at most."""
    min_fill_share: float = 0.9
    """Share of what the index finds that must carry the wish, for the rest of it to fill up."""
    min_items: int = 7
    """Images with evidence below which a page is too thin to publish,"""
    min_evidence_share: float = 0.75
    """and their share of all its images."""
    min_coherence: float = 5.0
    """Standard deviations by which its images must be more alike than images drawn at random."""
    max_overlap: float = 0.5
    """Jaccard of two collections' images from which the lesser one is held as a near duplicate,"""
    max_similarity: float = 0.95
    """or cosine of their queries."""

    def __post_init__(self) -> None:
        at_least_one(self, "top_n", "min_items", "min_images", "neighbours", "min_support")
        zero_to_one(self, "min_wish_overlap", "min_fill_share", "min_evidence_share", "max_overlap")
        refuse_unlike_families(self.families)
        if self.top_n < self.min_items:
            raise ValueError(f"top_n ({self.top_n}) must not be below min_items ({self.min_items})")


def run(ctx: Context, knobs: BuildCollections) -> Counts:
    known = ctx.read(COLLECTIONS)
    annotated = at_home(ctx.read(ANNOTATIONS), ctx.read(IMAGES))
    queries, annotations = canonical(ctx.read(QUERIES), annotated, ctx.read(QUERY_MERGES))
    manifest = ctx.read(INDEX_SHARDS).collect()
    wanted = settled(candidates(queries, known, min_demand=knobs.min_demand, min_images=knobs.min_images))
    said = wishes(wanted, annotations, min_overlap=knobs.min_wish_overlap)
    said = settled(founded(said, annotations, ctx.read(ROUND_TRIPS)))
    unheard = unheard_locales(annotations)
    carrying = settled(witnessed(said, annotations, unheard=unheard))
    spaces = [_space(ctx, wanted, settings.name, manifest) for settings in knobs.families]
    retrieved = [_items(ctx, knobs, space, said, carrying) for space in spaces]
    items = settled(reduce(DataFrame.unionByName, retrieved))
    first = spaces[0]
    shown = items.where(F.col("family") == first.family)
    judged = gated(
        wanted,
        said,
        shown,
        coherence(shown, first.images, backgrounds(first.images)),
        first.queries.where("embedding is not null").select("query_id", "embedding"),
        min_items=knobs.min_items,
        min_evidence_share=knobs.min_evidence_share,
        min_coherence=knobs.min_coherence,
        max_overlap=knobs.max_overlap,
        max_similarity=knobs.max_similarity,
    )
    judged = settled(judged)
    counts = _counts(ctx.read(QUERIES), queries, judged, unheard)
    ctx.write(COLLECTIONS, minted(judged, known, family=first.family))
    ctx.write(COLLECTION_ITEMS, items.select(COLLECTION_ITEMS.schema.names))
    return counts


@dataclass(frozen=True, slots=True)
class Space:
    """What one family has of the wanted queries and of the images."""

    family: str
    index: Index
    queries: DataFrame
    """The wanted queries with ``embedding``, null where the family has none."""
    images: DataFrame
    """signature, locale, embedding"""


def _space(ctx: Context, wanted: DataFrame, family: str, manifest: Sequence[Row]) -> Space:
    """Raises ``ConfigError`` if the index has another model than the vectors."""
    index = Index.of(index_name(family, ENTITY), manifest, lakehouse=ctx.lakehouse)
    of_queries = vectors_of(ctx.read(QUERY_EMBEDDINGS), family=family, id_as="query_id")
    of_images = vectors_of(ctx.read(IMAGE_EMBEDDINGS), family=family, id_as="signature")
    same_model(family, images=index.model_versions, queries=models_of(of_queries))
    queries = wanted.join(of_queries.select("query_id", "embedding"), on="query_id", how="left")
    return Space(family, index, queries, of_images.select("signature", "locale", "embedding"))


def _items(ctx: Context, knobs: BuildCollections, space: Space, said: DataFrame, carrying: DataFrame) -> DataFrame:
    """The family's rows of ``collection_items``: images with evidence, filled up by those that its index is sure of."""
    speaking = space.queries.join(said.where("wish_id = query_id").select("query_id"), on="query_id", how="left_semi")
    search = partial(nearest, files=space.index.files, ef=space.index.ef or knobs.top_n)
    alike = search(space.images, by="signature", found="neighbour", k=knobs.neighbours + 1)
    sound = supported(carrying, alike.where("signature <> neighbour"), min_support=knobs.min_support)
    with_vectors = sound.join(
        space.images.select("signature", F.col("embedding").alias("of_image")), on="signature", how="left"
    )
    asked = speaking.where("embedding is not null").withColumnRenamed("query_id", "wish_id")
    found = settled(search(asked, by="wish_id", found="signature", k=knobs.top_n))
    bar = fill_bar(by_score(found, carrying), min_share=knobs.min_fill_share)
    filling = found.where(F.col("score") >= bar).join(carrying, on=["wish_id", "signature"], how="left_anti")
    return collected_items(speaking, with_vectors, filling, ctx.read(IMAGES), family=space.family, top_n=knobs.top_n)


def _counts(every: DataFrame, queries: DataFrame, judged: DataFrame, unheard: Sequence[str]) -> Counts:
    """Kept are the queries whose collections have a page; the images on those pages are what it produced.

    ``every``: before merging; ``queries``: after.
    """
    verdicts = {row["reason"]: row for row in fates(queries, judged).collect()}
    published = verdicts.pop(None, None)
    rows_in = every.count()
    merged = rows_in - queries.count()
    return Counts(
        rows_in=rows_in,
        kept=published["queries"] if published else 0,
        dropped={reason: row["queries"] for reason, row in verdicts.items()} | ({MERGED: merged} if merged else {}),
        produced={"items": published["items"] if published else 0},
        report=f"the console heard nobody in {', '.join(unheard)}: pages there stand on the model's word alone"
        if unheard
        else "",
    )


JOB = Job(
    name="build_collections",
    knobs=BuildCollections,
    run=run,
    unit="queries",
    reads=(QUERIES, QUERY_MERGES, ANNOTATIONS, ROUND_TRIPS, QUERY_EMBEDDINGS, IMAGE_EMBEDDINGS, IMAGES, INDEX_SHARDS),
    writes=(COLLECTIONS, COLLECTION_ITEMS),
    ask=("select title, items, demand, state from {schema}.collections order by demand desc limit 10",),
)
