"""Let the tuned model write queries for every image whose present prompt it has not answered yet.

    geo annotate-images --conf conf/demo.yml

Reads images, image_bytes and vlm@champion; appends to generations, one commit per chunk of signatures,
so that a crash costs the chunk in flight and the one before it, which is committed meanwhile, and repeats no committed
one. A picture that kills its worker on every try,
and alone, is kept as worker_lost as soon as the engine answers something else: the next picture, or one that it has
answered before. An error that another setting of the engine may cure is counted and not kept: the next run asks again.
Counts signatures.
"""

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count, pairwise

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.config import at_least_one, setting, zero_to_one
from geo_lib.counts import Counts
from geo_lib.models import VLM_CHAMPION
from geo_lib.serving.beside import Beside
from geo_lib.serving.chunks import WORKER_LOST, KeyRange, answered_in_ranges, hash_ranges
from geo_lib.serving.partitions import generation_rows, generations, lasting, unanswered
from geo_lib.serving.requests import CURABLE
from geo_lib.serving.settings import AskedVlm
from geo_lib.serving.vllm import engine, spec_of
from geo_lib.spark import settled
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
    chunk_signatures: int = 1024
    """Signatures per commit; a crash may cost two of them."""
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
    tally = _Tally()
    sequence = count()

    def keep(answered_now: DataFrame) -> None:
        rows = generation_rows(answered_now, key="signature", stamp={"task": TASK, **version, "endpoint": None})
        ctx.append(GENERATIONS, rows, sequence=next(sequence))

    def note_and_keep(written: DataFrame) -> None:
        tally.add(written)
        keep(lasting(written, passing=CURABLE))

    missing = settled(wanted.join(answered_before, on="signature", how="left_anti"))
    pictures = ctx.read(IMAGE_BYTES)
    new = missing.count()
    ranges = hash_ranges(math.ceil(new / knobs.chunk_signatures))
    begun = time.monotonic()
    with Beside(
        read=lambda chunk: requests_of(chunk, missing, pictures),
        keep=note_and_keep,
        following=dict(pairwise(ranges)),
    ) as beside:

        def ask(chunk: KeyRange) -> bool:
            requests = beside.requests(chunk)
            if requests is None:
                return False
            written = generations(requests, key="signature", load=partial(engine, spec), partitions=knobs.engines)
            # held alone, it would be asked again: a commit drops what is held of plans that read its table
            written = settled(written)
            beside.keep(written)
            return True

        def ask_again() -> bool:
            beside.settle()
            sound = answers(ctx.read(GENERATIONS), images, **version).where("error_class is null")
            is_first = F.col("signature") == F.lit(sound.agg(F.min("signature")).collect()[0][0])
            request = requests_of(KeyRange(), wanted.where(is_first), pictures.where(is_first))
            return generations(request, key="signature", load=partial(engine, spec)).count() > 0

        def lose(signatures: Sequence[str]) -> None:
            beside.settle()
            alone = missing.where(F.col("signature").isin(*signatures))
            why = "the worker that was to answer it was killed, or its engine broke, on every try"
            keep(unanswered(alone, key="signature", error_class=WORKER_LOST, error_message=why))

        answered_in_ranges(
            ranges,
            ask=ask,
            keys_of=lambda chunk: [r[0] for r in requests_of(chunk, missing, pictures).select("signature").collect()],
            lose=lose,
            control=ask_again,
            progress=lambda done, chunks: ctx.progress(done, chunks, "chunks committed"),
        )
    tally.seconds.update(beside.seconds)
    measured = tally.measured(time.monotonic() - begun, engines=knobs.engines)
    answered = answers(ctx.read(GENERATIONS), images, **version)
    counts = _counts(wanted, answered, tally.refused, new)
    return replace(counts, measured=measured, report=_report(measured)).refuse_above(
        knobs.max_failed_share, unit=JOB.unit
    )


_BY_WORKERS = ("start", "decode", "engine")
_SPENT = ("read", *_BY_WORKERS, "write")


@dataclass(slots=True)
class _Tally:
    """What a run's chunks came to."""

    refused: Counter[str] = field(default_factory=Counter)
    """Error to how many were not kept."""
    answers: int = 0
    tokens: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_SPENT, 0.0))

    def add(self, written: DataFrame) -> None:
        """Note a chunk."""
        spent = [F.sum(f"{what}_seconds").alias(what) for what in _BY_WORKERS]
        figures = (F.count("*").alias("n"), F.coalesce(F.sum("output_tokens"), F.lit(0)).alias("tokens"), *spent)
        fates = written.groupBy("error_class").agg(*figures).collect()
        for fate in fates:
            if fate["error_class"] is None:
                self.answers += fate["n"]
            if fate["error_class"] in CURABLE:
                self.refused[fate["error_class"]] += fate["n"]
            self.tokens += fate["tokens"]
            for what in _BY_WORKERS:
                self.seconds[what] += fate[what]

    def measured(self, seconds: float, *, engines: int) -> dict[str, float]:
        """Seconds by what took them, summed over engines, and answers and tokens a second of the ``seconds`` that it
        took in all, without the engines' start; nothing where nobody was asked."""
        if not self.seconds["engine"]:
            return {}
        working = seconds - self.seconds["start"] / engines
        rates = {"images_per_second": self.answers / working, "tokens_per_second": self.tokens / working}
        spent = {f"{what}_seconds": self.seconds[what] for what in _SPENT}
        return {name: round(value, 3) for name, value in (spent | rates).items()}


def _report(measured: Mapping[str, float]) -> str:
    if not measured:
        return ""
    rates = "{images_per_second:.1f} images/s and {tokens_per_second:,.0f} tokens/s without the engine's start"
    spent = (
        "{read_seconds:.1f} s reading, {decode_seconds:.1f} s decoding, {engine_seconds:.1f} s in the engine, "
        "{write_seconds:.1f} s writing, some of it at the same time; {start_seconds:.1f} s starting"
    )
    return f"{rates}\n{spent}".format(**measured)


def requests_of(chunk: KeyRange, missing: DataFrame, pictures: DataFrame) -> DataFrame:
    """signature, prompt, images: what is asked about the signatures of a chunk, from those files of ``pictures`` alone
    that hold some of its range."""
    stored = chunk.of(pictures, "signature").select("signature", F.array("bytes").alias("images"))
    return chunk.of(missing, "signature").join(stored, on="signature", how="inner")


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
