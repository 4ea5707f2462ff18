"""Let the tuned model write queries for every image whose present prompt it has not answered yet.

    geo annotate-images --conf conf/demo.yml

Reads images, image_bytes and vlm@champion; appends to generations, one commit per chunk of signatures,
so that a crash costs the chunk in flight and repeats no committed one. An error that another setting of the
engine may cure is counted and not kept: the next run asks again. Counts signatures.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.config import at_least_one, setting, zero_to_one
from geo_lib.counts import Counts
from geo_lib.models import VLM_CHAMPION
from geo_lib.serving.partitions import generations
from geo_lib.serving.requests import CURABLE
from geo_lib.serving.settings import AskedVlm
from geo_lib.serving.vllm import engine, spec_of
from geo_lib.spark import held
from geo_lib.vlm.answers import TASK, answers, asked
from geo_lib.vlm.prompts import PROMPT_VERSION
from jobs.run.job import Context, Job
from schemas.generations import GENERATIONS
from schemas.image_bytes import IMAGE_BYTES
from schemas.images import IMAGES


@dataclass(frozen=True, slots=True)
class AnnotateImages:
    """The knobs of this job; conf/*.yml may set any of them."""

    vlm: AskedVlm = setting(AskedVlm)
    chunk_signatures: int = 256
    """Signatures per commit: what a crash may cost."""
    engines: int = 1
    """How many engines answer at a time: one locally, one per GPU on a cluster."""
    max_failed_share: float = 0.05
    """The job fails when a larger share of the signatures has an error instead of an answer."""

    def __post_init__(self) -> None:
        at_least_one(self, "chunk_signatures", "engines")
        zero_to_one(self, "max_failed_share")


def run(ctx: Context, knobs: AnnotateImages) -> Counts:
    model = ctx.model(VLM_CHAMPION)
    spec = spec_of(model, knobs.vlm, log_file=ctx.log_file("vllm.log"))
    version = {
        "model_version": model.model_version,
        "prompt_version": PROMPT_VERSION,
        "decoding_version": knobs.vlm.decoding.version,
    }
    images = ctx.read(IMAGES)
    wanted = asked(images)
    answered_before = answers(ctx.read(GENERATIONS), images, **version)
    refused: Counter[str] = Counter()
    with held(wanted.join(answered_before, on="signature", how="left_anti")) as missing:
        new = missing.count()
        chunks = math.ceil(new / knobs.chunk_signatures)
        pictures = ctx.read(IMAGE_BYTES).select("signature", F.array("bytes").alias("images"))
        for chunk in range(chunks):
            ctx.progress(chunk, chunks, "chunks committed")
            some = missing.where(F.pmod(F.xxhash64("signature"), F.lit(chunks)) == chunk)
            requests = some.join(pictures, on="signature", how="inner")
            written = generations(requests, key="signature", load=partial(engine, spec), partitions=knobs.engines)
            with held(written) as written:  # or the commit would ask the model again
                refused.update(_curable(written))
                lasting = written.where(F.col("error_class").isNull() | ~F.col("error_class").isin(*CURABLE))
                stamp = {"task": TASK, **version, "endpoint": None}
                stamped = lasting.withColumns({k: F.lit(v).cast("string") for k, v in stamp.items()})
                rows = stamped.withColumnRenamed("signature", "subject").select(*GENERATIONS.schema.names)
                ctx.append(GENERATIONS, rows, sequence=chunk)
        ctx.progress(chunks, chunks, "chunks committed")
    answered = answers(ctx.read(GENERATIONS), images, **version)
    return _counts(wanted, answered, refused, new).refuse_above(knobs.max_failed_share, unit=JOB.unit)


def _curable(written: DataFrame) -> Mapping[str, int]:
    """Signatures by the error that is not kept."""
    rows = written.where(F.col("error_class").isin(*CURABLE)).groupBy("error_class").count().collect()
    return {row["error_class"]: row["count"] for row in rows}


def _counts(wanted: DataFrame, answered: DataFrame, refused: Mapping[str, int], new: int) -> Counts:
    fates = (
        wanted.select("signature")
        .join(answered, on="signature", how="left")
        .select(
            F.when(F.col("model_version").isNull(), "no_stored_image").otherwise(F.col("error_class")).alias("error"),
            (F.col("finish_reason") == "length").alias("is_cut"),
            "output_tokens",
        )
        .groupBy("error")
        .agg(
            F.count("*").alias("signatures"),
            F.count_if("is_cut").alias("cut"),
            F.coalesce(F.sum("output_tokens"), F.lit(0)).alias("tokens"),
        )
    )
    by_error = {row["error"]: row for row in fates.collect()}
    fine = by_error.pop(None, None)
    kept = fine["signatures"] if fine else 0
    failed = Counter({error: int(row["signatures"]) for error, row in by_error.items()})
    failed["no_stored_image"] -= sum(refused.values())  # they have no row either
    failed.update(refused)
    produced = {
        "generated_now": new,
        "cut_off": fine["cut"] if fine else 0,
        "output_tokens": int(fine["tokens"]) if fine else 0,
    }
    return Counts(wanted.count(), kept, failed=+failed, produced=produced)


JOB = Job(
    name="annotate_images",
    knobs=AnnotateImages,
    run=run,
    unit="signatures",
    reads=(IMAGES, IMAGE_BYTES),
    shares=(GENERATIONS,),
    reads_models=lambda _: (VLM_CHAMPION,),
)
