"""One training by several processes of this machine, a device each: data parallel, with the losses of one.

Eight devices, two examples a batch and eight batches a step are the paper's effective batch of 128 (Table 1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from geo_lib.errors import ModelError
from geo_lib.serving.processor import load_processor
from geo_lib.serving.settings import Decoding
from geo_lib.vlm import finetune as tuning
from geo_lib.vlm.batches import Example
from geo_lib.vlm.finetune import Recipe
from geo_lib.vlm.keeping import Answered, keep
from geo_lib.vlm.parity import Parity

if TYPE_CHECKING:
    from geo_lib.vlm.trainer import Advance, Epoch, Record


@dataclass(frozen=True, slots=True)
class Training:
    """What every process is given; it has to be picklable."""

    base: str
    """Folder of the base model."""
    min_pixels: int
    max_pixels: int
    train: Sequence[Example]
    held_out: Sequence[Example]
    images: Mapping[str, bytes]
    recipe: Recipe
    checkpoints: Path
    checkpoint_steps: int
    parity: Parity
    decoding: Decoding
    """How what is served will be asked; nothing is drawn where the two are compared."""
    made: Path
    """Folder that the merged model is written to, with what it answered before it was merged."""

    def run(
        self,
        record: "Record" = lambda metrics, step: None,
        advance: "Advance" = lambda done, total, what: None,
    ) -> "list[Epoch]":
        """Train in this process, as one of several where there are more, and leave the model in ``made``."""
        processor = load_processor(self.base, min_pixels=self.min_pixels, max_pixels=self.max_pixels)
        tuned, epochs = tuning.finetune(
            tuning.load(self.base),
            processor,
            train=self.train,
            held_out=self.held_out,
            images=self.images,
            recipe=self.recipe,
            checkpoints=self.checkpoints,
            checkpoint_steps=self.checkpoint_steps,
            record=record,
            advance=advance,
        )
        if tuning.is_first_process():
            answered = Answered(self.held_out, self.images, self.parity, self.decoding)
            keep(tuned, processor, answered, made=self.made)
        del tuned
        tuning.release()
        return epochs

    def run_in(
        self,
        processes: int,
        record: "Record",
        advance: "Advance" = lambda done, total, what: None,
    ) -> "list[Epoch]":
        """Train in this process, or by several; what those record is told when they have ended, and nothing before.

        Raises ``ModelError`` where there are fewer devices than processes.
        """
        if processes == 1:
            return self.run(record, advance)
        import torch
        from pyspark.ml.torch.distributor import TorchDistributor

        refuse_too_few_devices(processes, torch.cuda.device_count())
        distributor = TorchDistributor(num_processes=processes, local_mode=True, use_gpu=torch.cuda.is_available())
        epochs: list[Epoch]
        recorded: list[tuple[Mapping[str, float], int]]
        epochs, recorded = distributor.run(_one_of_several, self)  # type: ignore[misc]  # declared to return nothing
        for metrics, step in recorded:
            record(metrics, step)
        return epochs


def refuse_too_few_devices(processes: int, gpus: int) -> None:
    """TorchDistributor would start as many as there are, and another effective batch be trained under the same name.

    A machine without a GPU computes on its cores, however many share them.
    """
    if 0 < gpus < processes:
        raise ModelError(
            f"finetune_vlm.processes asks for {processes} processes with a GPU each, and this machine has {gpus}; set "
            f"processes to {gpus} and recipe.gradient_accumulation so that a step keeps its examples"
        )


def _one_of_several(training: Training) -> "tuple[list[Epoch], list[tuple[Mapping[str, float], int]]]":
    recorded: list[tuple[Mapping[str, float], int]] = []
    epochs = training.run(record=lambda metrics, step: recorded.append((metrics, step)))
    import torch.distributed as processes

    # each of them writes the one file that the result is read from, and only the first has recorded anything
    told = [(epochs, recorded)]
    processes.broadcast_object_list(told, src=0)
    return told[0]
