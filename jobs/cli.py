"""geo: generative engine optimisation for an image platform, from raw files to published pages.

geo run pipeline                      the whole workflow, on the configuration of the demo
geo run pipeline --conf conf/local.yml --from validate_queries
geo mine-queries --conf conf/local.yml --as-of 2026-01-31
geo sql "select * from geo.collections limit 5"
geo tables
"""

import argparse
import logging
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from rich.console import Console

from geo_lib import config, provenance, spark
from geo_lib.config import Conf
from geo_lib.errors import ConfigError, GeoError
from geo_lib.files import can_append
from geo_lib.models import Models
from geo_lib.tables import Stamp, Tables
from jobs.commands import sql, tables
from jobs.registry import JOBS
from jobs.run.board import Board
from jobs.run.job import Job
from jobs.run.runner import Outcome, Runner
from jobs.run.terminal import quiet, say_how_it_went
from jobs.run.workflow import ROOT, Task, Workflow, load

DEMO = ROOT / "conf" / "demo.yml"

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``geo``; return its exit status: 0 done, 1 a job failed, 2 it was asked for something impossible."""
    args = parser().parse_args(argv)
    try:
        conf = config.load(args.conf)
        conf.refuse_unknown({name: job.knobs for name, job in JOBS.items()})
        with quiet(conf) as (console, log_file):
            try:
                return int(args.act(args, conf, console))
            except GeoError as error:
                console.print(f"geo {args.command}: {error}", style="red", markup=False, highlight=False)
                return 2 if isinstance(error, ConfigError) else 1
            except Exception as error:
                logging.getLogger().exception("geo %s failed", args.command)
                sentence = str(error).splitlines()[0] if str(error) else type(error).__name__
                console.print(f"geo {args.command}: {sentence}", style="red", markup=False, highlight=False)
                console.print(f"The whole story is in {log_file}", style="dim", highlight=False)
                return 1
    except GeoError as error:
        print(f"geo {args.command}: {error}", file=sys.stderr)
        return 2


def entry() -> None:
    """What the console script and Databricks call: a wheel task drops what it returns, and only an error fails it."""
    if status := main():
        raise SystemExit(status)


def parser() -> argparse.ArgumentParser:
    """The whole command line; every job is a subcommand with the docstring of its module as help."""
    whole = argparse.ArgumentParser(prog="geo", description=__doc__, formatter_class=_AsWritten)
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for job in JOBS.values():
        described = sys.modules[job.run.__module__].__doc__ or ""
        one = _command(commands, job.name.replace("_", "-"), described)
        one.set_defaults(act=_run_job, job=job)
        one.add_argument("--force", action="store_true", help="run even if nothing has changed")
        for knob, keywords in (job.arguments or {}).items():
            one.add_argument(f"--{knob.replace('_', '-')}", dest=knob, **keywords)
    run = _command(commands, "run", "Run a workflow of resources/: its tasks, in dependency order, in one session.")
    run.set_defaults(act=_run_workflow)
    run.add_argument("workflow", help="name of resources/NAME.job.yml")
    which = run.add_mutually_exclusive_group()
    which.add_argument("--from", dest="start", metavar="TASK", help="this task and what depends on it")
    which.add_argument("--only", metavar="TASK", help="just this task")
    run.add_argument("--force", action="store_true", help="run tasks even if nothing has changed")
    for name, command in {"sql": sql, "tables": tables}.items():
        one = _command(commands, name, command.__doc__ or "")
        one.set_defaults(act=partial(_run_command, command.run))
        command.arguments(one)
    return whole


class _AsWritten(argparse.RawDescriptionHelpFormatter):
    """Docstrings are written to be read as they are."""


def _command(commands: Any, name: str, described: str) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = commands.add_parser(
        name, help=described.strip().splitlines()[0], description=described, formatter_class=_AsWritten
    )
    one.add_argument("--conf", type=Path, default=DEMO, help="configuration file (default: conf/demo.yml)")
    one.add_argument(
        "--as-of",
        type=date.fromisoformat,
        help="day to look back from, YYYY-MM-DD (default: conf's, else today)",
    )
    return one


# -- what the commands do ----------------------------------------------------------------------------------


def _run_job(args: argparse.Namespace, conf: Conf, console: Console) -> int:
    args.knobs = _knobs(args, conf)
    with _runner(conf, args.as_of) as runner:
        board = Board(console, f"geo {args.command}", lambda: spark.running_stages(runner.tables.spark))
        board.expect([args.job.name])
        with board.shown():
            outcome = _run(runner, board, args)
        if outcome.counts is not None and outcome.counts.report:
            console.print(outcome.counts.report, markup=False, highlight=False)
    return 0


def _run_command(
    command: Callable[[argparse.Namespace, Runner, Console], int],
    args: argparse.Namespace,
    conf: Conf,
    console: Console,
) -> int:
    with _runner(conf, args.as_of) as runner:
        return command(args, runner, console)


def _knobs(args: argparse.Namespace, conf: Conf) -> Any:
    """What a job is told by the configuration and, before it, by the command line; ``ConfigError`` if it cannot be."""
    job: Job[Any] = args.job
    given = {name: value for name in (job.arguments or {}) if (value := getattr(args, name)) is not None}
    return conf.knobs(job.name, job.knobs, given)


def _run(runner: Runner, board: Board, args: argparse.Namespace) -> Outcome:
    """Run the job that ``args`` ask for, shown on the board; an error is shown there and raised."""
    job: Job[Any] = args.job
    board.start(job.name)
    try:
        outcome = runner.run(job, args.knobs, force=args.force, progress=board.progress)
    except Exception as error:
        board.end(job.name, "failed", note=str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise
    board.end(job.name, outcome.status, counts=outcome.counts, note="" if outcome.counts else "nothing has changed")
    return outcome


def _run_workflow(args: argparse.Namespace, conf: Conf, console: Console) -> int:
    if args.conf.absolute().parent.name != "conf":
        raise ConfigError(f"geo run wants its configuration in a folder conf/, not at {args.conf}")
    pinned = args.as_of or conf.as_of
    today = datetime.now(UTC).date().isoformat()
    references = {
        "job.start_time.iso_date": today,
        "bundle.target": conf.target,
        "workspace.file_path": str(args.conf.absolute().parent.parent),
        "var.catalog": conf.catalog or "",
        "var.schema": conf.schema,
    } | ({"job.parameters.as_of": pinned.isoformat()} if pinned else {})
    workflow = load(args.workflow, references=references)
    workflow = workflow.only(args.only) if args.only else workflow
    workflow = workflow.starting_from(args.start) if args.start else workflow
    asked = [_asked(task, force=args.force) for task in workflow.tasks]
    as_of = pinned or next((task.as_of for task in asked if task.as_of), date.fromisoformat(today))
    for task, of_task in zip(workflow.tasks, asked, strict=True):
        _refuse_another(task.key, "--as-of", of_task.as_of or as_of, as_of)
        _refuse_another(task.key, "--conf", of_task.conf, args.conf.absolute())
        of_task.knobs = _knobs(of_task, conf)  # all of them before the first task: a mistake costs no work
    with _runner(conf, as_of) as runner:
        board = Board(console, f"geo run {workflow.name}", lambda: spark.running_stages(runner.tables.spark))
        outcomes = _run_tasks(workflow, asked, runner, board)
        runner.record_skips(outcomes)
    say_how_it_went(console, conf, None if args.conf == DEMO else args.conf, workflow, outcomes)
    return 1 if len(outcomes) < len(workflow.tasks) or any(o.status == "failed" for o in outcomes) else 0


def _asked(task: Task, *, force: bool) -> argparse.Namespace:
    """What a task's parameters say, read by the very parser that Databricks' entry point uses."""
    try:
        args = parser().parse_args(task.parameters)
    except SystemExit as refused:
        raise ConfigError(f"task {task.key} asks for what there is not: geo {' '.join(task.parameters)}") from refused
    args.force = args.force or force
    return args


def _refuse_another(task: str, option: str, asked: object, used: object) -> None:
    """All tasks of a run have one day and one configuration."""
    if asked != used:
        raise ConfigError(
            f"task {task} asks for {option} {asked}, and this run has {used}; geo run has one for all its tasks"
        )


def _run_tasks(workflow: Workflow, asked: Sequence[argparse.Namespace], runner: Runner, board: Board) -> list[Outcome]:
    """Run the tasks in order; one that fails stops what depends on it, directly or not, and nothing else."""
    outcomes: list[Outcome] = []
    stopped: set[str] = set()
    board.expect([task.key for task in workflow.tasks])
    with board.shown():
        for task, args in zip(workflow.tasks, asked, strict=True):
            if waiting_for := sorted(stopped & set(task.depends_on)):
                stopped.add(task.key)
                board.end(task.key, "not run", note=f"waits for {', '.join(waiting_for)}")
                continue
            try:
                outcomes.append(_run(runner, board, args))
            except Exception as error:
                log.exception("%s failed", task.key)
                stopped.add(task.key)
                outcomes.append(Outcome(task.key, "failed", 0.0, error=str(error) or type(error).__name__))
    return outcomes


# -- what the commands work in -----------------------------------------------------------------------------


@contextmanager
def _runner(conf: Conf, as_of: date | None) -> Iterator[Runner]:
    """A session and a run of its own; the session is stopped if it was started here."""
    stamp = Stamp(
        run_id=f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        as_of=as_of or conf.as_of or datetime.now(UTC).date(),
        code_commit=provenance.code_commit(),
        simulated=conf.simulated,
    )
    started_here = SparkSession.getActiveSession() is None
    session = spark.session(conf.spark)
    try:
        tables = Tables(session, conf.lakehouse, stamp, schema=conf.schema, catalog=conf.catalog)
        yield Runner(tables, _models(conf), conf.lakehouse, conf.root)
    finally:
        if started_here and "DATABRICKS_RUNTIME_VERSION" not in os.environ:
            session.stop()


def _models(conf: Conf) -> Models:
    """The registry: of the MLflow server that the target names, else an SQLite file in the lakehouse."""
    if conf.mlflow is None and not can_append(conf.lakehouse):
        raise ConfigError(
            f"{conf.target}.yml names no mlflow server, and the lakehouse {conf.lakehouse} takes no SQLite file; set "
            "mlflow: to the tracking URI of a server"
        )
    if conf.mlflow is not None and conf.mlflow.startswith("databricks"):
        raise ConfigError(
            f"{conf.target}.yml has mlflow: {conf.mlflow}, and Databricks' own registries do not do: the workspace's "
            "has no aliases, Unity Catalog's wants a signature; give the tracking URI of an MLflow server, https://…"
        )
    prefix = f"{conf.catalog}.{conf.schema}." if conf.catalog else ""
    return Models(f"{conf.lakehouse}/mlflow", tracking_uri=conf.mlflow, prefix=prefix)


if __name__ == "__main__":
    entry()
