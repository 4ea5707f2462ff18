"""What jobs that tune the model share: its examples and pictures on this machine, and vLLM beside the training."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Protocol

from pyspark.sql import functions as F

from geo_lib.errors import ModelError
from geo_lib.models import VLM, VLM_CHAMPION, ModelFiles
from geo_lib.serving.processor import load_processor
from geo_lib.serving.settings import AskedVlm
from geo_lib.serving.vllm import engine, spec_of
from geo_lib.training.shards import shards
from geo_lib.vlm import finetune as tuning
from geo_lib.vlm import greedy, parity
from geo_lib.vlm.batches import Example
from geo_lib.vlm.parity import Parity, Served, TrainingAnswers, Verdict
from geo_lib.vlm.training_set import taught
from jobs.run.job import Context
from schemas.image_bytes import IMAGE_BYTES
from schemas.training_examples import TRAINING_EXAMPLES


class ParityKnobs(Protocol):
    """Knobs of a job that holds what is served against what was trained."""

    @property
    def asked(self) -> AskedVlm: ...
    @property
    def parity(self) -> Parity: ...


def examples_of(ctx: Context, split: str, folder: Path) -> Mapping[str, bytes]:
    """Example id to example as JSON, on this machine's disk."""
    content = F.to_json(F.struct("signature", "prompt", "response", "visual_tokens")).cast("binary")
    rows = taught(ctx.read(TRAINING_EXAMPLES)).where(F.col("split") == split).orderBy("example_id")
    return shards(rows.select("example_id", content.alias("content")), folder, key="example_id", content="content")


def images_of(ctx: Context, folder: Path) -> Callable[[], Mapping[str, bytes]]:
    """Bytes of every image in the training set, brought to this machine's disk when they are first asked for."""

    @cache
    def fetched() -> Mapping[str, bytes]:
        wanted = taught(ctx.read(TRAINING_EXAMPLES)).select("signature").distinct()
        stored = ctx.read(IMAGE_BYTES).select("signature", "bytes").join(wanted, on="signature", how="inner")
        return shards(stored, folder, key="signature", content="bytes")

    return fetched


def parity_of(
    ctx: Context,
    knobs: ParityKnobs,
    files: ModelFiles,
    held_out: Sequence[Example],
    images: Callable[[], Mapping[str, bytes]],
) -> Verdict:
    """Hold what vLLM makes of a registered model against what its training wrote; keep the figures with its run.

    Raises ``ModelError`` when they differ. Nothing is compared where nothing was held out, or nothing kept.
    """
    kept = TrainingAnswers.load(Path(files.path))
    trained = kept and kept.first(knobs.parity.examples)
    if not trained or not trained.questions:
        return Verdict(0, 0, None)
    decoding, precision = trained.decoding, trained.precision
    spec = spec_of(
        files,
        replace(knobs.asked, decoding=decoding),
        log_file=ctx.log_file("vllm.log"),
        precision=None if precision == tuning.precision() else precision,  # an engine of its own only where need be
    )
    answers = greedy.served(ctx.spark, trained.questions, images(), load=partial(engine, spec))
    processor = load_processor(files.path)

    def by_merged_weights() -> list[str]:
        some = held_out[: len(trained.questions)]
        model = tuning.load(files.path)
        by = greedy.written(model, processor, some, images(), decoding=decoding, precision=precision)
        return [answer.text for answer in by]

    found = parity.verdict(
        trained,
        Served(spec.bounds, answers),
        parity=knobs.parity,
        image_token=processor.image_token_id,
        decode=processor.tokenizer.decode,
        merged=by_merged_weights,
    )
    ctx.models.measured(VLM, files.model_version, {"parity_asked": found.asked, "parity_equal": found.equal})
    if found.difference is not None:
        raise ModelError(
            f"{files.model_version} does not answer through vLLM as it did in training, so it stays registered and "
            f"{VLM_CHAMPION} where it is: {found.difference}"
        )
    return found
