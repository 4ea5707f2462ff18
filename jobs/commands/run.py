"""Run a workflow of resources/, and those that it chains: their tasks, in dependency order, in one session."""

import argparse
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from rich.console import Console

from geo_lib import spark
from geo_lib.config import Conf
from geo_lib.errors import ConfigError
from jobs.commands.job import knobs_of, run_shown
from jobs.run.board import Board
from jobs.run.job import Job
from jobs.run.runner import Outcome, Runner
from jobs.run.terminal import say_how_it_went
from jobs.run.workflow import ROOT, Task, Workflow, load
from jobs.run.workplace import opened

DEMO = ROOT / "conf" / "demo.yml"
"""The configuration that ``geo`` takes by itself."""

Parse = Callable[[Sequence[str]], argparse.Namespace]
"""The command line's own parser: a task's parameters are read as Databricks' entry point reads them."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """A task of the run with the job it asks for and what that is told."""

    task: Task
    job: Job[Any]
    knobs: Any
    force: bool


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("workflow", help="name of resources/NAME.job.yml")
    which = command.add_mutually_exclusive_group()
    which.add_argument("--from", dest="start", metavar="TASK", help="this task and what depends on it")
    which.add_argument("--only", metavar="TASK", help="just this task")
    command.add_argument("--force", action="store_true", help="run tasks even if nothing has changed")


def run(args: argparse.Namespace, conf: Conf, console: Console, parse: Parse) -> int:
    if args.conf.absolute().parent.name != "conf":
        raise ConfigError(f"geo run wants its configuration in a folder conf/, not at {args.conf}")
    today = datetime.now(UTC).date()
    workflow = _wanted(args, conf, today)
    asked = [_asked(task, parse) for task in workflow.tasks]
    as_of = args.as_of or conf.as_of or next((task.as_of for task in asked if task.as_of), today)
    steps = []
    for task, wants in zip(workflow.tasks, asked, strict=True):
        _refuse_another(task.key, "--as-of", wants.as_of or as_of, as_of)
        _refuse_another(task.key, "--conf", wants.conf, args.conf.absolute())
        # all knobs before the first task: a mistake costs no work
        steps.append(Step(task, wants.job, knobs_of(wants, conf), wants.force or args.force))
    with opened(conf, as_of) as runner:
        board = Board(console, f"geo run {workflow.name}", lambda: spark.running_stages(runner.tables.started))
        outcomes = run_steps(steps, runner, board)
        runner.record_skips(outcomes)
    jobs = [step.job for step in steps]
    say_how_it_went(console, conf, None if args.conf.absolute() == DEMO else args.conf, jobs, outcomes)
    return 1 if len(outcomes) < len(steps) or any(o.status == "failed" for o in outcomes) else 0


def run_steps(steps: Sequence[Step], runner: Runner, board: Board) -> list[Outcome]:
    """Run the steps in order; one that fails stops what depends on it, directly or not, and nothing else."""
    outcomes: list[Outcome] = []
    stopped: set[str] = set()
    board.expect([step.task.key for step in steps])
    with board.shown():
        for step in steps:
            key = step.task.key
            if waiting_for := sorted(stopped & set(step.task.depends_on)):
                stopped.add(key)
                board.end(key, "not run", note=f"waits for {', '.join(waiting_for)}")
                continue
            try:
                outcomes.append(run_shown(step.job, step.knobs, runner, board, force=step.force))
            except Exception as error:
                log.exception("%s failed", key)
                stopped.add(key)
                outcomes.append(Outcome(key, "failed", 0.0, error=str(error) or type(error).__name__))
    return outcomes


def _wanted(args: argparse.Namespace, conf: Conf, today: date) -> Workflow:
    pinned = args.as_of or conf.as_of
    references = {
        "job.start_time.iso_date": today.isoformat(),
        "bundle.target": conf.target,
        "workspace.file_path": str(args.conf.absolute().parent.parent),
        "var.catalog": conf.catalog or "",
        "var.schema": conf.schema,
    } | ({"job.parameters.as_of": pinned.isoformat()} if pinned else {})
    workflow = load(args.workflow, references=references)
    workflow = workflow.only(args.only) if args.only else workflow
    return workflow.starting_from(args.start) if args.start else workflow


def _asked(task: Task, parse: Parse) -> argparse.Namespace:
    try:
        return parse(task.parameters)
    except SystemExit as refused:
        raise ConfigError(f"task {task.key} asks for what there is not: geo {' '.join(task.parameters)}") from refused


def _refuse_another(task: str, option: str, asked: object, used: object) -> None:
    """All tasks of a run have one day and one configuration."""
    if asked != used:
        raise ConfigError(
            f"task {task} asks for {option} {asked}, and this run has {used}; geo run has one for all its tasks"
        )
