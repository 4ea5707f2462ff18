"""A LLaMA that judges eligibility: its sequence classifier, tuned by LoRA, an output for each head.

Temperature and thresholds come from the same code as those of linear heads, from phrasings that it was not tuned on.
"""

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from geo_lib.config import at_least_one
from geo_lib.queries.eligibility.heads import FIT
from geo_lib.queries.eligibility.labels import Label, of_head, places_of, rows_of
from geo_lib.queries.eligibility.model import LLAMA, kind_of, save_kind
from geo_lib.training.linear import HeadRecipe, Scores, Thresholds, calibrated, shares_of
from geo_lib.training.schedule import warm_cosine

TRAINER_VERSION = 1
"""Raised when the same recipe would come out as another model."""
_LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class LlamaRecipe:
    """How the classifier is tuned."""

    epochs: int = 3
    learning_rate: float = 1e-4
    """Peak; warmed up linearly, then a cosine to zero."""
    warmup_share: float = 0.03
    batch_size: int = 32
    lora_rank: int = 16
    lora_alpha: int = 32
    max_tokens: int = 64
    """Of one text; what is longer is cut."""
    seed: int = 0

    def __post_init__(self) -> None:
        at_least_one(self, "epochs", "batch_size", "lora_rank", "lora_alpha", "max_tokens")
        if not 0 <= self.warmup_share < 1 or self.learning_rate <= 0:
            raise ValueError("warmup_share must be in [0, 1) and learning_rate above 0")


@dataclass(frozen=True, slots=True)
class LlamaHeads:
    """The tuned classifier with what was measured of it."""

    model: Any
    tokenizer: Any
    temperatures: Mapping[str, float]
    thresholds: Mapping[str, Thresholds]
    max_tokens: int

    def probabilities(self, texts: Sequence[str]) -> Mapping[str, Scores]:
        logits = _logits(self.model, self.tokenizer, texts, self.max_tokens)
        return {
            name: shares_of(_two(logits[:, place]), temperature)
            for place, (name, temperature) in enumerate(self.temperatures.items())
        }


def fit_llama(
    train: Sequence[Label],
    measure: Sequence[Label],
    folder: Path,
    *,
    base: str,
    heads: Sequence[str],
    recipe: LlamaRecipe,
    sure: HeadRecipe,
) -> None:
    """Tune the LLaMA in ``base`` on ``train`` and leave it in ``folder``, with what it may be sure of by ``measure``.

    The same arguments give the same model on the same machine.
    """
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoTokenizer, LlamaForSequenceClassification, Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained(base)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    torch.manual_seed(recipe.seed)
    on_gpu = torch.cuda.is_available()
    plain = LlamaForSequenceClassification.from_pretrained(
        base,
        num_labels=len(heads),
        problem_type="multi_label_classification",
        pad_token_id=tokenizer.pad_token_id,
        dtype=torch.bfloat16 if on_gpu else torch.float32,
    )
    lora = LoraConfig(
        task_type="SEQ_CLS", r=recipe.lora_rank, lora_alpha=recipe.lora_alpha, target_modules=_LINEARS
    )  # the classifier itself is trained whole
    tuned = get_peft_model(plain, lora)

    def collate(rows: Sequence[Label]) -> dict[str, Any]:
        encoded = _encoded(tokenizer, [row.text for row in rows], recipe.max_tokens)
        wanted = [[float(name in row.kinds) for name in heads] for row in rows]
        return {**encoded, "labels": torch.tensor(wanted, dtype=plain.dtype)}

    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            output_dir=scratch,
            num_train_epochs=recipe.epochs,
            per_device_train_batch_size=recipe.batch_size,
            seed=recipe.seed,
            use_cpu=not on_gpu,
            bf16=on_gpu,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            remove_unused_columns=False,
        )
        steps = math.ceil(len(train) / recipe.batch_size) * recipe.epochs
        share = partial(warm_cosine, total=steps, warmup_share=recipe.warmup_share)
        learned = [parameter for parameter in tuned.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(learned, lr=recipe.learning_rate, weight_decay=0.0)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
        Trainer(
            model=tuned,
            args=arguments,
            train_dataset=list(train),
            data_collator=collate,
            optimizers=(optimizer, schedule),
        ).train()
    whole = tuned.merge_and_unload().eval()
    whole.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    logits = _logits(whole, tokenizer, [label.text for label in measure], recipe.max_tokens)
    temperatures, thresholds = {}, {}
    for place, name in enumerate(heads):
        rows = rows_of(of_head(measure, name), name, None)
        targets = np.array([(FIT, name).index(label) for label in rows.labels])
        temperatures[name], thresholds[name] = calibrated(
            _two(logits[places_of(measure, name), place]), targets, rows, classes=(FIT, name), recipe=sure
        )
    save_kind(folder, LLAMA, temperatures=temperatures, thresholds=thresholds, max_tokens=recipe.max_tokens)


def load(folder: str) -> LlamaHeads:
    """The classifier in a folder, on the best device that this process has."""
    import torch
    from transformers import AutoTokenizer, LlamaForSequenceClassification

    said = kind_of(folder)
    on_gpu = torch.cuda.is_available()
    dtype = torch.bfloat16 if on_gpu else torch.float32
    model = LlamaForSequenceClassification.from_pretrained(folder, dtype=dtype).to("cuda" if on_gpu else "cpu").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return LlamaHeads(model, tokenizer, said["temperatures"], said["thresholds"], said["max_tokens"])


def _encoded(tokenizer: Any, texts: Sequence[str], max_tokens: int) -> Mapping[str, Any]:
    encoded = tokenizer(list(texts), truncation=True, max_length=max_tokens, padding=True, return_tensors="pt")
    return {name: encoded[name] for name in ("input_ids", "attention_mask")}


def _logits(model: Any, tokenizer: Any, texts: Sequence[str], max_tokens: int) -> Scores:
    """Shape (texts, heads)."""
    import torch

    found = []
    with torch.no_grad():
        for start in range(0, len(texts), _AT_ONCE):
            encoded = _encoded(tokenizer, texts[start : start + _AT_ONCE], max_tokens)
            there = {name: tensor.to(model.device) for name, tensor in encoded.items()}
            found.append(model(**there).logits.float().cpu().numpy())
    logits: Scores = np.concatenate(found).astype(np.float64)
    return logits


def _two(logit: Scores) -> Scores:
    """The scores of two classes, fit and the kind, of which the logit is the difference."""
    return np.stack([np.zeros_like(logit), logit], axis=1)
