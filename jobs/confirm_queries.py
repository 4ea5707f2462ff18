"""Ask of every query whether it finds the images that it annotates again, by what else is known of them.

    geo confirm-queries --conf conf/demo.yml

Reads annotations, images, queries, query_merges and query_embeddings; writes round_trips. An image's vector is made
of its other queries alone, so no query confirms itself; the search is exact. What is not found again stays, marked:
rank-annotations ranks it lower, and no collection is founded on it alone. Counts annotations, merged ones once.
"""

from dataclasses import dataclass, field

from pyspark.sql import functions as F

from geo_lib.collections.evidence import at_home
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
from geo_lib.queries.canonical import goes_by
from geo_lib.queries.round_trip import RoundTrip, round_trips
from geo_lib.spark import held
from jobs.run.job import Context, Job
from schemas.annotations import ANNOTATIONS
from schemas.images import IMAGES
from schemas.queries import QUERIES
from schemas.query_embeddings import QUERY_EMBEDDINGS
from schemas.query_merges import QUERY_MERGES
from schemas.round_trips import ROUND_TRIPS

RETRIEVED, NOT_RETRIEVED, ALONE = "retrieved", "not_retrieved", "nothing_else_said"


@dataclass(frozen=True, slots=True)
class ConfirmQueries:
    """The knobs of this job."""

    families: Families = setting(default_families)
    """The first is what is searched."""
    trip: RoundTrip = field(default_factory=RoundTrip)

    def __post_init__(self) -> None:
        refuse_unlike_families(self.families)


def run(ctx: Context, knobs: ConfirmQueries) -> Counts:
    family = founding(knobs.families)
    vectors = vectors_of(ctx.read(QUERY_EMBEDDINGS), family=family, id_as="query_id")
    same_model(family, images=(), queries=models_of(vectors))
    annotations = at_home(ctx.read(ANNOTATIONS), ctx.read(IMAGES))
    merges = goes_by(ctx.read(QUERIES), ctx.read(QUERY_MERGES))
    with held(round_trips(annotations, vectors, merges, trip=knobs.trip)) as found:
        ctx.write(ROUND_TRIPS, found)
        fate = F.when(F.col("rank").isNull(), ALONE).when(F.col("retrieved"), RETRIEVED).otherwise(NOT_RETRIEVED)
        fates = {
            row["fate"]: int(row["n"])
            for row in found.groupBy(fate.alias("fate")).agg(F.count("*").alias("n")).collect()
        }
        return Counts(sum(fates.values()), sum(fates.values()), produced=fates)


JOB = Job(
    name="confirm_queries",
    knobs=ConfirmQueries,
    run=run,
    unit="annotations",
    reads=(ANNOTATIONS, IMAGES, QUERIES, QUERY_MERGES, QUERY_EMBEDDINGS),
    writes=(ROUND_TRIPS,),
    ask=(
        "select q.query, t.rank, t.images from {schema}.round_trips t join {schema}.queries q using (query_id) "
        "where not t.retrieved order by t.rank desc limit 20",
    ),
)
