"""Find the queries that say the same in other words, and the one of them that all go by.

    geo merge-queries --conf conf/demo.yml

Reads queries and query_embeddings, and query_merges as it is; writes query_merges. Two are one if their words differ
in nothing that tells them apart, and their vectors agree. None is lost: queries keeps every row. Counts queries; merged
are those that go by another.
"""

from dataclasses import dataclass
from functools import partial

from pyspark.sql import functions as F

from geo_lib.ann.neighbours import neighbours
from geo_lib.ann.shard import Hnsw
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
from geo_lib.queries.canonical import MERGED
from geo_lib.queries.merging import Merging, merges
from geo_lib.spark import held
from jobs.run.job import Context, Job
from schemas.queries import QUERIES
from schemas.query_embeddings import QUERY_EMBEDDINGS
from schemas.query_merges import QUERY_MERGES


@dataclass(frozen=True, slots=True)
class MergeQueries:
    """The knobs of this job."""

    families: Families = setting(default_families)
    """The first is what queries are compared by, as it is what founds the collections."""
    merging: Merging = setting(Merging)

    def __post_init__(self) -> None:
        refuse_unlike_families(self.families)


def run(ctx: Context, knobs: MergeQueries) -> Counts:
    family = founding(knobs.families)
    vectors = vectors_of(ctx.read(QUERY_EMBEDDINGS), family=family, id_as="query_id")
    same_model(family, images=(), queries=models_of(vectors))
    near = partial(neighbours, k=knobs.merging.neighbours, exact_up_to=knobs.merging.exact_up_to, hnsw=Hnsw())
    queries = ctx.read(QUERIES)
    merged = merges(queries, vectors, ctx.read(QUERY_MERGES), near=near, min_similarity=knobs.merging.min_similarity)
    with held(merged) as merged:
        ctx.write(QUERY_MERGES, merged)
        reason = F.when(F.col("query_id") != F.col("canonical_id"), MERGED)
        return Counts.tallied(merged.select(reason.alias("reason")), rows_in=queries.count())


JOB = Job(
    name="merge_queries",
    knobs=MergeQueries,
    run=run,
    unit="queries",
    reads=(QUERIES, QUERY_EMBEDDINGS),
    writes=(QUERY_MERGES,),
    ask=(
        "select q.locale, q.query, c.query as goes_by, m.cosine from {schema}.query_merges m "
        "join {schema}.queries q using (query_id) join {schema}.queries c on c.query_id = m.canonical_id "
        "where m.query_id <> m.canonical_id order by m.cosine limit 20",
    ),
)
