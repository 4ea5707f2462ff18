"""The command line: what it prints, what it refuses, what a failed task stops."""

import argparse
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from geo_lib import config
from geo_lib.counts import Counts
from geo_lib.errors import ConfigError, InputError
from geo_lib.models import Models
from geo_lib.tables import Tables
from jobs import cli
from jobs.job import Context, Job
from jobs.live import Board
from jobs.runner import Runner
from jobs.workflow import Task, Workflow
from schemas.job_runs import JOB_RUNS


@dataclass(frozen=True, slots=True)
class NoKnobs:
    pass


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    (tmp_path / "conf").mkdir()
    path = tmp_path / "conf" / "tiny.yml"
    path.write_text("lakehouse: ./lakehouse\nsimulated: true\nas_of: 2026-10-30\n")
    return path


def fine(context: Context, knobs: NoKnobs) -> Counts:
    context.progress(1, 2, "things")
    return Counts(10, 7, dropped={"too_small": 3})


def broken(context: Context, knobs: NoKnobs) -> Counts:
    raise InputError("there is no manifest")


@pytest.fixture
def run_tasks(tables: Tables, conf: Path) -> Callable[..., tuple[dict[str, str], str]]:
    """Run fake jobs as tasks; return how each ended and what was shown."""

    def run(**tasks: tuple[Callable[[Context, NoKnobs], Counts], tuple[str, ...]]) -> tuple[dict[str, str], str]:
        runner = Runner(tables, Models(f"{tables.lakehouse}/mlflow"), tables.lakehouse)
        shown = StringIO()
        board = Board(Console(file=shown, width=120), "geo run test")
        workflow = Workflow("test", tuple(Task(key, (key,), after) for key, (_, after) in tasks.items()))
        asked = [
            argparse.Namespace(job=Job(key, NoKnobs, run, "things"), force=True) for key, (run, _) in tasks.items()
        ]
        outcomes = cli._run_tasks(workflow, asked, runner, board, config.load(conf))
        return {o.job: o.status for o in outcomes}, shown.getvalue()

    return run


def test_a_failed_task_stops_what_depends_on_it_and_nothing_else(
    run_tasks: Callable[..., tuple[dict[str, str], str]],
) -> None:
    ended, shown = run_tasks(first=(broken, ()), second=(fine, ("first",)), third=(fine, ("second",)), aside=(fine, ()))
    assert ended == {"first": "failed", "aside": "succeeded"}
    assert "first" in shown
    assert "there is no manifest" in shown
    assert re.search(r"second.*waits for first", shown)
    assert re.search(r"third.*waits for second", shown)


def test_a_line_tells_what_came_in_was_kept_and_why_the_rest_was_not(
    run_tasks: Callable[..., tuple[dict[str, str], str]],
) -> None:
    _, shown = run_tasks(first=(fine, ()))
    assert re.search(r"first +\d+:\d\d  in 10  kept 7  dropped 3  failed 0  too_small 3", shown)


def test_sql_answers_as_table_csv_and_json(tables: Tables, conf: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def answer(how: str) -> str:
        statement = "select 'oak, \"old\"' as item, cast(null as int) as n"
        assert cli.main(["sql", statement, "--format", how, "--conf", str(conf)]) == 0
        return capfd.readouterr().out

    assert json.loads(answer("json")) == [{"item": 'oak, "old"', "n": None}]
    assert answer("csv").splitlines() == ["item,n", '"oak, ""old""",']
    assert "1 rows" in answer("table")


def test_sql_and_tables_find_what_jobs_wrote(tables: Tables, conf: Path, capfd: pytest.CaptureFixture[str]) -> None:
    own = Tables(tables.spark, str(conf.parent.parent / "lakehouse"), tables.stamp)
    own.read(JOB_RUNS)
    statement = "select count(*) as n from geo.job_runs"
    assert cli.main(["sql", statement, "--format", "json", "--conf", str(conf)]) == 0
    assert json.loads(capfd.readouterr().out) == [{"n": 0}]
    assert cli.main(["tables", "--conf", str(conf)]) == 0
    assert "geo.job_runs" in capfd.readouterr().out
    tables.spark.sql("drop database geo cascade")


def test_a_wrong_statement_is_one_sentence_and_the_rest_is_in_the_log(
    tables: Tables, conf: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["sql", "select * from nowhere", "--conf", str(conf)]) == 1
    out = capfd.readouterr().out
    assert "TABLE_OR_VIEW_NOT_FOUND" in out
    assert "Traceback" not in out
    (log_file,) = (conf.parent.parent / "lakehouse" / "logs").glob("*.log")
    assert "Traceback" in log_file.read_text()


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["run", "pipelin"], "there is no workflow pipelin; resources/ has pipeline"),
        (["run", "pipeline", "--only", "mine"], "pipeline has no task mine; it has ingest_catalogue"),
        (["sql", "select 1", "--conf", "conf/nowhere.yml"], "no configuration file"),
    ],
)
def test_what_cannot_be_is_answered_with_what_can(
    conf: Path, argv: list[str], sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    argv = argv if "--conf" in argv else [*argv, "--conf", str(conf)]
    assert cli.main(argv) == 2
    captured = capfd.readouterr()
    assert sentence in " ".join((captured.out + captured.err).split())


@pytest.mark.parametrize("argv", [["mine-queries", "--as-of", "{{job.parameters.as_of}}"], ["mine-querys"], ["run"]])
def test_a_misspelt_reference_or_command_dies_at_the_command_line(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as died:
        cli.parser().parse_args(argv)
    assert died.value.code == 2


def test_a_misspelt_job_in_the_configuration_is_refused_with_the_jobs_there_are(
    conf: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    conf.write_text(conf.read_text() + "jobs: {mine_querys: {top: 5}}\n")
    assert cli.main(["tables", "--conf", str(conf)]) == 2
    assert re.search(r"configures mine_querys, which is no job; jobs are .*mine_queries", capfd.readouterr().err)


@pytest.mark.parametrize("uri", ["databricks", "databricks-uc", "databricks://profile"])
def test_databricks_own_registries_are_refused_before_anything_is_tuned(conf: Path, uri: str) -> None:
    conf.write_text(f"{conf.read_text()}mlflow: {uri}\n")
    with pytest.raises(ConfigError, match=f"mlflow: {uri}, and Databricks' own .* give the tracking URI"):
        cli._models(config.load(conf))


def test_a_failed_command_raises_because_databricks_drops_what_an_entry_point_returns(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf.write_text("no_such_key: 1\n")
    monkeypatch.setattr("sys.argv", ["geo", "tables", "--conf", str(conf)])
    with pytest.raises(SystemExit) as ended:
        cli.entry()
    assert ended.value.code == 2
