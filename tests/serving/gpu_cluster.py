"""Chunks answered on a cluster of two executors that each discover a GPU, under what databricks.yml sets.

    python -m tests.serving.gpu_cluster FOLDER

Every engine that is made writes a line to FOLDER/engines: its process, and the device that it may see.
"""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import yaml

from geo_lib.serving.partitions import generations
from geo_lib.serving.requests import Generation, Prepared, Request, Server
from geo_lib.serving.settings import AskedVlm
from geo_lib.serving.visual_tokens import PixelBounds
from geo_lib.serving.vllm import EngineSpec
from geo_lib.spark import local_frame, session
from jobs.run.workflow import ROOT

EXECUTORS, CORES, CHUNKS = 2, 2, 4
SPEC = EngineSpec("nowhere", "costs-nothing", PixelBounds(784, 784), AskedVlm())


class CostsNothing:
    """An engine of which only the process is real."""

    at_once = 8

    def __init__(self, log: Path, spec: EngineSpec) -> None:
        self._process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)  # ends when this worker does
        with log.open("a") as engines:
            engines.write(f"{self._process.pid} {os.environ['CUDA_VISIBLE_DEVICES']}\n")

    def prepare(self, request: Request) -> Prepared:
        return request.prompt

    def generate(self, prepared: list[Prepared]) -> list[Generation]:
        subprocess.run(["sleep", "1"], check=True)  # so that one executor cannot do the work of both
        return [Generation(text=f"{self._process.pid}", finish_reason="stop") for _ in prepared]


def load(log: Path) -> Server:
    from geo_lib.serving import vllm

    vllm.VllmServer = partial(CostsNothing, log)  # type: ignore[assignment, misc]
    return vllm.engine(SPEC)


def discovery(folder: Path) -> str:
    """A script that finds one device more each time it is asked, as two machines of two addresses would."""
    script = folder / "gpus.sh"
    script.write_text(
        f'#!/bin/bash\nn=0\nwhile ! mkdir "{folder}/gpu-$n" 2> /dev/null; do n=$((n + 1)); done\n'
        'echo "{\\"name\\": \\"gpu\\", \\"addresses\\": [\\"$n\\"]}"\n'
    )
    script.chmod(0o755)
    return str(script)


def main(folder: Path) -> None:
    gpu = yaml.safe_load((ROOT / "databricks.yml").read_text())["variables"]["gpu_cluster"]["default"]["spark_conf"]
    spark = session(
        {name: value for name, value in gpu.items() if "${" not in value}
        | {
            "spark.master": f"local-cluster[{EXECUTORS},{CORES},1024]",
            "spark.executor.memory": "1g",
            "spark.executor.resource.gpu.amount": "1",
            "spark.worker.resource.gpu.amount": "1",
            "spark.worker.resource.gpu.discoveryScript": discovery(folder),
            "spark.scheduler.minRegisteredResourcesRatio": "1.0",
            "spark.driver.memory": "1g",
        }
    )
    asked = local_frame(spark, [(f"{n}", "oak") for n in range(16)], "id string, prompt string")
    for _ in range(CHUNKS):
        answered = generations(asked, key="id", load=partial(load, folder / "engines"), partitions=EXECUTORS)
        with (folder / "answers").open("a") as answers:
            answers.writelines(f"{row['text']}\n" for row in answered.collect())
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
