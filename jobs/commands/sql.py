"""Ask the lakehouse in SQL; tables are NAME or geo.NAME, views are NAME, see geo tables.

No more than --limit rows come to this machine: a table ends there and says so, csv and json are refused instead, since
whoever reads them would take a part for the whole.
"""

import argparse
import re
from collections.abc import Sequence
from typing import TypeVar

from rich.console import Console

from geo_lib.config import Conf
from geo_lib.errors import InputError
from jobs.registry import all_tables, all_truth_tables
from jobs.run.terminal import print_rows
from jobs.run.workplace import opened
from schemas.table import Table
from schemas.views import VIEWS, View


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("statement")
    command.add_argument("--format", choices=("table", "csv", "json"), default="table")
    command.add_argument("--limit", type=_one_or_more, default=1_000, help="most rows of the answer (default: 1000)")


def run(args: argparse.Namespace, conf: Conf, console: Console) -> int:
    with opened(conf, args.as_of, for_jobs=False) as runner:
        asked, of_truth = named(args.statement, all_tables()), named(args.statement, all_truth_tables())
        viewed = named(args.statement, VIEWS)
        for view in viewed:
            runner.tables.view(view)
        if not asked and not of_truth and not viewed:  # as in `show tables in geo`: it may be about any of them
            asked, of_truth = all_tables(), all_truth_tables()
        runner.tables.truth.register(of_truth)
        if runner.tables.register(asked):
            runner.tables.use()
        answer = runner.tables.spark.sql(args.statement)
        rows = [tuple(row) for row in answer.take(args.limit + 1)]
        is_more = len(rows) > args.limit
        if is_more and args.format != "table":
            raise InputError(f"the answer has more than {args.limit:,} rows; ask for fewer, or raise --limit")
        print_rows(answer.columns, rows[: args.limit], args.format, console)
        if is_more:
            console.print(f"the answer goes on: these are its first {args.limit:,} rows (--limit)", style="dim")
    return 0


def _one_or_more(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"a limit is 1 or more, and not {number}")
    return number


Named = TypeVar("Named", Table, View)


def named(statement: str, tables: Sequence[Named]) -> list[Named]:
    """The tables or views whose names stand in the statement: to register one takes as long as to ask it."""
    words = set(re.findall(r"\w+", statement.lower()))
    return [table for table in tables if table.name in words]
