"""List the tables of the lakehouse with their rows and what they hold."""

import argparse

from rich.console import Console

from jobs.registry import all_tables, all_truth_tables
from jobs.run.runner import Runner
from jobs.run.terminal import print_rows


def arguments(command: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(args: argparse.Namespace, runner: Runner, console: Console) -> int:
    rows: list[tuple[object, ...]] = []
    for tables, wanted in ((runner.tables, all_tables()), (runner.tables.truth, all_truth_tables())):
        for table in wanted:
            if tables.exists(table):
                version = tables.version(table).rpartition("@")[2]
                count = tables.read(table).count()
                rows.append((f"{tables.schema}.{table.name}", count, version, ", ".join(table.key), table.comment))
    print_rows(["table", "rows", "version", "key", "holds"], rows, "table", console)
    return 0
