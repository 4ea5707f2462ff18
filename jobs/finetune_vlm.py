"""Tune the vision-language model on the training set, and register it.

    geo finetune-vlm --conf conf/demo.yml

Reads training_examples and image_bytes; registers vlm@base and, when the held-out loss does not rise and vLLM answers
as the training did, vlm@champion. A model of the same base, examples and recipe is reused, not trained again. Counts
training examples.
"""

import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from geo_lib.config import at_least_one, setting
from geo_lib.counts import Counts
from geo_lib.models import VLM, VLM_BASE, VLM_CHAMPION, ModelFiles, TrainingRun
from geo_lib.provenance import version_of
from geo_lib.serving.processor import bounds_of, load_processor
from geo_lib.serving.settings import AskedVlm
from geo_lib.training.promotion import Promotion, promoted
from geo_lib.vlm import finetune as tuning
from geo_lib.vlm import greedy, parity
from geo_lib.vlm.batches import Example, StoredExamples
from geo_lib.vlm.features import VisualFeatures
from geo_lib.vlm.finetune import Recipe
from geo_lib.vlm.parity import Parity, Verdict
from geo_lib.vlm.processes import Training
from geo_lib.vlm.settings import BaseVlm
from jobs.run.job import Context, Job
from jobs.run.tuning import examples_of, images_of, parity_of
from schemas.image_bytes import IMAGE_BYTES
from schemas.training_examples import TRAINING_EXAMPLES

if TYPE_CHECKING:
    from geo_lib.vlm.trainer import Epoch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FinetuneVlm:
    """The knobs of this job; conf/*.yml may set any of them."""

    vlm: BaseVlm = setting(BaseVlm)
    asked: AskedVlm = setting(AskedVlm, of="vlm")
    """As annotate_images asks it, which finds the engine that was compared with the training."""
    recipe: Recipe = field(default_factory=Recipe)
    parity: Parity = field(default_factory=Parity)
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
        train_on, held_out = (examples_of(ctx, split, Path(folder, split)) for split in ("train", "held_out"))
        images = images_of(ctx, Path(folder, "images"))
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
                parity=knobs.parity,
                decoding=greedy.greedy(knobs.asked.decoding),
                made=made,
            )
            history.extend(training.run_in(knobs.processes, run.record, ctx.progress))

        found: list[Verdict] = []

        def check(files: ModelFiles) -> None:
            # the registry has the model now; those of other versions may be in training still
            shutil.rmtree(checkpoints, ignore_errors=True)
            found.append(parity_of(ctx, knobs, files, StoredExamples(held_out), images))

        promotion = promoted(
            ctx.models,
            VLM,
            version,
            parameters={"train_examples": len(train_on), "held_out_examples": len(held_out), **settings},
            train=train,
            loss=lambda files: _held_out_loss(files, StoredExamples(held_out), images(), knobs.recipe),
            check=check,
        )
        shutil.rmtree(checkpoints, ignore_errors=True)
        examples = len(train_on) + len(held_out)
    produced = {
        "trained": int(promotion.is_trained),
        "champion_moved": int(promotion.has_moved),
        "epochs": len(history),
        "parity_asked": sum(verdict.asked for verdict in found),
        "parity_equal": sum(verdict.equal for verdict in found),
    }
    said = [_report(promotion, history), *[parity.report(verdict, knobs.parity.examples) for verdict in found]]
    return Counts(examples, examples, produced=produced, report="\n".join(said))


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
