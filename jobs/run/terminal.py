"""What geo says at the terminal, and the file for whatever else is said."""

import csv
import json
import logging
import os
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, TextIO

from rich.console import Console
from rich.table import Table as Grid

from geo_lib.config import Conf
from geo_lib.files import can_append
from jobs.run.job import Job
from jobs.run.runner import Outcome


@contextmanager
def quiet(conf: Conf) -> Iterator[tuple[Console, Path]]:
    """Give the terminal to the console alone; what Spark, vLLM and MLflow say goes to a log file."""
    folder = Path(conf.lakehouse, "logs") if can_append(conf.lakehouse) else Path(tempfile.gettempdir())
    folder.mkdir(parents=True, exist_ok=True)
    log_file = folder / f"geo-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
    terminal: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    saved = [os.dup(fd) for fd in (1, 2)]
    sys.stdout.flush()
    sys.stderr.flush()
    with log_file.open("ab") as file:
        for fd in (1, 2):
            os.dup2(file.fileno(), fd)
    root = logging.getLogger()
    handler = logging.FileHandler(log_file, encoding="utf-8")
    handler.setFormatter(_Utc("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for chatty in ("py4j", "mlflow", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    width = None if terminal.isatty() else 160
    try:
        yield literal_console(terminal, width=width), log_file
    finally:
        root.removeHandler(handler)
        handler.close()
        sys.stdout.flush()
        sys.stderr.flush()
        for fd, back in zip((1, 2), saved, strict=True):
            os.dup2(back, fd)
            os.close(back)
        terminal.close()


def literal_console(file: IO[str], *, width: int | None) -> Console:
    """A console that shows text as it is: names and queries may hold what rich takes for its markup."""
    return Console(file=file, width=width, markup=False, emoji=False, highlight=False)


def print_rows(columns: Sequence[str], rows: Sequence[tuple[Any, ...]], how: str, console: Console) -> None:
    """What SQL answered, ``how`` one of table, csv and json."""
    if how == "json":
        console.out(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=str, ensure_ascii=False))
    elif how == "csv":
        writer = csv.writer(console.file, lineterminator="\n")
        writer.writerows([columns, *rows])
    else:
        grid = Grid(box=None, padding=(0, 1), header_style="bold")
        for name in columns:
            grid.add_column(name, overflow="fold")
        for row in rows:
            grid.add_row(*("" if value is None else str(value) for value in row))
        console.print(grid)
        console.print(f"{len(rows):,} rows", style="dim")


def say_how_it_went(
    console: Console, conf: Conf, file: Path | None, jobs: Sequence[Job[Any]], outcomes: Sequence[Outcome]
) -> None:
    """Reports, failures and the sum; after a success where things lie and what the ``jobs`` find worth asking.

    ``file`` is the configuration to name in what can be typed next; null for the one that ``geo`` takes by itself.
    """
    for outcome in outcomes:
        if outcome.counts is not None and outcome.counts.report:
            console.print(f"\n{outcome.job}\n{outcome.counts.report}", soft_wrap=True)
    failed = [o for o in outcomes if o.status == "failed"]
    for outcome in failed:
        console.print(f"\n{outcome.job} failed: {outcome.error}", style="red")
    took = sum(o.seconds for o in outcomes)
    skipped = sum(o.status == "skipped" for o in outcomes)
    console.print(
        f"\n{len(outcomes) - len(failed) - skipped} of {len(jobs)} tasks ran, {skipped} had nothing to do, "
        f"{len(jobs) - len(outcomes) + len(failed)} did not succeed; {took:.0f} s of work",
    )
    if failed:
        console.print("Mend the cause and run the same command again: what succeeded is not repeated.")
        return
    console.print(f"lakehouse  {conf.lakehouse}", soft_wrap=True)
    if Path(conf.lakehouse, "site", "index.html").is_file():
        console.print(f"open       file://{conf.lakehouse}/site/index.html", soft_wrap=True)
    option = "" if file is None else f" --conf {shlex.quote(str(file))}"
    for statement in (asked.format(schema=conf.schema) for job in jobs for asked in job.ask):
        console.print(f'try        {_command_to_type()} sql "{statement}"{option}', soft_wrap=True)


def _command_to_type() -> str:
    """``geo`` where the shell finds it, else the running script by its shorter path: ``.venv/bin/geo``."""
    if shutil.which("geo") or Path(sys.argv[0]).name != "geo":
        return "geo"
    whole = str(Path(sys.argv[0]).absolute())
    return shlex.quote(min(os.path.relpath(whole), whole, key=len))


class _Utc(logging.Formatter):
    """Log times as the tables have them."""

    @staticmethod
    def converter(seconds: float | None = None) -> time.struct_time:
        return time.gmtime(seconds)
