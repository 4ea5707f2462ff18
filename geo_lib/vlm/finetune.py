"""LoRA on the language part of a Qwen2-VL, with the loss on the answer alone (paper, Eq. 2 and Table 1).

The vision tower is never adapted: vLLM would leave such weights out with a warning, and serve another
model than was trained.
"""

import gc
import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from geo_lib.config import at_least_one
from geo_lib.errors import ModelError
from geo_lib.training.schedule import warm_cosine
from geo_lib.vlm.batches import IGNORED, Encoded, Example, VisualFeatures, bucketed, collate, encode
from geo_lib.vlm.folding import folded

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import Qwen2VLForConditionalGeneration, Qwen2VLProcessor

log = logging.getLogger(__name__)

TRAINER_VERSION = 2
"""Raised when the same recipe would come out as another model."""

_LANGUAGE_LINEARS = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the model is tuned. The defaults suit the tiny base; the paper's Table 1 is in conf/prod.yml."""

    epochs: int = 9
    learning_rate: float = 3e-3
    """Peak; warmed up linearly, then a cosine to zero."""
    warmup_share: float = 0.03
    batch_size: int = 16
    gradient_accumulation: int = 1
    lora_rank: int = 64
    lora_alpha: int = 128
    lora_dropout: float = 0.0
    max_gradient_norm: float = 1.0
    keep_visual_features: bool = True
    """Pass each image through the frozen tower once and hold the result: right where it fits in memory."""
    seed: int = 0

    def __post_init__(self) -> None:
        at_least_one(self, "epochs", "batch_size", "gradient_accumulation", "lora_rank", "lora_alpha")
        if not 0 <= self.warmup_share < 1 or self.learning_rate <= 0:
            raise ValueError("warmup_share must be in [0, 1) and learning_rate above 0")


@dataclass(frozen=True, slots=True)
class Loss:
    """Negative log-likelihood of answers, in nats."""

    per_token: float
    per_example: float
    """Eq. 2 over the examples: comparable between models of different tokenizers."""


@dataclass(frozen=True, slots=True)
class Epoch:
    number: int
    train: Loss
    held_out: Loss | None
    """Null when there are no held-out examples."""


Record = Callable[[Mapping[str, float], int], None]
Advance = Callable[[int, int, str], None]


def load(path: str) -> "Qwen2VLForConditionalGeneration":
    """The model on the best device there is: bfloat16 on a GPU, float32 elsewhere."""
    import torch
    from transformers import Qwen2VLForConditionalGeneration
    from transformers.utils import logging as hub_logging

    hub_logging.disable_progress_bar()
    on_gpu = torch.cuda.is_available()
    model: Qwen2VLForConditionalGeneration = Qwen2VLForConditionalGeneration.from_pretrained(
        path, dtype=torch.bfloat16 if on_gpu else torch.float32
    )
    return model.to("cuda" if on_gpu else "cpu").eval()


def release() -> None:
    """Give the GPU's memory back once no model is held: an engine that starts after this wants nearly all of it."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def adapted(model: "Qwen2VLForConditionalGeneration", recipe: Recipe) -> "PeftModel":
    """The model with fresh adapters on its language part and everything else frozen."""
    from peft import LoraConfig, get_peft_model

    lora = LoraConfig(
        r=recipe.lora_rank,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules=_LANGUAGE_LINEARS,
        task_type="CAUSAL_LM",
    )
    tuned: PeftModel = get_peft_model(model, lora)
    refuse_visual_adapters(tuned)
    if model.device.type == "cuda":
        tuned.enable_input_require_grads()
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return tuned


def refuse_visual_adapters(model: "PeftModel") -> None:
    """Raise ``ModelError`` when an adapter sits in the vision tower, which serving would not apply."""
    visual = [name for name, _ in model.named_parameters() if "lora_" in name and ".visual." in name]
    if visual:
        raise ModelError(
            f"{len(visual)} adapter tensors sit in the vision tower ({visual[0]}, ...), and vLLM serves only those of "
            "the language part; choose target modules under language_model"
        )


def finetune(
    model: "Qwen2VLForConditionalGeneration",
    processor: "Qwen2VLProcessor",
    *,
    train: Sequence[Example],
    held_out: Sequence[Example],
    images: Mapping[str, bytes],
    recipe: Recipe,
    record: Record = lambda metrics, step: None,
    advance: Advance = lambda done, total, what: None,
) -> "tuple[Qwen2VLForConditionalGeneration, list[Epoch]]":
    """Tune and return the merged model with the losses of every epoch; ``model`` itself is used up.

    ``images`` maps every signature to its bytes. ``record`` takes metrics per step, ``advance`` tells how
    far it is. The same arguments give the same model on the same machine.
    """
    import torch

    if not train:
        raise ModelError("there is no training example; look at what build-training-set dropped, and why")
    torch.manual_seed(recipe.seed)
    features = VisualFeatures(model, processor, images, keep=recipe.keep_visual_features)
    features.check(train)
    encoded = [encode(processor, example) for example in train]
    encoded_apart = [encode(processor, example) for example in held_out]
    lengths = [len(example.input_ids) for example in encoded]
    tuned = adapted(model, recipe)
    trainable = [parameter for parameter in tuned.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trainable, lr=recipe.learning_rate, weight_decay=0.0, fused=True)
    steps_per_epoch = math.ceil(math.ceil(len(encoded) / recipe.batch_size) / recipe.gradient_accumulation)
    total = recipe.epochs * steps_per_epoch
    share = partial(warm_cosine, total=total, warmup_share=recipe.warmup_share)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, share)

    history: list[Epoch] = []
    step = 0
    with folded(tuned) as fold:
        for number in range(1, recipe.epochs + 1):
            tuned.train()
            batches = bucketed(lengths, batch_size=recipe.batch_size, seed=recipe.seed + number)
            seen = _Sum()
            for start in range(0, len(batches), recipe.gradient_accumulation):
                group = [[encoded[i] for i in batch] for batch in batches[start : start + recipe.gradient_accumulation]]
                answers = sum(example.answer_tokens for batch in group for example in batch)
                nats = 0.0
                for batch in group:
                    loss = _nats(tuned, _inputs(batch, features, processor))
                    (loss / answers).backward()
                    nats += float(loss.detach())
                if fold:
                    fold.pass_gradients()
                torch.nn.utils.clip_grad_norm_(trainable, recipe.max_gradient_norm)
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
                if fold:
                    fold.fold()
                schedule.step()
                step += 1
                seen.add(nats, answers, sum(map(len, group)))
                record({"train_loss": nats / answers, "learning_rate": schedule.get_last_lr()[0]}, step)
                advance(step, total, f"epoch {number} of {recipe.epochs}, loss {seen.loss().per_token:.3f}")
            apart = _loss(tuned, processor, encoded_apart, features, recipe.batch_size) if held_out else None
            history.append(Epoch(number, seen.loss(), apart))
            record(_metrics(history[-1]), step)
            told = apart and f"{apart.per_token:.4f}"
            log.info("epoch %d: train %.4f, held out %s", number, seen.loss().per_token, told)
    merged: Qwen2VLForConditionalGeneration = tuned.merge_and_unload()
    return merged.eval(), history


def loss_of(
    model: Any,
    processor: "Qwen2VLProcessor",
    examples: Sequence[Example],
    features: VisualFeatures,
    batch_size: int,
) -> Loss:
    """The loss over ``examples``, in evaluation mode and without gradients."""
    return _loss(model, processor, [encode(processor, example) for example in examples], features, batch_size)


def _loss(
    model: Any, processor: "Qwen2VLProcessor", encoded: Sequence[Encoded], features: VisualFeatures, batch_size: int
) -> Loss:
    import torch

    model.eval()
    by_length = sorted(encoded, key=lambda example: len(example.input_ids))
    seen = _Sum()
    with torch.no_grad():
        for start in range(0, len(by_length), batch_size):
            batch = by_length[start : start + batch_size]
            nats = float(_nats(model, _inputs(batch, features, processor)))
            seen.add(nats, sum(example.answer_tokens for example in batch), len(batch))
    return seen.loss()


def _metrics(epoch: Epoch) -> dict[str, float]:
    metrics = {"epoch_train_loss": epoch.train.per_token}
    if epoch.held_out is not None:
        metrics |= {"held_out_loss": epoch.held_out.per_token, "held_out_loss_per_example": epoch.held_out.per_example}
    return metrics


class _Sum:
    def __init__(self) -> None:
        self._nats, self._tokens, self._examples = 0.0, 0, 0

    def add(self, nats: float, tokens: int, examples: int) -> None:
        self._nats += nats
        self._tokens += tokens
        self._examples += examples

    def loss(self) -> Loss:
        return Loss(self._nats / self._tokens, self._nats / self._examples)


def _inputs(batch: Sequence[Encoded], features: VisualFeatures, processor: "Qwen2VLProcessor") -> dict[str, Any]:
    tokenizer = processor.tokenizer
    return collate(batch, features, pad=tokenizer.pad_token_id, image_token=processor.image_token_id)


def _nats(model: Any, inputs: dict[str, Any]) -> Any:
    """Summed negative log-likelihood of the labelled tokens (Eq. 2), as a tensor.

    Logits are made from where the first answer begins: over the prompts they would cost memory and say nothing.
    """
    import torch

    labels = inputs.pop("labels")
    first = int((labels != IGNORED).any(dim=0).nonzero()[0])
    with _last_layer_from(model, first - 1):
        logits = model(**inputs, use_cache=False, logits_to_keep=labels.shape[1] - first + 1).logits[:, :-1]
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1).float(), labels[:, first:].flatten(), ignore_index=IGNORED, reduction="sum"
    )


@contextmanager
def _last_layer_from(model: Any, place: int) -> Iterator[None]:
    """Within the block the last layer gives the positions from ``place`` on, and spares its feed-forward the others.

    Earlier positions are attended to and lead to no logits. A layer that is checkpointed is left whole: it is computed
    again after the block.
    """
    from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VLTextModel

    layer = next(module for module in model.modules() if isinstance(module, Qwen2VLTextModel)).layers[-1]
    if layer.gradient_checkpointing:
        yield
        return

    def forward(hidden_states: Any, **others: Any) -> Any:
        attended, _ = layer.self_attn(hidden_states=layer.input_layernorm(hidden_states), **others)
        kept = (hidden_states + attended)[:, place:]
        return kept + layer.mlp(layer.post_attention_layernorm(kept))

    layer.forward = forward
    try:
        yield
    finally:
        del layer.forward
