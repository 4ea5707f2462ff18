"""TRL's ``DPOTrainer`` on our own batches: the tokens, masks and kept features that the tuning itself has.

TRL would tokenise and scale every picture anew in each epoch, once for either answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback, TrainerControl, TrainerState
from trl import DPOConfig, DPOTrainer

from geo_lib.vlm.batches import IGNORED, encode, padded
from geo_lib.vlm.features import VisualFeatures
from geo_lib.vlm.finetune import arguments, lora
from geo_lib.vlm.preference import Pair, PreferenceRecipe
from geo_lib.vlm.trainer import Advance, Record

if TYPE_CHECKING:
    from transformers import Qwen2VLForConditionalGeneration, Qwen2VLProcessor


class Collating:
    """Rows of pairs as the model reads them: all chosen answers, then all rejected ones, as TRL splits a batch."""

    def __init__(self, processor: "Qwen2VLProcessor", features: VisualFeatures) -> None:
        self._processor, self._features = processor, features

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        pairs = [_pair(row) for row in rows]
        examples = [p.example(p.chosen) for p in pairs] + [p.example(p.rejected) for p in pairs]
        encoded = [encode(self._processor, example) for example in examples]
        tokenizer = self._processor.tokenizer
        batch = padded(encoded, pad=tokenizer.pad_token_id, image_token=self._processor.image_token_id)
        lengths = torch.tensor([len(one.input_ids) for one in encoded])
        read = torch.arange(batch["input_ids"].shape[1]) < lengths[:, None]
        answered = batch.pop("labels") != IGNORED
        masks = {"completion_mask": answered.long(), "attention_mask": read.long()}
        return self._features.beside(batch) | {name: mask.to(self._features.device) for name, mask in masks.items()}


class PairTrainer(DPOTrainer):  # type: ignore[misc]
    def measured(self, pairs: Sequence[Pair]) -> dict[str, float]:
        """The metrics of pairs that it does not learn from."""
        metrics: dict[str, float] = self.evaluate(_rows(pairs))
        return metrics

    def _send_telemetry(self) -> None:
        """TRL tells its makers of every trainer that is built; ours tells nobody."""


class Telling(TrainerCallback):  # type: ignore[misc]
    def __init__(self, record: Record, advance: Advance) -> None:
        self._record, self._advance = record, advance

    def on_log(self, args: Any, state: TrainerState, control: TrainerControl, logs: Any = None, **_: Any) -> None:
        if logs and "rewards/margins" in logs:
            margin = logs["rewards/margins"]
            self._record({"train_loss": logs["loss"], "reward_margin": margin}, state.global_step)
            self._advance(state.global_step, state.max_steps, f"reward margin {margin:.3f}")


def trainer_of(
    model: "Qwen2VLForConditionalGeneration",
    processor: "Qwen2VLProcessor",
    train: Sequence[Pair],
    collate: Collating,
    recipe: PreferenceRecipe,
    folder: str,
    *,
    record: Record,
    advance: Advance,
) -> PairTrainer:
    """A trainer that puts new adapters on ``model`` and takes the model without them for reference."""
    told = arguments(
        DPOConfig,
        recipe,
        folder,
        beta=recipe.beta,
        per_device_eval_batch_size=recipe.batch_size,
        lr_scheduler_type="cosine",
        warmup_steps=recipe.warmup_share,
        max_length=None,  # it would cut what is longer
    )
    trainer = PairTrainer(
        model,
        args=told,
        data_collator=collate,
        train_dataset=_rows(train),
        processing_class=processor,
        peft_config=lora(recipe),
        callbacks=[Telling(record, advance)],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _rows(pairs: Sequence[Pair]) -> Dataset:
    """A column named image is how TRL knows that it is to leave the rows to the collator."""
    return Dataset.from_list([{"image" if k == "signature" else k: v for k, v in asdict(p).items()} for p in pairs])


def _pair(row: Mapping[str, Any]) -> Pair:
    return Pair(row["image"], row["prompt"], row["chosen"], row["rejected"], row["visual_tokens"])
