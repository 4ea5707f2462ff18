"""Build the nearest-neighbour index of images: HNSW shards, their manifest and their measured recall.

    geo build-index --conf conf/demo.yml

Reads image_embeddings and, to measure recall with, query_embeddings; writes index/<version>/ in the lakehouse
and then index_shards. Vectors of several models are refused.
"""

from dataclasses import dataclass, field

from pyspark.sql import functions as F

from geo_lib.ann.build import built, index_version, prune, sample_queries, with_shard
from geo_lib.ann.shard import Hnsw
from geo_lib.config import at_least_one
from geo_lib.counts import Counts
from geo_lib.embeddings.inference import same_model
from jobs.run.job import Context, Job
from schemas.image_embeddings import IMAGE_EMBEDDINGS
from schemas.index_shards import INDEX_SHARDS
from schemas.query_embeddings import QUERY_EMBEDDINGS


@dataclass(frozen=True, slots=True)
class BuildIndex:
    """The knobs of this job."""

    family: str = "minilm_text"
    hnsw: Hnsw = field(default_factory=Hnsw)
    rows_per_shard: int = 200_000
    """Vectors of one locale in a shard: every query asks every shard of its locale, so few and large."""
    recall_sample: int = 200
    """Queries per locale that recall@10 is measured with, against brute force over the shard."""

    def __post_init__(self) -> None:
        at_least_one(self, "rows_per_shard", "recall_sample")


def run(ctx: Context, knobs: BuildIndex) -> Counts:
    of_family = F.col("family") == knobs.family
    images = ctx.read(IMAGE_EMBEDDINGS).where(of_family)
    queries = ctx.read(QUERY_EMBEDDINGS).where(of_family)
    model_version = same_model(images=images, queries=queries, family=knobs.family)
    vectors = images.select("signature", "locale", "embedding")
    rows_in = vectors.count()
    version = index_version(vectors, id_column="signature", hnsw=knobs.hnsw, rows_per_shard=knobs.rows_per_shard)
    manifest = (
        built(
            with_shard(vectors, id_column="signature", rows_per_shard=knobs.rows_per_shard),
            id_column="signature",
            version=version,
            lakehouse=ctx.lakehouse,
            hnsw=knobs.hnsw,
            sample=sample_queries(queries, per_locale=knobs.recall_sample),
        )
        .withColumns(
            {
                "family": F.lit(knobs.family),
                "model_version": F.lit(model_version).cast("string"),
                "source_table": F.lit(IMAGE_EMBEDDINGS.name),
                "source_version": F.lit(ctx.version(IMAGE_EMBEDDINGS)),
            }
        )
        .persist()
    )
    try:
        ctx.write(INDEX_SHARDS, manifest, slices=[knobs.family])
        rows = manifest.select("shard", "rows", "recall_at_10").orderBy("shard").collect()
    finally:
        manifest.unpersist()
    prune(ctx.lakehouse, keep={r["index_version"] for r in ctx.read(INDEX_SHARDS).collect()})
    recalls = ", ".join(f"{r['shard']} {r['recall_at_10']:.3f}" for r in rows if r["recall_at_10"] is not None)
    return Counts(
        rows_in=rows_in,
        kept=sum(r["rows"] for r in rows),
        produced={"shards": len(rows)},
        report=f"recall@10 against brute force: {recalls}" if recalls else "",
    )


JOB = Job(
    name="build_index",
    knobs=BuildIndex,
    run=run,
    unit="vectors",
    reads=(IMAGE_EMBEDDINGS, QUERY_EMBEDDINGS),
    writes=(INDEX_SHARDS,),
    folders=lambda _: ("index",),
)
