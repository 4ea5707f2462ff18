"""What fine-tuning holds in memory: a thousand examples, and twenty thousand.

    python benchmarks/memory.py                        # 1,000 and 20,000 examples, one epoch each
    python benchmarks/memory.py --examples 200 1000    # does it work at all?

Each size is the real job by its own command line in a process of its own, with the frozen tower's features kept. What
is read every half second is the memory of the training process that no file stands behind (RssAnon), and that of its
JVM: pages of mapped files are the system's to take back. Pictures are drawn once, small, and given a tail that makes
every one another.
"""

import argparse
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

AS_OF = date(2026, 8, 1)
DRAWN = 200
"""Pictures that are drawn; the others are these with another tail."""
SIDE = 112
"""Pixels of a picture's shorter side, or near it."""
HELD_OUT = 50


def pictures() -> list[tuple[bytes, tuple[int, int], dict[str, list[str]]]]:
    """Pictures of the simulated platform, their sizes, and the queries of each category that they are wanted by."""
    from geo_lib.demo.pictures.draw import draw
    from geo_lib.demo.truth.intents import intents
    from geo_lib.demo.truth.latent import sample_latent, stream_seed
    from geo_lib.queries.kinds import CATEGORIES

    made = []
    for number in range(DRAWN):
        seed = stream_seed("memory", number)
        latent = sample_latent(seed)
        file = io.BytesIO()
        picture = draw(latent, seed, SIDE)
        picture.save(file, "PNG")
        wanted = intents(latent, "en")
        queries = {c: [i.head for i in wanted if i.category == c] for c in CATEGORIES}
        made.append((file.getvalue(), picture.size, queries))
    return made


def write(lakehouse: Path, examples: int, base: Path) -> None:
    """A lakehouse with so many training examples and their pictures, and nothing else."""
    import pandas as pd

    from geo_lib.serving.processor import bounds_of, load_processor
    from geo_lib.spark import session
    from geo_lib.tables import Stamp, Tables
    from schemas.image_bytes import IMAGE_BYTES
    from schemas.training_examples import TRAINING_EXAMPLES

    bounds = bounds_of(load_processor(str(base)))
    drawn = pictures()

    def rows() -> Iterator[tuple[str, bytes, tuple[int, int], dict[str, list[str]]]]:
        for number in range(examples):
            content, size, queries = drawn[number % DRAWN]
            content += number.to_bytes(4, "big")  # behind the end of a PNG: no decoder reads it
            yield hashlib.sha256(content).hexdigest(), content, size, queries

    examples_of: list[dict[str, Any]] = []
    bytes_of: list[dict[str, Any]] = []
    for number, (signature, content, (width, height), queries) in enumerate(rows()):
        examples_of.append(
            {"example_id": signature[:32], "signature": signature, "split_key": signature, "locale": "en"}
            | {"split": "held_out" if number < HELD_OUT else "train", "prompt_version": "1", "prompt": "locale: en"}
            | {"response": json.dumps(queries), "from_oracle": [], **queries, "dropped": None}
            | {"visual_tokens": bounds.visual_tokens(width, height), "text_tokens": 40, "response_tokens": 60}
        )
        bytes_of.append({"signature": signature, "bytes": content, "width": width, "height": height, "format": "PNG"})
    spark = session({"spark.driver.memory": "4g", "spark.local.dir": str(lakehouse.parent / "spark")})
    tables = Tables(spark, str(lakehouse), Stamp("bench", AS_OF, "bench", simulated=True))
    for table, content_of in ((TRAINING_EXAMPLES, examples_of), (IMAGE_BYTES, bytes_of)):
        names = table.schema.names
        tables.write(table, spark.createDataFrame(pd.DataFrame(content_of)[names], table.schema))
    spark.stop()


def peaks(command: list[str], env: dict[str, str]) -> tuple[dict[str, float], float]:
    """Most MiB that no file stands behind, of the command's own process and of its JVM; and its seconds."""
    started = time.monotonic()
    most = {"python": 0.0, "jvm": 0.0}
    with subprocess.Popen(command, env=env) as process:
        while process.poll() is None:
            for name, pid in (("python", process.pid), *(("jvm", child) for child in children(process.pid))):
                most[name] = max(most[name], anonymous(pid))
            time.sleep(0.5)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed")
    return most, time.monotonic() - started


def children(pid: int) -> list[int]:
    """Child processes that are a JVM."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in found if Path(f"/proc/{child}/comm").read_text().strip() == "java"]
    except OSError:
        return []


def anonymous(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("RssAnon")), 0.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, nargs="+", default=[1_000, 20_000])
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    root = Path(__file__).parents[1]
    sys.path.insert(0, str(root))
    base = root / "geo_lib" / "demo" / "tiny_vlm"
    if asked.write:
        write(asked.write, asked.examples[0], base)
        return
    home = Path(tempfile.mkdtemp(prefix="bench-memory-"))
    env = os.environ | {"PYTHONPATH": str(root)}
    try:
        for examples in asked.examples:
            folder = home / f"{examples}"
            conf = folder / "conf" / "bench.yml"
            conf.parent.mkdir(parents=True)
            recipe = {"epochs": 1, "batch_size": 16, "keep_visual_features": True}
            told = {"lakehouse": str(folder / "lakehouse"), "simulated": True, "as_of": str(AS_OF),
                    "spark": {"spark.driver.memory": "4g"}, "settings": {"vlm": {"base": str(base)}},
                    "jobs": {"finetune_vlm": {"recipe": recipe, "parity": {"examples": 0}}}}  # fmt: skip
            conf.write_text(json.dumps(told))
            written = [sys.executable, __file__, "--write", str(folder / "lakehouse"), "--examples", str(examples)]
            subprocess.run(written, env=env, check=True)
            job = [sys.executable, "-m", "jobs.cli", "finetune-vlm", "--conf", str(conf)]
            most, seconds = peaks(job, env)
            told_of = ", ".join(f"{name} {mib:,.0f} MiB" for name, mib in most.items())
            print(f"{examples:8,} examples: {told_of}; {seconds:.0f} s", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
        print(f"{platform.machine()}, {os.cpu_count()} cores")
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
