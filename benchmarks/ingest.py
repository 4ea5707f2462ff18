"""The catalogue by the hundred thousand: what a second ingest costs when one picture in a hundred is another.

    python benchmarks/ingest.py                        # 100,000 small pictures, twice
    python benchmarks/ingest.py --pictures 2000        # does it work at all?

Pictures are drawn, seeded, and small: what is measured is finding out what to take, not decoding. Both runs are the
real job by its own command line in one session; seconds are the job's own, without the session's start.
"""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

CHANGED = 100
"""One picture in so many is another in the second manifest."""
AS_OF = date(2026, 8, 1)


def draw(folder: Path, pictures: int, *, seed: int = 7) -> None:
    """``pictures`` PNGs of 32 x 32 pixels and, for one in ``CHANGED``, a second version beside them."""
    rng = np.random.default_rng(seed)
    for number in range(pictures):
        for version in range(1 + (number % CHANGED == 0)):
            path = path_of(folder, number, version)
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.kron(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8), np.ones((8, 8, 1), dtype=np.uint8))
            Image.fromarray(pixels).save(path)


def path_of(folder: Path, number: int, version: int) -> Path:
    return folder / f"{number // 1000:03}" / f"{number:06}-v{version}.png"


def write_manifest(path: Path, folder: Path, pictures: int, *, version: int) -> None:
    numbers = range(pictures)
    table = {
        "image_id": [f"i{number:06}" for number in numbers],
        "uri": [str(path_of(folder, n, version if n % CHANGED == 0 else 0)) for n in numbers],
        "locale": ["en"] * pictures,
        "page_url": [f"https://pins.example/pin/{number}/" for number in numbers],
        "title": [f"picture {number}" for number in numbers],
    }
    pq.write_table(pa.table(table), path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--memory", default="4g", help="of the driver")
    asked = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from geo_lib.spark import session
    from geo_lib.tables import Stamp, Tables
    from jobs import cli
    from schemas.job_runs import JOB_RUNS

    home = Path(tempfile.mkdtemp(prefix="bench-ingest-"))
    try:
        started = time.monotonic()
        draw(home / "pictures", asked.pictures)
        print(f"drawn in {time.monotonic() - started:.0f} s", flush=True)
        manifest, conf = home / "manifest.parquet", home / "conf" / "bench.yml"
        conf.parent.mkdir()
        told = {"lakehouse": str(home / "lakehouse"), "simulated": True, "as_of": str(AS_OF),
                "jobs": {"ingest_catalogue": {"manifest": str(manifest)}}}  # fmt: skip
        conf.write_text(json.dumps(told))
        spark = session({"spark.driver.memory": asked.memory, "spark.local.dir": str(home / "spark")})
        for version in (0, 1):
            write_manifest(manifest, home / "pictures", asked.pictures, version=version)
            if cli.main(["ingest-catalogue", "--conf", str(conf)]) != 0:
                raise SystemExit("the job failed")
        tables = Tables(spark, str(home / "lakehouse"), Stamp("looking", AS_OF, "bench", simulated=True))
        runs = tables.read(JOB_RUNS).where("status = 'succeeded'").orderBy("started_at").collect()
        seconds = [run["seconds"] for run in runs]
        for run, took in zip(runs, seconds, strict=True):
            produced = {key: int(value) for key, value in run["produced"].items()}
            print(f"{took:8.1f} s  in {run['rows_in']:,}  kept {run['kept']:,}  {produced}")
        print(f"second / first {seconds[1] / seconds[0]:.3f}; {platform.machine()}, {os.cpu_count()} cores")
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
