"""Tune the vision-language model on the training set, and register it.

    geo finetune-vlm --conf conf/demo.yml

Reads training_examples and image_bytes; registers vlm@base and, when the held-out loss does not rise,
vlm@champion. A model of the same base, examples and recipe is reused, not trained again. Counts
training examples.
"""

import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from geo_lib.config import at_least_one, setting
from geo_lib.counts import Counts
from geo_lib.models import VLM, VLM_BASE, VLM_CHAMPION, ModelFiles, TrainingRun
from geo_lib.provenance import version_of
from geo_lib.serving.processor import bounds_of, load_processor
from geo_lib.training.promotion import Promotion, promoted
from geo_lib.training.shards import shards
from geo_lib.vlm import finetune as tuning
from geo_lib.vlm.batches import Example, StoredExamples
from geo_lib.vlm.features import VisualFeatures
from geo_lib.vlm.finetune import Recipe
from geo_lib.vlm.processes import Training
from geo_lib.vlm.settings import BaseVlm
from geo_lib.vlm.training_set import taught
from jobs.run.job import Context, Job
from schemas.image_bytes import IMAGE_BYTES
from schemas.training_examples import TRAINING_EXAMPLES

if TYPE_CHECKING:
    from geo_lib.vlm.trainer import Epoch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FinetuneVlm:
    """The knobs of this job; conf/*.yml may set any of them."""

    vlm: BaseVlm = setting(BaseVlm)
    recipe: Recipe = field(default_factory=Recipe)
    processes: int = 1
    """Processes of this machine that train together, a device each; every one takes ``recipe.batch_size`` examples."""
    checkpoint_steps: int = 100
    """Steps after which what was learned is kept, beside the end of every epoch; a killed run goes on from there."""

    def __post_init__(self) -> None:
        at_least_one(self, "processes", "checkpoint_steps")


def run(ctx: Context, knobs: FinetuneVlm) -> Counts:
    base = knobs.vlm.files(cache=ctx.path("models", "hub"))
    ctx.models.register(VLM, base)
    ctx.models.point(VLM_BASE, base.model_version)

    processor = load_processor(base.path, min_pixels=knobs.vlm.min_pixels, max_pixels=knobs.vlm.max_pixels)
    settings = {
        "base": base.digest,
        "recipe": asdict(knobs.recipe),
        "processes": knobs.processes,
        "bounds": asdict(bounds_of(processor)),
        "template": version_of(template=processor.chat_template),
        "trainer": tuning.TRAINER_VERSION,
    }
    history: list[Epoch] = []
    with tempfile.TemporaryDirectory() as folder:
        train_on, held_out = (_examples(ctx, split, Path(folder, split)) for split in ("train", "held_out"))
        images = _images(ctx, Path(folder, "images"))
        version = version_of(examples=_content(train_on, held_out), **settings)
        checkpoints = Path(ctx.path("models", "checkpoints", version))

        def train(run: TrainingRun, made: Path) -> None:
            training = Training(
                base=base.path,
                min_pixels=knobs.vlm.min_pixels,
                max_pixels=knobs.vlm.max_pixels,
                train=StoredExamples(train_on),
                held_out=StoredExamples(held_out),
                images=images(),
                recipe=knobs.recipe,
                checkpoints=checkpoints,
                checkpoint_steps=knobs.checkpoint_steps,
                made=made,
            )
            history.extend(training.run_in(knobs.processes, run.record, ctx.progress))

        promotion = promoted(
            ctx.models,
            VLM,
            version,
            parameters={"train_examples": len(train_on), "held_out_examples": len(held_out), **settings},
            train=train,
            loss=lambda files: _held_out_loss(files, StoredExamples(held_out), images(), knobs.recipe),
        )
        # the registry has the model now; those of other versions may be in training still
        shutil.rmtree(checkpoints, ignore_errors=True)
        examples = len(train_on) + len(held_out)
    produced = {
        "trained": int(promotion.is_trained),
        "champion_moved": int(promotion.has_moved),
        "epochs": len(history),
    }
    return Counts(examples, examples, produced=produced, report=_report(promotion, history))


def _held_out_loss(
    files: ModelFiles, held_out: Sequence[Example], images: Mapping[str, bytes], recipe: Recipe
) -> float | None:
    """A registered model's loss on these held-out examples, in nats per example; null when there are none.

    Eq. 2 per example and not per token, so that two bases with different tokenizers can be compared.
    """
    if not held_out:
        return None
    processor, model = load_processor(files.path), tuning.load(files.path)
    features = VisualFeatures(model, processor, images, keep=recipe.keep_visual_features)
    of_each = features.each([example.signature for example in held_out])
    recounted = [replace(e, visual_tokens=f.shape[0]) for e, f in zip(held_out, of_each, strict=True)]
    loss = tuning.loss_of(model, processor, recounted, features, recipe.batch_size)
    log.info("held-out loss per example of %s: %.4f", files.model_version, loss.per_example)
    del model, features
    tuning.release()
    return loss.per_example


def _content(*splits: Mapping[str, bytes]) -> str:
    """A version for exactly these examples, in the order of their ids."""
    content = sha256()
    for split in splits:
        for example_id, example in split.items():
            content.update(f"{example_id}\n{len(example)}\n".encode() + example)
        content.update(b"\n")
    return content.hexdigest()


def _examples(ctx: Context, split: str, folder: Path) -> Mapping[str, bytes]:
    """Example id to example as JSON, on this machine's disk."""
    content = F.to_json(F.struct("signature", "prompt", "response", "visual_tokens")).cast("binary")
    rows = taught(ctx.read(TRAINING_EXAMPLES)).where(F.col("split") == split).orderBy("example_id")
    return shards(rows.select("example_id", content.alias("content")), folder, key="example_id", content="content")


def _images(ctx: Context, folder: Path) -> Callable[[], Mapping[str, bytes]]:
    """Bytes of every image in the training set, brought to this machine's disk when they are first asked for."""

    @cache
    def fetched() -> Mapping[str, bytes]:
        wanted = taught(ctx.read(TRAINING_EXAMPLES)).select("signature").distinct()
        stored = ctx.read(IMAGE_BYTES).select("signature", "bytes").join(wanted, on="signature", how="inner")
        return shards(stored, folder, key="signature", content="bytes")

    return fetched


def _report(promotion: Promotion, history: "Sequence[Epoch]") -> str:
    version = promotion.model.model_version
    if not history:
        return f"model {version} reused, {'' if promotion.is_champion else 'not '}{VLM_CHAMPION}"
    lines = [f"model {version}, {'now' if promotion.is_champion else 'not'} {VLM_CHAMPION}; loss per answer token:"]
    for epoch in history:
        apart = "no held-out examples" if epoch.held_out is None else f"held out {epoch.held_out.per_token:.4f}"
        lines.append(f"  epoch {epoch.number}: train {epoch.train.per_token:.4f}, {apart}")
    return "\n".join(lines)


JOB = Job(
    name="finetune_vlm",
    knobs=FinetuneVlm,
    run=run,
    unit="training examples",
    reads=(TRAINING_EXAMPLES, IMAGE_BYTES),
    writes_models=(VLM_BASE, VLM_CHAMPION),
    files=lambda knobs: knobs.vlm.folders,
)
