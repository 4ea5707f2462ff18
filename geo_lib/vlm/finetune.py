"""LoRA on the language part of a Qwen2-VL, with the loss on the answer alone (paper, Eq. 2 and Table 1).

The vision tower is never adapted: vLLM would leave such weights out with a warning, and serve another
model than was trained.
"""

import gc
import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo_lib.config import at_least_one
from geo_lib.errors import ModelError
from geo_lib.vlm.batches import Encoding, Example
from geo_lib.vlm.features import VisualFeatures
from geo_lib.vlm.folding import folded
from geo_lib.vlm.loss import Loss, tallied

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel
    from transformers import Qwen2VLForConditionalGeneration, Qwen2VLProcessor

    from geo_lib.vlm.trainer import Advance, Epoch, Record

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
    """Pass each image through the frozen tower once and keep the result on disk: right where it fits there."""
    seed: int = 0

    def __post_init__(self) -> None:
        at_least_one(self, "epochs", "batch_size", "gradient_accumulation", "lora_rank", "lora_alpha")
        if not 0 <= self.warmup_share < 1 or self.learning_rate <= 0:
            raise ValueError("warmup_share must be in [0, 1) and learning_rate above 0")


def load(path: str) -> "Qwen2VLForConditionalGeneration":
    """The model on the best device that this process has: bfloat16 on a GPU, float32 elsewhere.

    Raises ``ModelError`` when the folder holds a model of another architecture.
    """
    import torch
    from transformers import AutoConfig, Qwen2VLForConditionalGeneration
    from transformers.utils import logging as hub_logging

    architecture = AutoConfig.from_pretrained(path).model_type
    if architecture != Qwen2VLForConditionalGeneration.config_class.model_type:
        raise ModelError(
            f"the model in {path} is a {architecture}, and what is tuned here is a qwen2_vl; give settings.vlm.base "
            "the folder or the hub id of one"
        )
    hub_logging.disable_progress_bar()
    on_gpu = torch.cuda.is_available()
    model: Qwen2VLForConditionalGeneration = Qwen2VLForConditionalGeneration.from_pretrained(
        path, dtype=torch.bfloat16 if on_gpu else torch.float32
    )
    return model.to(f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if on_gpu else "cpu").eval()


def processes() -> int:
    """How many processes train this model, of which this is one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first_process() -> bool:
    return os.environ.get("RANK", "0") == "0"


def release() -> None:
    """Give the GPU's memory back once no model is held: an engine that starts after this wants nearly all of it."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def adapted(model: "Qwen2VLForConditionalGeneration", recipe: Recipe) -> "PeftModel":
    """The model with fresh adapters on its language part and everything else frozen."""
    from peft import get_peft_model

    tuned: PeftModel = get_peft_model(model, lora(recipe))
    refuse_visual_adapters(tuned)
    if model.device.type == "cuda":
        tuned.enable_input_require_grads()  # what gradient checkpointing needs where the inputs have none
    return tuned


def lora(recipe: Recipe) -> "LoraConfig":
    """Adapters for every linear of the language part."""
    from peft import LoraConfig

    return LoraConfig(
        r=recipe.lora_rank,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules=_LANGUAGE_LINEARS,
        task_type="CAUSAL_LM",
    )


def refuse_visual_adapters(model: "PeftModel") -> None:
    """Raise ``ModelError`` when an adapter sits in the vision tower, which serving would not apply."""
    visual = [name for name, _ in model.named_parameters() if "lora_" in name and ".visual." in name]
    if visual:
        raise ModelError(
            f"{len(visual)} adapter tensors sit in the vision tower ({visual[0]}, ...), and vLLM serves only those of "
            "the language part; choose target modules under language_model"
        )


def precision() -> str:
    """In which ``load`` has a model, and in which it is served from: bfloat16 on a GPU, float32 elsewhere."""
    import torch

    return "bfloat16" if torch.cuda.is_available() else "float32"


def merged(tuned: "PeftModel") -> "Qwen2VLForConditionalGeneration":
    """The tuned model with its adapters in its weights; ``tuned`` is used up."""
    whole: Qwen2VLForConditionalGeneration = tuned.merge_and_unload()
    return whole.eval()


def finetune(
    model: "Qwen2VLForConditionalGeneration",
    processor: "Qwen2VLProcessor",
    *,
    train: Sequence[Example],
    held_out: Sequence[Example],
    images: Mapping[str, bytes],
    recipe: Recipe,
    checkpoints: Path | None = None,
    checkpoint_steps: int = 100,
    record: "Record" = lambda metrics, step: None,
    advance: "Advance" = lambda done, total, what: None,
) -> "tuple[PeftModel, list[Epoch]]":
    """Tune and return the model with its adapters, and the losses of every epoch; ``model`` itself is used up.

    ``images`` maps every signature to its bytes. ``checkpoints`` is the folder of this very training: every
    ``checkpoint_steps`` and after each epoch one is kept there, and what is there already is gone on from. ``record``
    takes metrics per step, ``advance`` tells how far it is. The same arguments give the same model on the same machine.
    """
    import torch
    from transformers import TrainingArguments

    from geo_lib.vlm.trainer import AnswerTrainer, Keeping, Telling, newest_checkpoint

    if not train:
        raise ModelError("there is no training example; look at what build-training-set dropped, and why")
    with tempfile.TemporaryDirectory() as scratch:
        features = VisualFeatures(model, processor, images, keep=recipe.keep_visual_features)
        features.check(train)
        torch.manual_seed(recipe.seed)
        tuned = adapted(model, recipe)
        # several processes add up the adapters' own gradients, which folded ones have none of while that is done
        with folded(tuned) if processes() == 1 else nullcontext() as fold:
            trainer = AnswerTrainer(
                tuned,
                arguments(TrainingArguments, recipe, scratch),
                train=Encoding(processor, train),
                held_out=Encoding(processor, held_out),
                features=features,
                fold=fold,
                warmup_share=recipe.warmup_share,
            )
            trainer.add_callback(Telling(trainer, record, advance))
            if checkpoints is not None:
                trainer.add_callback(Keeping(checkpoints, every=checkpoint_steps))
            trainer.train(resume_from_checkpoint=newest_checkpoint(checkpoints) if checkpoints else None)
        return tuned.eval(), trainer.history()


def arguments(of: Any, recipe: Recipe, folder: str, **others: Any) -> Any:
    """What each of our trainers is told, as an instance of ``of``: ``TrainingArguments``, or a kind of them."""
    import torch

    on_gpu = torch.cuda.is_available()
    told = of(
        output_dir=folder,
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        gradient_accumulation_steps=recipe.gradient_accumulation,
        learning_rate=recipe.learning_rate,
        max_grad_norm=recipe.max_gradient_norm,
        seed=recipe.seed,
        use_cpu=not on_gpu,
        ddp_backend="gloo" if processes() > 1 and not on_gpu else None,
        ddp_find_unused_parameters=False,
        bf16=on_gpu,
        gradient_checkpointing=on_gpu,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        save_strategy="no",  # Keeping says when
        logging_steps=1,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=False,
        accelerator_config={"even_batches": False},
        **others,
    )
    told._n_gpu = min(told.n_gpu, 1)  # a process has one device; more of them are more processes
    return told


def loss_of(
    model: Any,
    processor: "Qwen2VLProcessor",
    examples: Sequence[Example],
    features: VisualFeatures,
    batch_size: int,
) -> Loss:
    """The loss over ``examples``, in evaluation mode and without gradients."""
    return tallied(model, Encoding(processor, examples), features, batch_size=batch_size).loss()
