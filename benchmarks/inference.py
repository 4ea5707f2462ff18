"""annotate_images from Delta to Delta, beside the bare engine on the same prompts and pictures.

    make bench ONLY=inference                                    # 2,048 drawn pictures, the demo's base as champion
    make bench ONLY=inference BENCH="--model FOLDER --turns 3"   # a tuned model, as merged files
    python benchmarks/inference.py --pictures 64 --turns 1       # does it work at all?

Pictures are drawn as the demo's are and come in by the ingest job. In one worker process one engine answers by turns:
bare, everything decoded and prepared in memory and handed to vLLM's own ``generate`` in one call; and as the job asks
it, with the table of answers empty. Both without the engine's start. Prints Markdown for docs/benchmarks.md.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]
AS_OF = date(2026, 8, 1)


def write_catalogue(folder: Path, pictures: int) -> Path:
    """So many distinct drawn pictures and the manifest that names them."""
    from geo_lib.demo.parallel import spread

    manifest = folder / f"{pictures}.parquet"
    if manifest.exists():
        return manifest
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:06}.jpg" for number in range(pictures)]
    missing = [path for path in paths if not path.exists()]
    list(spread(deliver, missing, processes=os.cpu_count() or 1, chunk=32))
    rows = [
        {"image_id": path.stem, "uri": str(path), "locale": "en", "page_url": f"https://pins.example/pin/{path.stem}/"}
        for path in paths
    ]
    pq.write_table(pa.Table.from_pylist(rows), manifest)
    return manifest


def deliver(path: Path) -> None:
    """Draw the picture of that number, as large as the demo's and as most of them are encoded."""
    from geo_lib.demo.feeds.catalogue import SIDE, encoded, write_once
    from geo_lib.demo.pictures.draw import draw
    from geo_lib.demo.truth.latent import sample_latent, stream_seed

    seed = stream_seed("bench", int(path.stem))
    write_once(path, encoded(draw(sample_latent(seed), seed, SIDE), "JPEG"))


def bare(requests: Any, spec: Any) -> tuple[int, int, float]:
    """Images, tokens and seconds of vLLM's own ``generate``, in the worker that the job's engine lives in."""

    def answer(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        from geo_lib.serving.requests import Request
        from geo_lib.serving.vllm import engine, output_to, sampling

        server = engine(spec)
        rows = pd.concat(list(batches))
        asked = (Request(*row) for row in zip(rows["signature"], rows["prompt"], rows["images"], strict=True))
        prepared = [server.prepare(request) for request in asked]
        with output_to(spec.log_file):
            started = time.monotonic()
            outputs = server._llm.generate(prepared, sampling(spec.asked.decoding), use_tqdm=False)
            seconds = time.monotonic() - started
        tokens = sum(len(output.outputs[0].token_ids) for output in outputs)
        yield pd.DataFrame([(len(outputs), tokens, seconds)], columns=["images", "tokens", "seconds"])

    said = requests.repartition(1).mapInPandas(answer, "images long, tokens long, seconds double").collect()[0]
    return int(said["images"]), int(said["tokens"]), float(said["seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=2_048)
    parser.add_argument("--turns", type=int, default=3, help="of each, in turn; the median counts")
    parser.add_argument("--chunk", type=int, help="signatures a commit (default: the job's own)")
    parser.add_argument("--model", type=Path, default=ROOT / "geo_lib" / "demo" / "tiny_vlm", help="merged files")
    parser.add_argument("--folder", type=Path, help="keeps pictures and tables for a next time")
    asked = parser.parse_args()
    sys.path[0] = str(ROOT)  # in place of this folder, whose requests.py is not the library
    from geo_lib.config import load
    from geo_lib.models import ModelFiles, Models
    from geo_lib.provenance import digest
    from geo_lib.serving.chunks import KeyRange
    from geo_lib.serving.vllm import spec_of
    from geo_lib.spark import session
    from geo_lib.tables import Stamp, Tables
    from geo_lib.vlm.answers import asked as questions
    from jobs import annotate_images, ingest_catalogue
    from jobs.run.runner import Runner
    from schemas.generations import GENERATIONS
    from schemas.image_bytes import IMAGE_BYTES
    from schemas.images import IMAGES

    home = (asked.folder or Path(tempfile.mkdtemp(prefix="bench-inference-"))).resolve()
    try:
        spark = session({**load(ROOT / "conf" / "demo.yml").spark, "spark.local.dir": str(home / "spark")})
        tables = Tables(spark, str(home / "lakehouse"), Stamp("bench", AS_OF, "bench", simulated=True))
        models = Models(str(home / "lakehouse" / "mlflow"))
        models.register("vlm", ModelFiles("bench", str(asked.model.resolve()), digest(asked.model)))
        models.point("vlm@champion", "bench")
        runner = Runner(tables, models, str(home / "lakehouse"))
        silent = lambda done, total, what: None  # noqa: E731
        manifest = write_catalogue(home / "pictures", asked.pictures)
        taken = ingest_catalogue.IngestCatalogue(manifest=str(manifest))
        runner.run(ingest_catalogue.JOB, taken, force=False, progress=silent)
        knobs = annotate_images.AnnotateImages(**({"chunk_signatures": asked.chunk} if asked.chunk else {}))
        log_file = str(home / "lakehouse" / "logs" / "vllm.log")
        spec = spec_of(models.resolve("vlm@champion"), knobs.vlm, log_file=log_file)
        requests = annotate_images.requests_of(KeyRange(), questions(tables.read(IMAGES)), tables.read(IMAGE_BYTES))
        bare(requests.limit(64), spec)  # the engine starts here, and its first steps are slow
        alone, whole, tokens = [], [], [0, 0]
        for _ in range(asked.turns):
            images, tokens[0], seconds = bare(requests, spec)
            alone.append(images / seconds)
            print(f"bare: {images:,} images in {seconds:.1f} s, {tokens[0]:,} tokens", flush=True)
            tables.read(GENERATIONS)
            spark.sql(f"delete from delta.`{home}/lakehouse/tables/geo/generations`")
            outcome = runner.run(annotate_images.JOB, knobs, force=True, progress=silent)
            counts = outcome.counts
            if counts is None or counts.kept != images:
                raise SystemExit(f"not every picture has an answer: {counts}")
            whole.append(images / outcome.seconds)
            tokens[1] = counts.produced["output_tokens"]
            print(f"job: {images:,} images in {outcome.seconds:.1f} s; {counts.report}", flush=True)
        print(f"{_machine()}; {_commit()}; {asked.pictures:,} pictures, {knobs.chunk_signatures} a commit, "
              f"{tokens[0] / asked.pictures:.0f} tokens an answer\n")  # fmt: skip
        print("| | images/s | |\n|---|---|---|")
        print(f"| bare engine | {_spread(alone)} | |")
        ratio = statistics.median(whole) / statistics.median(alone)
        print(f"| annotate_images, Delta to Delta | {_spread(whole)} | {ratio:.2f} of it |")
    finally:
        if asked.folder is None:
            shutil.rmtree(home, ignore_errors=True)


def _spread(rates: Sequence[float]) -> str:
    return f"{statistics.median(rates):.1f} ({min(rates):.1f}–{max(rates):.1f}, n = {len(rates)})"


def _commit() -> str:
    asked = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.release()}"


if __name__ == "__main__":
    main()
