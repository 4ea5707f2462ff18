"""Pretrain the tiny base model on captions of simulated pictures, and leave it in geo_lib/demo/tiny_vlm.

    geo pretrain-tiny-vlm

The folder is committed: run this only to make another base. Pictures are drawn once per version of the drawing and
kept in the lakehouse. The folder's README says what was trained and how well it sees; the same knobs give the same
model where --steps, not the clock, ends the run.
"""

from dataclasses import dataclass
from pathlib import Path

from geo_lib.counts import Counts
from geo_lib.demo.base.model import TINY_VLM, Pretraining, pretrain
from geo_lib.demo.base.training import Training
from geo_lib.demo.pictures.draw import drawing_version
from jobs.run.job import Context, Job


@dataclass(frozen=True, slots=True)
class PretrainTinyVlm:
    """The knobs of this job; conf/*.yml may set any of them."""

    minutes: float = 120.0
    """The learning rate falls over these minutes or over the steps, whichever end first."""
    steps: int = 4_400
    pictures: int = 10_000
    folder: str = str(TINY_VLM)
    seed: int = 20261101


def run(ctx: Context, knobs: PretrainTinyVlm) -> Counts:
    report = pretrain(
        Path(knobs.folder),
        Path(ctx.path("pretraining", drawing_version())),
        Pretraining(Training(steps=knobs.steps, minutes=knobs.minutes, seed=knobs.seed), pictures=knobs.pictures),
        progress=ctx.progress,
    )
    lines = [
        f"{pictures}, {locale}: " + ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
        for pictures, locales in report.items()
        for locale, shares in locales.items()
    ]
    return Counts(rows_in=knobs.pictures, kept=knobs.pictures, report="\n".join(lines))


JOB = Job(
    name="pretrain_tiny_vlm",
    knobs=PretrainTinyVlm,
    run=run,
    unit="pictures",
    folders=lambda knobs: (knobs.folder,),
    arguments={
        "minutes": {"type": float, "help": "end after so many minutes of training"},
        "steps": {"type": int, "help": "end after so many steps"},
        "folder": {"help": "where the model goes"},
    },
)
