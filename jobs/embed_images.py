"""Turn every image into a unit vector of every embedding family: for texts, the direction of its queries and title.

    geo embed-images --conf conf/demo.yml

Reads images and annotations; writes image_embeddings. An image keeps its vector until the encoder or its texts
change; one with neither a query nor a title is dropped as no_text. Counts signatures, once per family.
"""

from dataclasses import dataclass

from geo_lib.config import at_least_one, setting
from geo_lib.counts import Counts
from geo_lib.embeddings import refresh
from geo_lib.embeddings.family import IMAGES as ENTITY
from geo_lib.embeddings.family import Families, default_families, encoder_folders, family, refuse_unlike_families
from geo_lib.spark import held
from jobs.run.job import Context, Job
from schemas.annotations import ANNOTATIONS
from schemas.image_embeddings import IMAGE_EMBEDDINGS
from schemas.images import IMAGES


@dataclass(frozen=True, slots=True)
class EmbedImages:
    """The knobs of this job."""

    families: Families = setting(default_families)
    images_per_task: int = 4_000
    """Images that one task encodes; each task loads the model once."""

    def __post_init__(self) -> None:
        at_least_one(self, "images_per_task")
        refuse_unlike_families(self.families)


def run(ctx: Context, knobs: EmbedImages) -> Counts:
    families = [family(settings) for settings in knobs.families]
    images = ctx.read(IMAGES)
    wanted = images.select("signature").distinct().count()
    rows = refresh.refreshed(
        {"images": images, "annotations": ctx.read(ANNOTATIONS)},
        ctx.read(IMAGE_EMBEDDINGS),
        families,
        entity=ENTITY,
        tasks=-(-wanted // knobs.images_per_task) or 1,
    )
    with held(rows) as rows:
        counts = refresh.counts_of(rows, rows_in=wanted * len(families))
        ctx.write(IMAGE_EMBEDDINGS, refresh.embeddings(rows), slices=[f.name for f in families])
        return counts


JOB = Job(
    name="embed_images",
    knobs=EmbedImages,
    run=run,
    unit="signatures",
    reads=(IMAGES, ANNOTATIONS),
    writes=(IMAGE_EMBEDDINGS,),
    files=lambda knobs: encoder_folders(knobs.families),
)
