"""A training that another process starts, and that is killed or split: what it is given and what it leaves."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from geo_lib.serving.settings import Decoding
from geo_lib.vlm.finetune import Recipe
from geo_lib.vlm.parity import Parity
from geo_lib.vlm.processes import Training
from tests.kit import TINY_BASE, drawn
from tests.vlm.training import as_examples, contents

RECIPE = Recipe(epochs=2, batch_size=2, lora_rank=4)


def training(home: Path, recipe: Recipe = RECIPE) -> Training:
    pictures = drawn(9)
    examples = as_examples(pictures)
    return Training(
        base=str(TINY_BASE),
        min_pixels=0,
        max_pixels=0,
        train=examples[:7],
        held_out=examples[7:],
        images=contents(pictures),
        recipe=recipe,
        checkpoints=home / "checkpoints",
        checkpoint_steps=3,
        parity=Parity(examples=0),
        decoding=Decoding(),
        made=home / "made",
    )


def main(home: Path) -> None:
    """Train, writing down each step as it ends, so that whoever waits knows when to kill."""
    with (home / "steps.jsonl").open("a") as told:

        def record(metrics: dict[str, float], step: int) -> None:
            told.write(json.dumps({"step": step, **metrics}) + "\n")
            told.flush()

        epochs = training(home).run(record=record)  # type: ignore[arg-type]
    (home / "epochs.json").write_text(json.dumps([asdict(epoch) for epoch in epochs]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
