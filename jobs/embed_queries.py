"""Turn every validated query into a unit vector.

    geo embed-queries --conf conf/demo.yml

Reads queries; writes query_embeddings. A query keeps its vector until the encoder or its text changes.
"""

from dataclasses import dataclass

from pyspark.sql import functions as F

from geo_lib.config import at_least_one
from geo_lib.counts import Counts
from geo_lib.embeddings.encoder import PACKAGED, text_model
from geo_lib.embeddings.inference import embedded
from geo_lib.embeddings.texts import query_texts
from jobs.run.job import Context, Job
from schemas.queries import QUERIES
from schemas.query_embeddings import QUERY_EMBEDDINGS


@dataclass(frozen=True, slots=True)
class EmbedQueries:
    """The knobs of this job. ``embed_images`` must name the same encoder and family."""

    encoder: str = PACKAGED
    """``packaged``, or the folder of a sentence-transformers model."""
    family: str = "minilm_text"
    texts_per_task: int = 20_000
    """Queries that one task encodes; each task loads the model once."""

    def __post_init__(self) -> None:
        at_least_one(self, "texts_per_task")


def run(ctx: Context, knobs: EmbedQueries) -> Counts:
    model = text_model(knobs.encoder, family=knobs.family)
    texts = query_texts(ctx.read(QUERIES))
    wanted = texts.count()
    known = ctx.read(QUERY_EMBEDDINGS)
    vectors = embedded(
        texts, key="query_id", model=model, known=known, tasks=-(-wanted // knobs.texts_per_task) or 1
    ).localCheckpoint()
    kept, encoded = vectors.count(), vectors.where(~F.col("reused")).count()
    ctx.write(QUERY_EMBEDDINGS, vectors.drop("reused"), slices=[knobs.family])
    return Counts(rows_in=wanted, kept=kept, produced={"encoded": encoded})


JOB = Job(
    name="embed_queries",
    knobs=EmbedQueries,
    run=run,
    unit="queries",
    reads=(QUERIES,),
    writes=(QUERY_EMBEDDINGS,),
    files=lambda knobs: () if knobs.encoder == PACKAGED else (knobs.encoder,),
)
