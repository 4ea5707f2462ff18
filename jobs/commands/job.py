"""Run one job, and nothing that it depends on."""

import argparse
from typing import Any

from rich.console import Console

from geo_lib import spark
from geo_lib.config import Conf
from geo_lib.errors import first_line
from jobs.run.board import Board
from jobs.run.job import Job
from jobs.run.runner import Outcome, Runner
from jobs.run.workplace import opened


def run(args: argparse.Namespace, conf: Conf, console: Console) -> int:
    knobs = knobs_of(args, conf)
    with opened(conf, args.as_of) as runner:
        board = Board(console, f"geo {args.command}", lambda: spark.running_stages(runner.tables.started))
        board.expect([args.job.name])
        with board.shown():
            outcome = run_shown(args.job, knobs, runner, board, force=args.force)
        if outcome.counts is not None and outcome.counts.report:
            console.print(outcome.counts.report)
    return 0


def knobs_of(args: argparse.Namespace, conf: Conf) -> Any:
    """What a job is told by the configuration and, before it, by the command line; ``ConfigError`` if it cannot be."""
    job: Job[Any] = args.job
    given = {name: value for name in (job.arguments or {}) if (value := getattr(args, name)) is not None}
    return conf.knobs(job.name, job.knobs, given)


def run_shown(job: Job[Any], knobs: Any, runner: Runner, board: Board, *, force: bool) -> Outcome:
    """Run the job with the board telling how it goes; an error is shown there and raised."""
    board.start(job.name)
    try:
        outcome = runner.run(job, knobs, force=force, progress=board.progress)
    except Exception as error:
        board.end(job.name, "failed", note=first_line(error))
        raise
    board.end(job.name, outcome.status, counts=outcome.counts, note="" if outcome.counts else "nothing has changed")
    return outcome
