"""List the tables of the lakehouse with their rows and what they hold, and the views that geo sql knows."""

import argparse

from rich.console import Console

from geo_lib.config import Conf
from jobs.registry import all_tables, all_truth_tables
from jobs.run.terminal import print_rows
from jobs.run.workplace import opened
from schemas.views import VIEWS


def arguments(command: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(args: argparse.Namespace, conf: Conf, console: Console) -> int:
    rows: list[tuple[object, ...]] = []
    with opened(conf, args.as_of, for_jobs=False) as runner:
        for tables, wanted in ((runner.tables, all_tables()), (runner.tables.truth, all_truth_tables())):
            for table in filter(tables.exists, wanted):
                version = tables.version(table).rpartition("@")[2]
                count = tables.read(table).count()
                rows.append((f"{tables.schema}.{table.name}", count, version, ", ".join(table.key), table.comment))
    rows += [(view.name, "", "view", "", view.comment) for view in VIEWS]
    print_rows(["table", "rows", "version", "key", "holds"], rows, "table", console)
    return 0
