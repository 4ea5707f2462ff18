"""Ask the lakehouse in SQL; tables are geo.NAME, see geo tables."""

import argparse

from rich.console import Console

from geo_lib.config import Conf
from jobs.registry import all_tables, all_truth_tables
from jobs.run.terminal import print_rows
from jobs.run.workplace import opened


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("statement")
    command.add_argument("--format", choices=("table", "csv", "json"), default="table")


def run(args: argparse.Namespace, conf: Conf, console: Console) -> int:
    with opened(conf, args.as_of) as runner:
        runner.tables.register(all_tables())
        runner.tables.truth.register(all_truth_tables())
        answer = runner.tables.spark.sql(args.statement)
        print_rows(answer.columns, [tuple(row) for row in answer.collect()], args.format, console)
    return 0
