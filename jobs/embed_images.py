"""Turn every image into a unit vector: the direction of its validated queries and title.

    geo embed-images --conf conf/demo.yml

Reads images and annotations; writes image_embeddings. An image keeps its vector until the encoder or its texts
change; one with neither a query nor a title is dropped as no_text.
"""

from dataclasses import dataclass

from pyspark.sql import functions as F

from geo_lib.config import at_least_one
from geo_lib.counts import Counts
from geo_lib.embeddings.encoder import PACKAGED, text_model
from geo_lib.embeddings.inference import embedded
from geo_lib.embeddings.texts import image_texts
from jobs.run.job import Context, Job
from schemas.annotations import ANNOTATIONS
from schemas.image_embeddings import IMAGE_EMBEDDINGS
from schemas.images import IMAGES


@dataclass(frozen=True, slots=True)
class EmbedImages:
    """The knobs of this job. ``embed_queries`` must name the same encoder and family."""

    encoder: str = PACKAGED
    """``packaged``, or the folder of a sentence-transformers model."""
    family: str = "minilm_text"
    images_per_task: int = 4_000
    """Images that one task encodes; each task loads the model once."""

    def __post_init__(self) -> None:
        at_least_one(self, "images_per_task")


def run(ctx: Context, knobs: EmbedImages) -> Counts:
    model = text_model(knobs.encoder, family=knobs.family)
    texts = image_texts(ctx.read(IMAGES), ctx.read(ANNOTATIONS))
    has_text = F.size("texts") > 0
    wanted, without = texts.count(), texts.where(~has_text).count()
    known = ctx.read(IMAGE_EMBEDDINGS)
    tasks = -(-wanted // knobs.images_per_task) or 1
    vectors = embedded(texts.where(has_text), key="signature", model=model, known=known, tasks=tasks).localCheckpoint()
    kept, encoded = vectors.count(), vectors.where(~F.col("reused")).count()
    ctx.write(IMAGE_EMBEDDINGS, vectors.drop("reused"), slices=[knobs.family])
    return Counts(rows_in=wanted, kept=kept, dropped={"no_text": without}, produced={"encoded": encoded})


JOB = Job(
    name="embed_images",
    knobs=EmbedImages,
    run=run,
    unit="signatures",
    reads=(IMAGES, ANNOTATIONS),
    writes=(IMAGE_EMBEDDINGS,),
    files=lambda knobs: () if knobs.encoder == PACKAGED else (knobs.encoder,),
)
