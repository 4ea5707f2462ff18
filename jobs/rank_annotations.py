"""Choose each image's final annotations by relevance, confirmation and demand.

    geo rank-annotations --conf conf/demo.yml

Reads images, annotations, queries, query_merges, round_trips, embeddings and collections; writes image_annotations.
What is merged stands once, as the query that it goes by; what nothing confirms ranks lower. An image without a
validated query in its locale is dropped as no_annotation.
"""

from dataclasses import dataclass

from geo_lib.arms import in_arm
from geo_lib.config import setting
from geo_lib.counts import Counts
from geo_lib.embeddings.family import (
    Families,
    default_families,
    founding,
    models_of,
    refuse_unlike_families,
    same_model,
    vectors_of,
)
from geo_lib.queries.canonical import canonical
from geo_lib.queries.kinds import QUOTAS
from geo_lib.queries.round_trip import with_trips
from geo_lib.spark import held
from geo_lib.vase.select import annotated_images, chosen_annotations, with_collection
from jobs.run.job import Context, Job
from schemas.annotations import ANNOTATIONS
from schemas.collections import COLLECTIONS
from schemas.image_annotations import IMAGE_ANNOTATIONS
from schemas.images import IMAGES
from schemas.queries import QUERIES
from schemas.query_embeddings import QUERY_EMBEDDINGS
from schemas.query_merges import QUERY_MERGES
from schemas.round_trips import ROUND_TRIPS


@dataclass(frozen=True, slots=True)
class RankAnnotations:
    """The knobs of this job: the weights of a sum."""

    families: Families = setting(default_families)
    """The first is what relevance is told by, as it is what founded the collections."""
    relevance_weight: float = 1.0
    confirmed_weight: float = 0.2
    """What the console's confirmation is worth, in cosine."""
    demand_weight: float = 0.2
    unconfirmed_weight: float = 0.1
    """What the model's word loses that neither the console nor a round trip confirms."""
    half_demand: float = 200.0
    """Console impressions at which demand counts half of its weight."""

    def __post_init__(self) -> None:
        refuse_unlike_families(self.families)
        if self.half_demand <= 0:
            raise ValueError(f"half_demand ({self.half_demand}) must be positive")


def run(ctx: Context, knobs: RankAnnotations) -> Counts:
    family = founding(knobs.families)
    images = ctx.read(IMAGES)
    queries, annotations = canonical(ctx.read(QUERIES), ctx.read(ANNOTATIONS), ctx.read(QUERY_MERGES))
    of_queries = vectors_of(ctx.read(QUERY_EMBEDDINGS), family=family, id_as="query_id")
    same_model(family, images=(), queries=models_of(of_queries))
    chosen = chosen_annotations(
        images,
        with_trips(annotations, ctx.read(ROUND_TRIPS)),
        queries,
        of_queries,
        relevance_weight=knobs.relevance_weight,
        confirmed_weight=knobs.confirmed_weight,
        demand_weight=knobs.demand_weight,
        half_demand=knobs.half_demand,
        unconfirmed_weight=knobs.unconfirmed_weight,
        quotas=QUOTAS,
    )
    with held(in_arm(with_collection(chosen, ctx.read(COLLECTIONS)))) as linked:
        ctx.write(IMAGE_ANNOTATIONS, linked)
        figures = annotated_images(images, annotations, linked).first()
    assert figures is not None, "an aggregate over everything is one row"
    return Counts(
        rows_in=figures["images"],
        kept=figures["chosen"],
        dropped={"no_annotation": figures["without"]},
        produced={"annotations": figures["annotations"], "with_collection": figures["with_collection"]},
    )


JOB = Job(
    name="rank_annotations",
    knobs=RankAnnotations,
    run=run,
    unit="images",
    reads=(IMAGES, ANNOTATIONS, QUERIES, QUERY_MERGES, ROUND_TRIPS, QUERY_EMBEDDINGS, COLLECTIONS),
    writes=(IMAGE_ANNOTATIONS,),
)
