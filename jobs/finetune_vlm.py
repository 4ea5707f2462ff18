"""Tune the vision-language model on the training set, and register it.

    geo finetune-vlm --conf conf/demo.yml

Reads training_examples and image_bytes; registers vlm@base and, when the held-out loss does not rise,
vlm@champion. A model of the same base, examples and recipe is reused, not trained again. Counts
training examples.
"""

import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from pyspark.sql import Row

from geo_lib.config import setting
from geo_lib.counts import Counts
from geo_lib.models import VLM, VLM_BASE, VLM_CHAMPION, ModelFiles
from geo_lib.provenance import version_of
from geo_lib.vlm import finetune as tuning
from geo_lib.vlm.batches import Example, VisualFeatures
from geo_lib.vlm.finetune import Epoch, Loss, Recipe
from geo_lib.vlm.processor import bounds_of, load_processor
from geo_lib.vlm.settings import BaseVlm
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

    rows = ctx.read(TRAINING_EXAMPLES).orderBy("example_id").collect()
    processor = load_processor(base.path, min_pixels=knobs.vlm.min_pixels, max_pixels=knobs.vlm.max_pixels)
    settings = {
        "base": base.digest,
        "recipe": asdict(knobs.recipe),
        "bounds": asdict(bounds_of(processor)),
        "template": version_of(template=processor.chat_template),
        "trainer": tuning.TRAINER_VERSION,
    }
    model_version = version_of(examples=_content(rows), **settings)
    champion, known = ctx.models.find(VLM_CHAMPION), ctx.models.known(VLM, model_version)
    if known is not None and known == champion:
        log.info("%s is the champion already", model_version)
        return Counts(len(rows), len(rows), produced={"trained": 0}, report=f"model {model_version} reused")

    train, held_out = _examples(rows, "train"), _examples(rows, "held_out")
    images = _images(ctx)
    to_beat = None if champion is None else _held_out_loss(champion, held_out, images, knobs.recipe)
    history: list[Epoch] = []
    if known is not None:  # trained before and not promoted: found worse then, or stopped in between
        new = _held_out_loss(known, held_out, images, knobs.recipe)
    else:
        parameters = {"train_examples": len(train), "held_out_examples": len(held_out), **_flat(settings)}
        with ctx.models.training(VLM, model_version, parameters) as training:
            tuned, history = tuning.finetune(
                tuning.load(base.path),
                processor,
                train=train,
                held_out=held_out,
                images=images,
                recipe=knobs.recipe,
                record=training.record,
                advance=ctx.progress,
            )
            with tempfile.TemporaryDirectory() as folder:
                tuned.save_pretrained(folder)
                processor.save_pretrained(folder)
                ctx.models.keep(VLM, model_version, Path(folder), run=training)
        new = history[-1].held_out
        del tuned
        tuning.release()
    is_champion = to_beat is None or new is None or new.per_example <= to_beat.per_example
    if is_champion:
        ctx.models.point(VLM_CHAMPION, model_version)
    produced = {"trained": int(known is None), "champion_moved": int(is_champion), "epochs": len(history)}
    return Counts(len(rows), len(rows), produced=produced, report=_report(model_version, history, is_champion))


def _held_out_loss(
    files: ModelFiles, held_out: Sequence[Example], images: Mapping[str, bytes], recipe: Recipe
) -> Loss | None:
    """A registered model's loss on these held-out examples; null when there are none.

    Eq. 2 per example and not per token, so that two bases with different tokenizers can be compared.
    """
    if not held_out:
        return None
    processor, model = load_processor(files.path), tuning.load(files.path)
    features = VisualFeatures(model, processor, images, keep=recipe.keep_visual_features)
    recounted = [replace(example, visual_tokens=features.tokens(example.signature)) for example in held_out]
    loss = tuning.loss_of(model, processor, recounted, features, recipe.batch_size)
    log.info("held-out loss per example of %s: %.4f", files.model_version, loss.per_example)
    del model, features
    tuning.release()
    return loss


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


def _images(ctx: Context) -> dict[str, bytes]:
    """Bytes of every image in the training set, in the driver's memory: 100,000 pins are some 10 GB."""
    wanted = ctx.read(TRAINING_EXAMPLES).select("signature").distinct()
    stored = ctx.read(IMAGE_BYTES).select("signature", "bytes").join(wanted, on="signature", how="inner")
    return {row["signature"]: bytes(row["bytes"]) for row in stored.toLocalIterator()}


def _flat(settings: Mapping[str, object]) -> dict[str, object]:
    """Nested settings under dotted names, as MLflow's parameter table wants them."""
    flat: dict[str, object] = {}
    for name, value in settings.items():
        nested = {f"{name}.{k}": v for k, v in value.items()} if isinstance(value, Mapping) else {name: value}
        flat |= nested
    return flat


def _report(model_version: str, history: Sequence[Epoch], is_champion: bool) -> str:
    lines = [f"model {model_version}, {'now' if is_champion else 'not'} vlm@champion; loss per answer token:"]
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
    files=lambda knobs: (knobs.vlm.base,) if Path(knobs.vlm.base).is_dir() else (),
)
