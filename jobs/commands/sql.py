"""Ask the lakehouse in SQL; tables are geo.NAME, see geo tables."""

import argparse

from rich.console import Console

from jobs.registry import all_tables, all_truth_tables
from jobs.run.runner import Runner
from jobs.run.terminal import print_rows


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("statement")
    command.add_argument("--format", choices=("table", "csv", "json"), default="table")


def run(args: argparse.Namespace, runner: Runner, console: Console) -> int:
    runner.tables.register(all_tables())
    runner.tables.truth.register(all_truth_tables())
    answer = runner.tables.spark.sql(args.statement)
    print_rows(answer.columns, [tuple(row) for row in answer.collect()], args.format, console)
    return 0
