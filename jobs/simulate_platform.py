"""Simulate an image platform: pictures, catalogue and search console, as files that an outside platform would deliver.

    geo simulate-platform --size default

Writes raw files below the lakehouse and the truth behind them to <schema>_truth. The same size, seed and day give the
same bytes; what is there already is left alone.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from geo_lib.counts import Counts
from geo_lib.demo import truth_tables
from geo_lib.demo.platform import PlatformSummary, simulate
from geo_lib.errors import ConfigError
from geo_lib.spark import local_frame
from jobs.run.job import Context, Job
from schemas.truth_images import TRUTH_IMAGES
from schemas.truth_intents import TRUTH_INTENTS
from schemas.truth_planted import TRUTH_PLANTED

SIZES = {"small": 400, "default": 1_200, "large": 5_000}


@dataclass(frozen=True, slots=True)
class SimulatePlatform:
    """The knobs of this job; conf/*.yml may set any of them."""

    size: str = "default"
    """The one dial: small, default or large."""
    seed: int = 20261030
    days: int = 60
    folder: str = "raw"
    """Where the files go; a relative path lies in the lakehouse."""
    processes: int = 0
    """Processes that draw pictures; 0: one per core."""

    def __post_init__(self) -> None:
        if self.processes < 0:
            raise ConfigError(f"simulate_platform.processes must be 0 (one per core) or more, not {self.processes}")
        if self.size not in SIZES:
            raise ConfigError(f"simulate_platform.size must be {', '.join(SIZES)}, not {self.size}")
        if self.days < 7:
            raise ConfigError(f"simulate_platform.days must be at least 7, not {self.days}")


def run(ctx: Context, knobs: SimulatePlatform) -> Counts:
    summary = simulate(
        Path(ctx.path(knobs.folder) if not Path(knobs.folder).is_absolute() else knobs.folder),
        images=SIZES[knobs.size],
        seed=knobs.seed,
        days=knobs.days,
        as_of=ctx.as_of,
        processes=knobs.processes or os.cpu_count() or 1,
        progress=ctx.progress,
    )
    images, intents = truth_tables.image_rows(summary.pins), truth_tables.intent_rows(summary.pins)
    ctx.write_truth(TRUTH_IMAGES, local_frame(ctx.spark, images, TRUTH_IMAGES.schema))
    ctx.write_truth(TRUTH_INTENTS, local_frame(ctx.spark, intents, TRUTH_INTENTS.schema))
    planted = truth_tables.planted_rows()
    ctx.write_truth(TRUTH_PLANTED, local_frame(ctx.spark, planted, TRUTH_PLANTED.schema))
    return _counts(summary, intents=len(intents))


def _counts(summary: PlatformSummary, *, intents: int) -> Counts:
    return Counts(
        rows_in=len(summary.pins),
        kept=len(summary.pins),
        produced={
            "signatures": summary.signatures,
            "broken files": summary.broken_files,
            "intents": intents,
            "console rows": summary.console_rows,
        },
    )


JOB = Job(
    name="simulate_platform",
    knobs=SimulatePlatform,
    run=run,
    unit="catalogue rows",
    writes_truth=(TRUTH_IMAGES, TRUTH_INTENTS, TRUTH_PLANTED),
    folders=lambda knobs: (knobs.folder,),
    arguments={"size": {"choices": tuple(SIZES), "help": "how much to simulate: 400, 1,200 or 5,000 images"}},
)
