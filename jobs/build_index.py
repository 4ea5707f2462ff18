"""Build the nearest-neighbour index of images of every family: HNSW shards, their manifest and their measured recall.

    geo build-index --conf conf/demo.yml

Reads image_embeddings and, to measure recall with, query_embeddings; writes index/<version>/ in the lakehouse
and then index_shards. Vectors of several models are refused, and so is a shard that finds too few. Counts vectors.
"""

from dataclasses import dataclass, field

from pyspark.sql import Row
from pyspark.sql import functions as F

from geo_lib.ann.build import built, prune, refuse_poor_recall, sample_of, source_of, with_shard
from geo_lib.ann.search import index_name
from geo_lib.ann.shard import Hnsw
from geo_lib.config import at_least_one, setting, zero_to_one
from geo_lib.counts import Counts
from geo_lib.embeddings.family import (
    IMAGES,
    Families,
    default_families,
    refuse_unlike_families,
    same_model,
    vectors_of,
)
from geo_lib.spark import local_frame
from jobs.run.job import Context, Job
from schemas.image_embeddings import IMAGE_EMBEDDINGS
from schemas.index_shards import INDEX_SHARDS
from schemas.query_embeddings import QUERY_EMBEDDINGS


@dataclass(frozen=True, slots=True)
class BuildIndex:
    """The knobs of this job."""

    families: Families = setting(default_families)
    hnsw: Hnsw = field(default_factory=Hnsw)
    rows_per_shard: int = 200_000
    """Vectors of one locale in a shard: every query asks every shard of its locale, so few and large."""
    recall_sample: int = 200
    """Queries per locale that recall@10 is measured with, against brute force over the shard."""
    min_recall: float = 0.9
    """The job fails, and the index stays as it was, when a shard finds a smaller share than this."""

    def __post_init__(self) -> None:
        at_least_one(self, "rows_per_shard", "recall_sample")
        zero_to_one(self, "min_recall")
        refuse_unlike_families(self.families)


def run(ctx: Context, knobs: BuildIndex) -> Counts:
    rows_in, shards = 0, list[Row]()
    for settings in knobs.families:
        vectors, of_family = _built(ctx, knobs, settings.name)
        rows_in, shards = rows_in + vectors, shards + of_family
    refuse_poor_recall(shards, least=knobs.min_recall)
    manifest = local_frame(ctx.spark, shards, INDEX_SHARDS.schema)
    ctx.write(INDEX_SHARDS, manifest, slices=[index_name(settings.name, IMAGES) for settings in knobs.families])
    prune(ctx.lakehouse, keep={row["index_version"] for row in ctx.read(INDEX_SHARDS).collect()})
    recalls = [f"{s['index']} {s['shard']} {s['recall_at_10']:.3f}" for s in shards if s["recall_at_10"] is not None]
    return Counts(
        rows_in=rows_in,
        kept=sum(shard["rows"] for shard in shards),
        produced={"shards": len(shards)},
        report=f"recall@10 against brute force: {', '.join(recalls)}" if recalls else "",
    )


def _built(ctx: Context, knobs: BuildIndex, family: str) -> tuple[int, list[Row]]:
    """How many vectors the family has of images, and the manifest of the shards that were built of them."""
    vectors, queries = (
        vectors_of(ctx.read(table), family=family, id_as="id") for table in (IMAGE_EMBEDDINGS, QUERY_EMBEDDINGS)
    )
    source = source_of(vectors)
    sample = sample_of(queries, per_locale=knobs.recall_sample)
    model_version = same_model(family, images=source.model_versions, queries=sample.model_versions)
    if not source.rows:
        return 0, []
    manifest = built(
        with_shard(vectors, source.shards_by_locale(knobs.rows_per_shard)),
        version=source.index_version(hnsw=knobs.hnsw, rows_per_shard=knobs.rows_per_shard),
        lakehouse=ctx.lakehouse,
        hnsw=knobs.hnsw,
        sample=sample.vectors,
    )
    origin = {
        "index": F.lit(index_name(family, IMAGES)),
        "model_version": F.lit(model_version),
        "source_table": F.lit(IMAGE_EMBEDDINGS.name),
        "source_version": F.lit(ctx.version(IMAGE_EMBEDDINGS)),
    }
    # the shards are built by this one action; what is left of them is a row each
    shards = INDEX_SHARDS.conform(manifest.withColumns(origin)).collect()
    return source.rows, sorted(shards, key=lambda shard: str(shard["shard"]))


JOB = Job(
    name="build_index",
    knobs=BuildIndex,
    run=run,
    unit="vectors",
    reads=(IMAGE_EMBEDDINGS, QUERY_EMBEDDINGS),
    writes=(INDEX_SHARDS,),
    folders=lambda _: ("index",),
)
