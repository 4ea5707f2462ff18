"""Turn every validated query into a unit vector of every embedding family.

    geo embed-queries --conf conf/demo.yml

Reads queries; writes query_embeddings. A query keeps its vector until the encoder or its text changes. Counts queries,
once per family.
"""

from dataclasses import dataclass

from geo_lib.config import at_least_one, setting
from geo_lib.counts import Counts
from geo_lib.embeddings import refresh
from geo_lib.embeddings.family import QUERIES as ENTITY
from geo_lib.embeddings.family import Families, default_families, encoder_folders, family, refuse_unlike_families
from geo_lib.spark import held
from jobs.run.job import Context, Job
from schemas.queries import QUERIES
from schemas.query_embeddings import QUERY_EMBEDDINGS


@dataclass(frozen=True, slots=True)
class EmbedQueries:
    """The knobs of this job."""

    families: Families = setting(default_families)
    texts_per_task: int = 20_000
    """Queries that one task encodes; each task loads the model once."""

    def __post_init__(self) -> None:
        at_least_one(self, "texts_per_task")
        refuse_unlike_families(self.families)


def run(ctx: Context, knobs: EmbedQueries) -> Counts:
    families = [family(settings) for settings in knobs.families]
    queries = ctx.read(QUERIES)
    wanted = queries.count()
    rows = refresh.refreshed(
        {"queries": queries},
        ctx.read(QUERY_EMBEDDINGS),
        families,
        entity=ENTITY,
        tasks=-(-wanted // knobs.texts_per_task) or 1,
    )
    with held(rows) as rows:
        counts = refresh.counts_of(rows, rows_in=wanted * len(families))
        ctx.write(QUERY_EMBEDDINGS, refresh.embeddings(rows), slices=[f.name for f in families])
        return counts


JOB = Job(
    name="embed_queries",
    knobs=EmbedQueries,
    run=run,
    unit="queries",
    reads=(QUERIES,),
    writes=(QUERY_EMBEDDINGS,),
    files=lambda knobs: encoder_folders(knobs.families),
)
