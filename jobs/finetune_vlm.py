"""Tune the vision-language model on the training set, and register it.

    geo finetune-vlm --conf conf/demo.yml

Reads training_examples and image_bytes; registers vlm@base and, when the held-out loss does not rise,
vlm@champion. A model of the same base, examples and recipe is reused, not trained again. Counts
training examples.
"""

import logging
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path

from pyspark.sql import Row

from geo_lib.config import setting
from geo_lib.counts import Counts
from geo_lib.models import VLM, VLM_BASE, VLM_CHAMPION, ModelFiles, TrainingRun
from geo_lib.provenance import version_of
from geo_lib.serving.processor import bounds_of, load_processor
from geo_lib.training.promotion import Promotion, promoted
from geo_lib.training.shards import shards
from geo_lib.vlm import finetune as tuning
from geo_lib.vlm.batches import Example, VisualFeatures
from geo_lib.vlm.finetune import Epoch, Recipe
from geo_lib.vlm.settings import BaseVlm
from geo_lib.vlm.training_set import taught
from jobs.run.job import Context, Job
from schemas.image_bytes import IMAGE_BYTES
from schemas.training_examples import TRAINING_EXAMPLES

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FinetuneVlm:
    """The knobs of this job; conf/*.yml may set any of them."""

    vlm: BaseVlm = setting(BaseVlm)
    recipe: Recipe = field(default_factory=Recipe)


def run(ctx: Context, knobs: FinetuneVlm) -> Counts:
    base = knobs.vlm.files(cache=ctx.path("models", "hub"))
    ctx.models.register(VLM, base)
    ctx.models.point(VLM_BASE, base.model_version)

    rows = taught(ctx.read(TRAINING_EXAMPLES)).orderBy("example_id").collect()
    train_on, held_out = _examples(rows, "train"), _examples(rows, "held_out")
    processor = load_processor(base.path, min_pixels=knobs.vlm.min_pixels, max_pixels=knobs.vlm.max_pixels)
    settings = {
        "base": base.digest,
        "recipe": asdict(knobs.recipe),
        "bounds": asdict(bounds_of(processor)),
        "template": version_of(template=processor.chat_template),
        "trainer": tuning.TRAINER_VERSION,
    }
    history: list[Epoch] = []
    with tempfile.TemporaryDirectory() as folder:
        images = _images(ctx, Path(folder))

        def train(training: TrainingRun, made: Path) -> None:
            tuned, epochs = tuning.finetune(
                tuning.load(base.path),
                processor,
                train=train_on,
                held_out=held_out,
                images=images(),
                recipe=knobs.recipe,
                record=training.record,
                advance=ctx.progress,
            )
            tuned.save_pretrained(made)
            processor.save_pretrained(made)
            history.extend(epochs)
            del tuned
            tuning.release()

        promotion = promoted(
            ctx.models,
            VLM,
            version_of(examples=_content(rows), **settings),
            parameters={"train_examples": len(train_on), "held_out_examples": len(held_out), **settings},
            train=train,
            loss=lambda files: _held_out_loss(files, held_out, images(), knobs.recipe),
        )
    produced = {
        "trained": int(promotion.is_trained),
        "champion_moved": int(promotion.has_moved),
        "epochs": len(history),
    }
    return Counts(len(rows), len(rows), produced=produced, report=_report(promotion, history))


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


def _content(rows: Sequence[Row]) -> str:
    """A version for exactly these examples, in the order of their ids."""
    columns = ("example_id", "signature", "split", "prompt", "response", "visual_tokens")
    return version_of(rows=[[row[name] for name in columns] for row in rows])


def _examples(rows: Sequence[Row], split: str) -> list[Example]:
    return [
        Example(row["signature"], row["prompt"], row["response"], row["visual_tokens"])
        for row in rows
        if row["split"] == split
    ]


def _images(ctx: Context, folder: Path) -> Callable[[], Mapping[str, bytes]]:
    """Bytes of every image in the training set, brought to this machine's disk when they are first asked for."""

    @cache
    def fetched() -> Mapping[str, bytes]:
        wanted = taught(ctx.read(TRAINING_EXAMPLES)).select("signature").distinct()
        stored = ctx.read(IMAGE_BYTES).select("signature", "bytes").join(wanted, on="signature", how="inner")
        return shards(stored, folder, key="signature", content="bytes")

    return fetched


def _report(promotion: Promotion, history: Sequence[Epoch]) -> str:
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
