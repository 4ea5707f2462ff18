"""The command line: what it prints, what it refuses, what a failed task stops."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
import yaml

from geo_lib import config
from geo_lib.counts import Counts
from geo_lib.errors import ConfigError, InputError
from geo_lib.models import Models
from geo_lib.tables import Tables
from jobs import build_collections, cli
from jobs.commands import run as run_command
from jobs.commands.run import Step, run_steps
from jobs.run import terminal, workflow
from jobs.run.board import Board
from jobs.run.job import Context, Job
from jobs.run.runner import Runner
from jobs.run.workflow import Task
from jobs.run.workplace import registry
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
    raise InputError("\nthere is no manifest [/path] :star:")


@pytest.fixture
def run_tasks(tables: Tables) -> Callable[..., tuple[dict[str, str], str]]:
    """Run fake jobs as tasks; return how each ended and what was shown."""

    def run(**tasks: tuple[Callable[[Context, NoKnobs], Counts], tuple[str, ...]]) -> tuple[dict[str, str], str]:
        runner = Runner(tables, Models(f"{tables.lakehouse}/mlflow"), tables.lakehouse)
        shown = StringIO()
        board = Board(terminal.literal_console(shown, width=120), "geo run test")
        steps = [
            Step(Task(key, (key,), after), Job(key, NoKnobs, run, "things"), NoKnobs(), force=True)
            for key, (run, after) in tasks.items()
        ]
        outcomes = run_steps(steps, runner, board)
        return {o.job: o.status for o in outcomes}, shown.getvalue()

    return run


def test_a_failed_task_stops_what_depends_on_it_and_nothing_else(
    run_tasks: Callable[..., tuple[dict[str, str], str]],
) -> None:
    ended, shown = run_tasks(first=(broken, ()), second=(fine, ("first",)), third=(fine, ("second",)), aside=(fine, ()))
    assert ended == {"first": "failed", "aside": "succeeded"}
    assert "first" in shown
    assert "there is no manifest [/path] :star:" in shown
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
    for name in ("geo.job_runs", "job_runs"):
        statement = f"select count(*) as n from {name}"
        assert cli.main(["sql", statement, "--format", "json", "--conf", str(conf)]) == 0
        assert json.loads(capfd.readouterr().out) == [{"n": 0}]
    assert cli.main(["tables", "--conf", str(conf)]) == 0
    assert "geo.job_runs" in capfd.readouterr().out
    tables.spark.sql("use default")
    tables.spark.sql("drop database geo cascade")


def test_an_answer_ends_at_the_limit_and_says_so(tables: Tables, conf: Path, capfd: pytest.CaptureFixture[str]) -> None:
    statement = ["sql", "select id from range(12)", "--conf", str(conf), "--limit"]
    assert cli.main([*statement, "3"]) == 0
    assert "these are its first 3 rows" in capfd.readouterr().out
    assert cli.main([*statement, "3", "--format", "csv"]) == 1
    assert "geo sql: the answer has more than 3 rows; ask for fewer, or raise --limit" in capfd.readouterr().out
    assert cli.main([*statement, "12", "--format", "csv"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 13


@pytest.mark.parametrize(
    ("statement", "what"),
    [("select * from nowhere", "TABLE_OR_VIEW_NOT_FOUND"), ("selec count(*) from images", "Syntax error at or near")],
)
def test_a_wrong_statement_is_one_sentence_and_the_rest_is_in_the_log(
    tables: Tables, conf: Path, statement: str, what: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["sql", statement, "--conf", str(conf)]) == 1
    out = capfd.readouterr().out
    assert what in out
    assert "Traceback" not in out
    (log_file,) = (conf.parent.parent / "lakehouse" / "logs").glob("*.log")
    assert "Traceback" in log_file.read_text()


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["run", "pipelin"], "there is no workflow pipelin; resources/ has daily, ingest, pipeline, publish, train"),
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
        cli.parse(argv)
    assert died.value.code == 2


def test_a_misspelt_job_in_the_configuration_is_refused_with_the_jobs_there_are(
    conf: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    conf.write_text(conf.read_text() + "jobs: {mine_querys: {top: 5}}\n")
    assert cli.main(["tables", "--conf", str(conf)]) == 2
    assert re.search(r"configures mine_querys, which is no job; jobs are .*mine_queries", capfd.readouterr().err)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("settings: {vln: {base: x}}", "tiny.yml: settings has no section vln; it has .*language, .*vlm"),
        ("settings: {vlm: {bse: x}}", "tiny.yml: settings.vlm has no bse; it has base, decoding, max_model_len"),
        ("settings: {language: {min_score: high}}", "settings.language.min_score must be float, not 'high'"),
        ("settings: {language: 0.9}", "settings.language must hold keys and values, not 0.9"),
        (
            "jobs: {validate_queries: {language: {min_score: 0.5}}}",
            "validate_queries.language is what several jobs must agree on: set it under settings:, not under jobs:",
        ),
    ],
)
def test_a_setting_that_nobody_has_or_that_stands_in_the_wrong_place_is_refused(
    conf: Path, text: str, sentence: str, capfd: pytest.CaptureFixture[str]
) -> None:
    conf.write_text(f"{conf.read_text()}{text}\n")
    assert cli.main(["run", "pipeline", "--conf", str(conf)]) == 2
    shown = capfd.readouterr()
    assert re.search(sentence, " ".join((shown.out + shown.err).split()))


def test_a_job_goes_by_its_name_as_its_task_does() -> None:
    assert cli.parse(["mine_queries"]).job is cli.parse(["mine-queries"]).job


def test_a_knob_that_cannot_be_is_refused_before_any_task_runs(conf: Path, capfd: pytest.CaptureFixture[str]) -> None:
    conf.write_text(f"{conf.read_text()}jobs: {{publish_pages: {{site_url: ftp://x}}}}\n")
    assert cli.main(["run", "pipeline", "--conf", str(conf)]) == 2
    shown = " ".join(capfd.readouterr().out.split())
    assert shown == "geo run: publish_pages: site_url must begin with https:// or http://, not be 'ftp://x'"
    assert cli.main(["publish-pages", "--conf", str(conf)]) == 2
    assert not (conf.parent.parent / "lakehouse" / "tables").exists()


@pytest.fixture
def asked_to_run(conf: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Ask geo run for tasks with these parameters and a default day; tells the day it would run, or the refusal."""

    def ask(*tasks: list[str], default: str = "2026-02-02", options: Sequence[str] = ()) -> str:
        def runner(conf: config.Conf, as_of: date) -> Runner:
            raise InputError(f"would run the day {as_of}")

        def task(job: str, *more: str) -> dict[str, object]:
            filled = [job, "--conf", "${workspace.file_path}/conf/${bundle.target}.yml", *more]
            return {"task_key": job.replace("-", "_"), "python_wheel_task": {"parameters": filled}}

        job = {"parameters": [{"name": "as_of", "default": default}], "tasks": [task(*asked) for asked in tasks]}
        (conf.parent / "w.job.yml").write_text(yaml.safe_dump({"resources": {"jobs": {"w": job}}}))
        monkeypatch.setattr(run_command, "load", partial(workflow.load, folder=conf.parent))
        monkeypatch.setattr(run_command, "opened", runner)
        cli.main(["run", "w", "--conf", str(conf), *options])
        return " ".join(capfd.readouterr().out.split()).removeprefix("geo run: ")

    return ask


def test_the_day_is_the_command_lines_else_the_configurations_else_the_parameters_default(
    asked_to_run: Callable[..., str], conf: Path
) -> None:
    task = ["mine-queries", "--as-of", "{{job.parameters.as_of}}"]
    assert asked_to_run(task, options=["--as-of", "2026-03-03"]) == "would run the day 2026-03-03"
    assert asked_to_run(task) == "would run the day 2026-10-30"
    conf.write_text("lakehouse: ./lakehouse\n")
    assert asked_to_run(task) == "would run the day 2026-02-02"
    today = datetime.now(UTC).date()
    assert asked_to_run(task, default="{{job.start_time.iso_date}}") in (
        f"would run the day {today}",
        f"would run the day {today + timedelta(days=1)}",  # midnight may pass in between
    )


def test_a_task_that_asks_for_another_day_or_configuration_than_the_run_has_is_refused(
    asked_to_run: Callable[..., str], conf: Path
) -> None:
    other_day = asked_to_run(["mine-queries", "--as-of", "2026-01-01"])
    assert other_day.startswith("task mine_queries asks for --as-of 2026-01-01, and this run has 2026-10-30")
    other_conf = asked_to_run(["mine-queries", "--conf", "/elsewhere/conf/tiny.yml"])
    assert f"asks for --conf /elsewhere/conf/tiny.yml, and this run has {conf}" in other_conf
    conf.write_text("lakehouse: ./lakehouse\n")
    two_days = asked_to_run(["mine-queries", "--as-of", "2026-01-01"], ["ingest-catalogue", "--as-of", "2026-01-02"])
    assert "task ingest_catalogue asks for --as-of 2026-01-02, and this run has 2026-01-01" in two_days
    misspelt = asked_to_run(["mine-queries", "--as_of", "2026-10-30"])
    assert misspelt.startswith("task mine_queries asks for what there is not: geo mine-queries --conf")


def test_what_to_try_next_can_be_typed_as_it_is_printed(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(script: Path) -> str:
        monkeypatch.setattr("sys.argv", [str(script), "run", "w"])
        shown = StringIO()
        terminal.say_how_it_went(
            terminal.literal_console(shown, width=160), config.load(conf), conf, [build_collections.JOB], []
        )
        return shown.getvalue()

    monkeypatch.setenv("PATH", str(conf.parent))
    monkeypatch.chdir(conf.parent)
    script = conf.parent / ".venv" / "bin" / "geo"
    assert 'try        .venv/bin/geo sql "select title' in said(script)
    assert f' limit 10" --conf {conf}\n' in said(script)
    monkeypatch.chdir("/usr/bin")
    assert f"try        {script} sql" in said(script)
    (conf.parent / "geo").touch(mode=0o755)
    assert "try        geo sql" in said(script)


@pytest.mark.parametrize("uri", ["databricks", "databricks-uc", "databricks://profile"])
def test_databricks_own_registries_are_refused_before_anything_is_tuned(conf: Path, uri: str) -> None:
    conf.write_text(f"{conf.read_text()}mlflow: {uri}\n")
    with pytest.raises(ConfigError, match=f"mlflow: {uri}, and Databricks' own .* give the tracking URI"):
        registry(config.load(conf))


def test_a_failed_command_raises_because_databricks_drops_what_an_entry_point_returns(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf.write_text("no_such_key: 1\n")
    monkeypatch.setattr("sys.argv", ["geo", "tables", "--conf", str(conf)])
    with pytest.raises(SystemExit) as ended:
        cli.entry()
    assert ended.value.code == 2
