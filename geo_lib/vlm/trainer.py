"""transformers' ``Trainer`` on Eq. 2: every answer token weighs the same, over accumulated batches and processes.

Ours are what a batch is, what its loss is, and where a checkpoint may be found: whole in a folder of its number, or not
at all. Accumulation, clipping, several processes, half precision and what resuming takes are the library's.
"""

import logging
import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from geo_lib.files import appearing
from geo_lib.training.schedule import warm_cosine
from geo_lib.vlm.batches import Batches, Encoding
from geo_lib.vlm.features import VisualFeatures
from geo_lib.vlm.folding import Folded
from geo_lib.vlm.loss import Loss, Tally, counted, nats_of, tallied

Record = Callable[[Mapping[str, float], int], None]
Advance = Callable[[int, int, str], None]

_CHECKPOINT = "checkpoint-"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Epoch:
    number: int
    train: Loss
    held_out: Loss | None
    """Null when there are no held-out examples."""


class AnswerTrainer(Trainer):  # type: ignore[misc]
    """Trains a model on encoded examples; ``history`` tells of its epochs, those before a resumption too."""

    def __init__(
        self,
        model: Any,
        args: TrainingArguments,
        *,
        train: Encoding,
        held_out: Encoding,
        features: VisualFeatures,
        fold: Folded | None,
        warmup_share: float,
    ) -> None:
        super().__init__(model=model, args=args, train_dataset=train, data_collator=train.collate)
        self.model_accepts_loss_kwargs = True  # so that the answer tokens of a whole step are counted
        self._held_out, self._features, self._fold = held_out, features, fold
        self._warmup_share = warmup_share
        self._seen = Tally()
        self.remove_callback(PrinterCallback)
        self.add_callback(Measuring(self))
        if fold is not None:
            self.add_callback(Folding(fold))

    def get_train_dataloader(self) -> Any:
        args = self.args
        batches = Batches(
            self.train_dataset.lengths,
            batch_size=args.per_device_train_batch_size,
            seed=args.seed + 1,
            processes=args.world_size,
            epoch=lambda: self.state.global_step // steps,
        )
        steps = -(-(len(batches) // args.world_size) // args.gradient_accumulation_steps)
        return self.accelerator.prepare(
            DataLoader(self.train_dataset, batch_sampler=batches, collate_fn=self.data_collator)
        )

    def create_optimizer(self, model: Any = None) -> Any:
        # not every parameter that has a gradient: folded, the frozen weights have one for a moment
        adapters = [parameter for name, parameter in self.model.named_parameters() if "lora_" in name]
        self.optimizer = torch.optim.AdamW(adapters, lr=self.args.learning_rate, weight_decay=0.0, fused=True)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        share = partial(warm_cosine, total=num_training_steps, warmup_share=self._warmup_share)
        self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer or self.optimizer, share)
        self._created_lr_scheduler = True
        return self.lr_scheduler

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        nats = nats_of(model, self._features.beside(inputs))
        self._seen += counted(float(nats.detach()), inputs["labels"])
        # several processes: their gradients are averaged, and are to be added
        loss: torch.Tensor = nats / num_items_in_batch * self.args.world_size
        return loss

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:
        loss: torch.Tensor = super().training_step(model, inputs, num_items_in_batch)
        if self._fold and self.accelerator.sync_gradients:
            self._fold.pass_gradients()
        return loss

    def floating_point_ops(self, inputs: Any) -> int:
        return 0  # it would count all parameters at every step, for a figure that nobody reads

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Beside what is logged of a step stands what it is the mean of, from which ``history`` is made."""
        if "loss" in logs:
            step, self._seen = self._of_all(self._seen), Tally()
            logs |= {"nats": step.nats, "tokens": step.tokens, "examples": step.examples}
        super().log(logs, start_time)

    def measure_held_out(self) -> None:
        """Log the loss on the held-out examples; of several processes all have to take part."""
        args = self.args
        if len(self._held_out):
            mine = tallied(
                self.model,
                self._held_out,
                self._features,
                batch_size=args.per_device_train_batch_size,
                part=args.process_index,
                parts=args.world_size,
            )
            held_out = self._of_all(mine)
            self.log({"held_out_nats": held_out.nats, "tokens": held_out.tokens, "examples": held_out.examples})

    def history(self) -> list[Epoch]:
        train: dict[int, Tally] = {}
        held_out: dict[int, Tally] = {}
        for entry in self.state.log_history:
            kind, nats = (train, "nats") if "nats" in entry else (held_out, "held_out_nats")
            if nats in entry:
                number = _epoch_of(entry)
                of_it = Tally(entry[nats], entry["tokens"], entry["examples"])
                kind[number] = kind.get(number, Tally()) + of_it
        return [
            Epoch(n, tally.loss(), held_out[n].loss() if n in held_out else None) for n, tally in sorted(train.items())
        ]

    def _of_all(self, tally: Tally) -> Tally:
        if self.args.world_size == 1:
            return tally
        sums = torch.tensor([tally.nats, tally.tokens, tally.examples], dtype=torch.float64, device=self.args.device)
        nats, tokens, examples = self.accelerator.reduce(sums, "sum").tolist()
        return Tally(nats, int(tokens), int(examples))


def _epoch_of(entry: Mapping[str, Any]) -> int:
    """The epoch, from 1, in which something was logged: its share of epochs done is a sum of fractions."""
    return math.ceil(round(float(entry["epoch"]), 6))


class Measuring(TrainerCallback):  # type: ignore[misc]
    """Measures what was held out at the end of every epoch, before others tell of it or keep it."""

    def __init__(self, trainer: AnswerTrainer) -> None:
        self._trainer = trainer

    def on_epoch_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._trainer.measure_held_out()


class Keeping(TrainerCallback):  # type: ignore[misc]
    """Keeps a checkpoint every so many steps and after each epoch but the last; of the kept ones the newest alone.

    It is written to this machine's own disk first, for a volume takes no writes at an offset, and appears whole.
    """

    def __init__(self, folder: Path, *, every: int) -> None:
        self._folder, self._every = folder, every

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> TrainerControl:
        ends_epoch = state.global_step % (state.max_steps // state.num_train_epochs) == 0  # kept when it was measured
        control.should_save = state.global_step % self._every == 0 and not ends_epoch
        return control

    def on_epoch_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> TrainerControl:
        control.should_save = state.global_step < state.max_steps
        return control

    def on_save(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        name = f"{_CHECKPOINT}{state.global_step}"
        here = Path(args.output_dir, name)
        if state.is_world_process_zero:
            with appearing(self._folder / name) as half:
                shutil.copytree(here, half)
            for older in self._folder.glob(f"{_CHECKPOINT}*"):
                if older.name != name:
                    shutil.rmtree(older, ignore_errors=True)
        shutil.rmtree(here, ignore_errors=True)


class Folding(TrainerCallback):  # type: ignore[misc]
    """Forms the folded weights anew when adapters were loaded, and after every step."""

    def __init__(self, fold: Folded) -> None:
        self._fold = fold

    def on_train_begin(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._fold.fold()

    def on_optimizer_step(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._fold.fold()


class Telling(TrainerCallback):  # type: ignore[misc]
    """Tells of every step and every epoch, from one process of several."""

    def __init__(self, trainer: AnswerTrainer, record: Record, advance: Advance) -> None:
        self._trainer, self._record, self._advance = trainer, record, advance

    def on_log(self, args: Any, state: TrainerState, control: TrainerControl, logs: Any = None, **_: Any) -> None:
        if state.is_world_process_zero and logs and "nats" in logs:
            loss = logs["nats"] / logs["tokens"]
            self._record({"train_loss": loss, "learning_rate": logs["learning_rate"]}, state.global_step)
            said = f"epoch {_epoch_of(logs)} of {state.num_train_epochs}, loss {loss:.3f}"
            self._advance(state.global_step, state.max_steps, said)

    def on_epoch_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if not state.is_world_process_zero:
            return
        epoch = self._trainer.history()[-1]
        metrics = {"epoch_train_loss": epoch.train.per_token}
        if apart := epoch.held_out:
            metrics |= {"held_out_loss": apart.per_token, "held_out_loss_per_example": apart.per_example}
        self._record(metrics, state.global_step)
        told = epoch.held_out and f"{epoch.held_out.per_token:.4f}"
        log.info("epoch %d: train %.4f, held out %s", epoch.number, epoch.train.per_token, told)


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint to go on from; null for none."""
    kept = [path for path in folder.glob(f"{_CHECKPOINT}*") if path.name.removeprefix(_CHECKPOINT).isdigit()]
    return max(kept, key=lambda path: int(path.name.removeprefix(_CHECKPOINT)), default=None)
