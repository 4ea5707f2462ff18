"""A training that is killed goes on where it was, and several processes train the model of one."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from safetensors.numpy import load_file

from geo_lib.errors import ModelError
from geo_lib.vlm.processes import refuse_too_few_devices
from geo_lib.vlm.trainer import newest_checkpoint
from tests.kit import await_in, kill, python
from tests.vlm.resuming import RECIPE, training

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("processes", "gpus"), [(1, 0), (2, 0), (2, 2), (4, 8)])
def test_processes_share_cores_and_have_a_gpu_each(processes: int, gpus: int) -> None:
    refuse_too_few_devices(processes, gpus)


def test_more_processes_than_gpus_are_refused_instead_of_fewer_started() -> None:
    with pytest.raises(ModelError, match="asks for 8 processes with a GPU each, and this machine has 1; set"):
        refuse_too_few_devices(8, 1)


def start(home: Path) -> "subprocess.Popen[bytes]":
    home.mkdir(exist_ok=True)
    return python("-m", "tests.vlm.resuming", str(home))


def losses(home: Path) -> dict[int, list[float]]:
    """Step to the losses that were told of it, one for every process that came so far."""
    told: dict[int, list[float]] = {}
    for line in (home / "steps.jsonl").read_text().splitlines():
        entry: dict[str, Any] = json.loads(line)
        if "train_loss" in entry:
            told.setdefault(entry["step"], []).append(entry["train_loss"])
    return told


def test_a_training_that_is_killed_goes_on_from_its_last_checkpoint_to_the_same_model(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(whole).wait(timeout=300) == 0
    process = start(killed)
    await_in(process, lambda: (killed / "steps.jsonl").exists() and 5 in losses(killed))
    kill(process)
    kept = newest_checkpoint(killed / "checkpoints")
    assert kept is not None
    gone_on_from = int(kept.name.removeprefix("checkpoint-"))
    assert gone_on_from in (4, 6), "every third step of four an epoch, but where an epoch ends"
    assert start(killed).wait(timeout=300) == 0
    once = [step for step, of_it in losses(killed).items() if len(of_it) == 1]
    assert {step for step in losses(whole) if step <= gone_on_from} <= set(once), "what was kept was not trained again"
    assert {step: of_it[-1] for step, of_it in losses(killed).items()} == {
        step: of_it[0] for step, of_it in losses(whole).items()
    }
    assert json.loads((killed / "epochs.json").read_text()) == json.loads((whole / "epochs.json").read_text())
    of_whole, of_killed = (load_file(home / "made" / "model.safetensors") for home in (whole, killed))
    assert all((of_whole[name] == of_killed[name]).all() for name in of_whole)


def test_two_processes_have_the_losses_of_one(spark: SparkSession, tmp_path: Path) -> None:
    told: dict[int, list[tuple[int, float]]] = {1: [], 2: []}

    def record_of(processes: int) -> Any:
        def record(metrics: dict[str, float], step: int) -> None:
            told[processes].extend((step, value) for name, value in sorted(metrics.items()) if "loss" in name)

        return record

    one = training(tmp_path / "one", replace(RECIPE, gradient_accumulation=2)).run(record=record_of(1))
    two = training(tmp_path / "two").run_in(2, record_of(2))
    assert [step for step, _ in told[1]] == [step for step, _ in told[2]]
    assert [loss for _, loss in told[2]] == pytest.approx([loss for _, loss in told[1]], rel=2e-5)
    assert two[-1].held_out is not None
    assert one[-1].held_out is not None
    assert two[-1].held_out.per_token == pytest.approx(one[-1].held_out.per_token, rel=2e-5)
