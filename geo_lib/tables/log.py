"""What the log of a table says of it: read from its files where they lie on this machine, else asked of Spark.

A log is a folder of commits, ``00000000000000000007.json`` with an action a line (Delta's protocol, PROTOCOL.md). To
read the last few takes milliseconds, where ``describe history`` and ``show tblproperties`` take Spark jobs.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

CREATED = "CREATE TABLE"
_MAINTENANCE = ("OPTIMIZE", "VACUUM START", "VACUUM END")
"""Operations that make a version and change no row; a platform may run them by itself."""
_ASKED_FIRST = 20
"""Commits that Spark is asked for; maintenance has made them all where those are too few."""


@dataclass(frozen=True, slots=True)
class Change:
    """A commit that was no maintenance."""

    version: int
    operation: str
    said: str | None
    """What its writer noted in it (Delta's userMetadata); null when nothing."""


@dataclass(frozen=True, slots=True)
class Log:
    """The head of a table's log."""

    properties: Mapping[str, str]
    last: Change
    before: int | None
    """Version of the change before the last; null when there was none, or none that is known."""


def of_folder(folder: Path) -> Log | None:
    """The log of a table on this machine; null when its files do not reach back far enough to tell.

    Delta writes checkpoints and in time drops the commits before them; then Spark has to be asked.
    """
    properties: Mapping[str, str] | None = None
    changes: list[Change] = []
    for version, actions in _newest_first(folder / "_delta_log"):
        for action in actions:
            if "metaData" in action and properties is None:
                properties = action["metaData"].get("configuration", {})
        if (change := _change(version, actions)) is not None:
            changes.append(change)
        if properties is not None and len(changes) > 1:
            break
    if properties is None or not changes:
        return None
    return Log(properties, changes[0], changes[1].version if len(changes) > 1 else None)


def of_table(spark: SparkSession, name: str) -> Log | None:
    """The log of the table that SQL calls ``name``, asked of Spark; null when there is no such table."""
    from pyspark.errors import AnalysisException

    try:
        properties = {r["key"]: r["value"] for r in spark.sql(f"show tblproperties {name}").collect()}
    except AnalysisException:  # a log without a commit yet is no table
        return None
    for limit in (f" limit {_ASKED_FIRST}", ""):
        history = spark.sql(f"describe history {name}{limit}").collect()
        changes = [
            Change(row["version"], row["operation"], row["userMetadata"])
            for row in history
            if row["operation"] not in _MAINTENANCE
        ]
        if len(changes) > 1 or len(history) < _ASKED_FIRST:
            break
    oldest = Change(history[-1]["version"], history[-1]["operation"], None)
    return Log(properties, changes[0] if changes else oldest, changes[1].version if len(changes) > 1 else None)


def _newest_first(folder: Path) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Version and actions of the commits on file, from the last back to the first gap."""
    commits = {int(path.stem): path for path in folder.glob("*.json") if path.stem.isdigit()}
    version = max(commits, default=-1)
    while version in commits:
        lines = commits[version].read_text("utf-8").splitlines()
        yield version, [json.loads(line) for line in lines if _is_of_interest(line)]
        version -= 1


def _is_of_interest(line: str) -> bool:
    """Files added and removed are most of a log and say nothing here."""
    return line.startswith(('{"commitInfo"', '{"metaData"'))


def _change(version: int, actions: Iterable[Mapping[str, Any]]) -> Change | None:
    info: Mapping[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    operation = info.get("operation", "unknown")
    return None if operation in _MAINTENANCE else Change(version, operation, info.get("userMetadata"))
