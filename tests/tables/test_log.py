"""The head of a table's log, from its files and from Spark alike."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from geo_lib.tables import Tables
from geo_lib.tables.log import of_folder, of_table
from schemas.table import Write
from tests.builders import build
from tests.tables.kit import contract


def commit(folder: Path, version: int, operation: str, **metadata: str) -> None:
    (folder / "_delta_log").mkdir(exist_ok=True, parents=True)
    actions: list[dict[str, object]] = [{"commitInfo": {"operation": operation}}, {"add": {"path": "part-0"}}]
    if metadata:
        actions.append({"metaData": {"configuration": metadata}})
    path = folder / "_delta_log" / f"{version:020}.json"
    path.write_text("\n".join(json.dumps(action, separators=(",", ":")) for action in actions))


def test_any_number_of_maintenance_commits_is_no_change(tmp_path: Path) -> None:
    commit(tmp_path, 0, "CREATE TABLE", owner="geo")
    commit(tmp_path, 1, "WRITE")
    for version in range(2, 60):
        commit(tmp_path, version, ("OPTIMIZE", "VACUUM START", "VACUUM END")[version % 3])
    log = of_folder(tmp_path)
    assert log is not None
    assert (log.last.version, log.last.operation, log.before) == (1, "WRITE", 0)
    assert log.properties == {"owner": "geo"}


def test_a_log_whose_beginning_is_gone_is_left_to_spark(tmp_path: Path) -> None:
    commit(tmp_path, 11, "WRITE")
    commit(tmp_path, 12, "WRITE")
    assert of_folder(tmp_path) is None
    commit(tmp_path, 13, "SET TBLPROPERTIES", owner="geo")
    assert of_folder(tmp_path) is not None


def test_a_folder_without_a_commit_is_no_table(tmp_path: Path) -> None:
    assert of_folder(tmp_path) is None
    (tmp_path / "_delta_log").mkdir()
    assert of_folder(tmp_path) is None


@pytest.mark.slow
def test_spark_tells_the_same_of_a_log_as_its_files(spark: SparkSession, tables: Tables) -> None:
    table = contract(Write.MERGE)
    for n in range(2):
        tables.write(table, build(table, spark, {"day": "mon", "n": n}))
    folder = Path(tables.lakehouse, "tables", "geo", table.name)
    of_files, asked = of_folder(folder), of_table(spark, f"delta.`{folder}`")
    assert of_files is not None
    assert asked is not None
    assert (of_files.last, of_files.before) == (asked.last, asked.before)
    assert of_files.last.said is not None
    assert of_files.properties.items() <= asked.properties.items(), "Spark adds the protocol's own"
