"""Many requests, one in a hundred of them poisoned: the poisoned rows come back with an error, and no others.

    python benchmarks/requests.py                      # 10,000 at an endpoint, 1,000 through vLLM
    python benchmarks/requests.py --endpoint 300 --engine 100

The endpoint is the simulated oracle's real server, which also fails and limits one request in fifty as it goes; the
engine is vLLM with the demo's base. Poison: a picture that the oracle will not look at, bytes that are no picture, a
picture beyond every aspect ratio, a prompt beyond the model's length.
"""

import argparse
import hashlib
import io
import os
import platform
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

POISONED = 100
"""One request in so many."""
SCHEMA = "id string, prompt string, images array<binary>"


def png(number: int, width: int, height: int) -> bytes:
    """A picture of its own for every number."""
    pixels = np.random.default_rng(number).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((width, height)).save(file, "PNG")
    return file.getvalue()


def drawn(count: int, prompt: str, poisons: list[Callable[[int], tuple[str, bytes]]], *, side: int) -> pd.DataFrame:
    """So many requests; ``poisons`` make prompt and picture of those that are poisoned, in turn."""
    rows = []
    for number in range(count):
        is_poisoned = number % POISONED == POISONED // 2
        make = poisons[number // POISONED % len(poisons)] if is_poisoned else None
        said, picture = make(number) if make else (prompt, png(number, side, side))
        rows.append((f"{'poisoned' if is_poisoned else 'sound'}-{number:06}", said, [picture]))
    return pd.DataFrame(rows, columns=["id", "prompt", "images"])


def measured(what: str, spark: Any, requests: pd.DataFrame, load: Callable[[], Any]) -> None:
    from geo_lib.serving.partitions import generations

    frame = spark.createDataFrame(requests, SCHEMA)
    started = time.monotonic()
    written = generations(frame, key="id", load=load).select("id", "error_class").toPandas()
    seconds = time.monotonic() - started
    wrong = {row.id for row in written.itertuples() if row.error_class}
    poisoned = {name for name in requests["id"] if name.startswith("poisoned")}
    print(
        f"{what}: {len(written):,} of {len(requests):,} came back in {seconds:.0f} s, {len(wrong)} with an error, "
        f"{len(wrong - poisoned)} of them sound; {len(poisoned - wrong)} of {len(poisoned)} poisoned have none; "
        f"{dict(Counter(written['error_class'].dropna()))}",
        flush=True,
    )
    if wrong != poisoned or sorted(written["id"]) != sorted(requests["id"]):
        raise SystemExit(f"{what}: not exactly the poisoned rows have an error")


def at_the_endpoint(spark: Any, count: int) -> None:
    from geo_lib.demo.oracle.behaviour import Behaviour
    from geo_lib.demo.oracle.chat import ChatServer
    from geo_lib.demo.oracle.oracle import MODEL, Oracle
    from geo_lib.demo.truth.latent import sample_latent, stream_seed
    from geo_lib.serving.endpoint import EndpointServer, EndpointSpec
    from geo_lib.serving.endpoints import ChatDecoding, Endpoint
    from geo_lib.vlm.oracle_labels import INSTRUCTION, SHAPE

    prompt = f"{INSTRUCTION}\nlocale: en"
    unknown = lambda number: (prompt, png(count + number, 8, 8))  # noqa: E731
    broken = lambda number: (prompt, png(number, 8, 8)[:40])  # noqa: E731
    requests = drawn(count, prompt, [unknown, broken], side=8)
    sound = [images[0] for name, images in zip(requests["id"], requests["images"], strict=True) if name[0] == "s"]
    truth = {
        hashlib.sha256(picture).hexdigest(): sample_latent(stream_seed("bench", n)) for n, picture in enumerate(sound)
    }
    faults = Behaviour(wrong=0.0, limited=0.01, failed=0.01, malformed=0.01)
    server = ChatServer(Oracle(truth, faults), model=MODEL)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = Endpoint(url=server.url, model=MODEL, attempts=8)
    spec = EndpointSpec("oracle", endpoint, None, ChatDecoding(), SHAPE)
    measured("endpoint", spark, requests, partial(EndpointServer, spec))
    server.shutdown()


def through_vllm(spark: Any, count: int) -> None:
    from geo_lib.models import ModelFiles
    from geo_lib.serving.settings import AskedVlm
    from geo_lib.serving.vllm import engine, spec_of
    from geo_lib.vlm.prompts import INSTRUCTION

    base = Path(__file__).parents[1] / "geo_lib" / "demo" / "tiny_vlm"
    prompt = f"{INSTRUCTION}\ntask: queries\nlocale: en"
    broken = lambda number: (prompt, png(number, 64, 64)[:60])  # noqa: E731
    narrow = lambda number: (prompt, png(number, 1200, 4))  # noqa: E731
    long = lambda number: (f"{prompt}\ntitle: {'armchair ' * 2000}", png(number, 64, 64))  # noqa: E731
    requests = drawn(count, prompt, [broken, narrow, long], side=64)
    spec = spec_of(ModelFiles("base", str(base), "base"), AskedVlm())
    measured("vllm", spark, requests, partial(engine, spec))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", type=int, default=10_000)
    parser.add_argument("--engine", type=int, default=1_000)
    asked = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from geo_lib.spark import session

    spark = session()
    at_the_endpoint(spark, asked.endpoint)
    through_vllm(spark, asked.engine)
    print(f"{platform.machine()}, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
