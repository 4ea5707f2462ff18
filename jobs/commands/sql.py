"""Ask the lakehouse in SQL; tables are geo.NAME, see geo tables."""

import argparse
import re
from collections.abc import Sequence

from rich.console import Console

from geo_lib.config import Conf
from jobs.registry import all_tables, all_truth_tables
from jobs.run.terminal import print_rows
from jobs.run.workplace import opened
from schemas.table import Table


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("statement")
    command.add_argument("--format", choices=("table", "csv", "json"), default="table")


def run(args: argparse.Namespace, conf: Conf, console: Console) -> int:
    with opened(conf, args.as_of, for_jobs=False) as runner:
        asked, of_truth = named(args.statement, all_tables()), named(args.statement, all_truth_tables())
        if not asked and not of_truth:  # as in `show tables in geo`: it may be about any of them
            asked, of_truth = all_tables(), all_truth_tables()
        runner.tables.register(asked)
        runner.tables.truth.register(of_truth)
        answer = runner.tables.spark.sql(args.statement)
        print_rows(answer.columns, [tuple(row) for row in answer.collect()], args.format, console)
    return 0


def named(statement: str, tables: Sequence[Table]) -> list[Table]:
    """The tables whose names stand in the statement: to register one takes as long as to ask it."""
    words = set(re.findall(r"\w+", statement.lower()))
    return [table for table in tables if table.name in words]
