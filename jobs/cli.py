"""geo: generative engine optimisation for an image platform, from raw files to published pages.

geo run pipeline                      the whole workflow, on the configuration of the demo
geo run publish --conf conf/local.yml --from validate_queries
geo mine-queries --conf conf/local.yml --as-of 2026-01-31
geo make-catalogue ./pictures --locale en --site-url https://www.example.com
geo explain "velvet armchair"         what became of a query, or of a picture, and why
geo sql "select * from geo.collections limit 5"
geo tables
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from geo_lib import config
from geo_lib.errors import ConfigError, GeoError, first_line
from jobs.commands import explain, make_catalogue, serve_oracle, sql, tables
from jobs.commands import job as one_job
from jobs.commands import run as workflow
from jobs.commands.run import DEMO
from jobs.registry import JOBS
from jobs.run.terminal import quiet

COMMANDS = {
    "explain": explain,
    "make-catalogue": make_catalogue,
    "serve-oracle": serve_oracle,
    "sql": sql,
    "tables": tables,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``geo``; return its exit status: 0 done, 1 a job failed, 2 it was asked for something impossible."""
    args = parse(sys.argv[1:] if argv is None else argv)
    try:
        conf = config.load(args.conf)
        conf.refuse_unknown({name: job.knobs for name, job in JOBS.items()})
        with quiet(conf) as (console, log_file):
            try:
                return int(args.act(args, conf, console))
            except GeoError as error:
                console.print(f"geo {args.command}: {error}", style="red")
                return 2 if isinstance(error, ConfigError) else 1
            except Exception as error:
                logging.getLogger().exception("geo %s failed", args.command)
                console.print(f"geo {args.command}: {first_line(error)}", style="red")
                console.print(f"The whole story is in {log_file}", style="dim")
                return 1
    except GeoError as error:
        print(f"geo {args.command}: {error}", file=sys.stderr)
        return 2


def entry() -> None:
    """What the console script and Databricks call: a wheel task drops what it returns, and only an error fails it."""
    if status := main():
        raise SystemExit(status)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read a command line; a job goes by its name too, since that is what ``{{task.name}}`` gives a wheel task."""
    return parser().parse_args([argv[0].replace("_", "-"), *argv[1:]] if argv else [])


def parser() -> argparse.ArgumentParser:
    """The whole command line; every job is a subcommand with the docstring of its module as help."""
    whole = argparse.ArgumentParser(prog="geo", description=__doc__, formatter_class=_AsWritten)
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for job in JOBS.values():
        one = _command(commands, job.name.replace("_", "-"), sys.modules[job.run.__module__].__doc__ or "")
        one.set_defaults(act=one_job.run, job=job)
        one.add_argument("--force", action="store_true", help="run even if nothing has changed")
        for knob, keywords in (job.arguments or {}).items():
            one.add_argument(f"--{knob.replace('_', '-')}", dest=knob, **keywords)
    several = _command(commands, "run", workflow.__doc__ or "")
    several.set_defaults(act=partial(workflow.run, parse=parse))
    workflow.arguments(several)
    for name, module in COMMANDS.items():
        one = _command(commands, name, module.__doc__ or "")
        one.set_defaults(act=module.run)
        module.arguments(one)
    return whole


class _AsWritten(argparse.RawDescriptionHelpFormatter):
    """Docstrings are written to be read as they are."""


def _command(commands: Any, name: str, described: str) -> argparse.ArgumentParser:
    one: argparse.ArgumentParser = commands.add_parser(
        name, help=described.strip().splitlines()[0], description=described, formatter_class=_AsWritten
    )
    one.add_argument("--conf", type=Path, default=DEMO, help="configuration file (default: conf/demo.yml)")
    one.add_argument(
        "--as-of", type=date.fromisoformat, help="day to look back from, YYYY-MM-DD (default: conf's, else today)"
    )
    return one


if __name__ == "__main__":
    entry()
