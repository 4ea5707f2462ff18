"""When a job runs again, and what is recorded of it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import LongType, StringType, StructType

from geo_lib.counts import Counts
from geo_lib.errors import InputError, UndeclaredError
from geo_lib.models import Models
from geo_lib.spark import Later, local_frame
from geo_lib.tables import Tables
from jobs.run.job import Context, Job
from jobs.run.runner import Outcome, Runner
from schemas.job_runs import JOB_RUNS
from schemas.table import Table, Write, column

_COLUMNS = StructType([column("item", StringType(), "what it is"), column("n", LongType(), "how many")])
SHELF = Table("shelf", "a shelf", _COLUMNS, ("item",), Write.MERGE_AND_DELETE_MISSING)
TOTAL = Table("total", "its total", _COLUMNS, ("item",), Write.MERGE_AND_DELETE_MISSING)


@dataclass(frozen=True, slots=True)
class Knobs:
    factor: int = 1
    raw: str = ""


@dataclass
class Adding:
    """A job that adds up the shelf, and remembers how often it ran."""

    runs: list[Knobs] = field(default_factory=list)
    fails: Exception | None = None

    def __call__(self, context: Context, knobs: Knobs) -> Counts:
        self.runs.append(knobs)
        if self.fails:
            raise self.fails
        rows = context.read(SHELF).collect()
        total = local_frame(context.spark, [("all", knobs.factor * sum(r.n for r in rows))], TOTAL.schema)
        context.write(TOTAL, total)
        return Counts(len(rows), len(rows), dropped={}, produced={"totals": 1}, measured={"totals_per_second": 0.5})

    def job(self, **more: Any) -> Job[Knobs]:
        return Job("add_up", Knobs, self, "items", reads=(SHELF,), writes=(TOTAL,), **more)


def fill(tables: Tables, n: int) -> None:
    tables.write(SHELF, local_frame(tables.spark, [("oak", n)], SHELF.schema))


@pytest.fixture
def runner(tables: Tables) -> Runner:
    fill(tables, 1)
    return Runner(tables, Models(f"{tables.lakehouse}/mlflow"), tables.lakehouse)


def run(runner: Runner, job: Job[Knobs], knobs: Knobs | None = None, *, force: bool = False) -> Outcome:
    return runner.run(job, knobs or Knobs(), force=force, progress=lambda done, total, what: None)


@pytest.mark.slow
def test_a_job_runs_again_only_when_something_it_depends_on_has_changed(runner: Runner, tmp_path: Path) -> None:
    raw = tmp_path / "raw.csv"
    raw.write_text("1")
    adding = Adding()
    job = adding.job(files=lambda knobs: [knobs.raw], folders=lambda knobs: ["out"])
    (Path(runner.lakehouse) / "out").mkdir()

    def ran(runner: Runner, **knobs: Any) -> bool:
        return run(runner, job, Knobs(raw=str(raw), **knobs)).status == "succeeded"

    assert ran(runner)
    assert not ran(runner)
    assert ran(runner, factor=2), "its knobs"
    assert not ran(runner, factor=2)
    fill(runner.tables, 5)
    assert ran(runner, factor=2), "a table it reads"
    raw.write_text("2")
    assert ran(runner, factor=2), "a file it reads"
    later = replace(runner, tables=runner.tables.stamped(replace(runner.tables.stamp, as_of=tomorrow(runner))))
    assert ran(later, factor=2), "the day it looks back from"
    assert not ran(later, factor=2)
    runner.tables.write(TOTAL, local_frame(runner.tables.spark, [("all", 99)], TOTAL.schema))
    assert ran(runner, factor=2), "what it left behind"
    (Path(runner.lakehouse) / "out").rmdir()
    assert ran(runner, factor=2), "a folder it left behind"


@pytest.mark.slow
def test_what_others_add_to_a_shared_table_wakes_nobody_and_a_shared_table_that_is_gone_does(runner: Runner) -> None:
    log = Table("log", "a log", _COLUMNS, ("item",), Write.APPEND)
    row = local_frame(runner.tables.spark, [("oak", 1)], log.schema)

    def noting(context: Context, knobs: Knobs) -> Counts:
        context.append(log, row, sequence=1)
        return Counts(0, 0)

    job = Job("note", Knobs, noting, "items", shares=(log,))
    assert run(runner, job).status == "succeeded"
    other = runner.tables.stamped(replace(runner.tables.stamp, run_id="other"))
    other.append(log, local_frame(runner.tables.spark, [("elm", 1)], log.schema), sequence=1)
    again = replace(runner, tables=Tables(runner.tables.spark, runner.lakehouse, runner.tables.stamp))
    assert run(again, job).status == "skipped"
    shutil.rmtree(Path(runner.lakehouse) / "tables" / "geo" / "log")
    afresh = replace(runner, tables=Tables(runner.tables.spark, runner.lakehouse, runner.tables.stamp))
    assert run(afresh, job).status == "succeeded"


def tomorrow(runner: Runner) -> Any:
    from datetime import timedelta

    return runner.as_of + timedelta(days=1)


@pytest.mark.slow
def test_forcing_runs_it_and_leaves_every_table_but_job_runs_at_its_version(runner: Runner) -> None:
    adding = Adding()
    run(runner, adding.job())
    before = runner.tables.version(TOTAL)
    assert run(runner, adding.job(), force=True).status == "succeeded"
    assert len(adding.runs) == 2
    assert runner.tables.version(TOTAL) == before


class Unstartable(Later):
    """A session that nothing may need."""

    def __init__(self) -> None:
        self.started = None

    def __call__(self) -> SparkSession:
        raise AssertionError("a session was started")


def test_to_find_that_nothing_has_changed_and_to_leave_it_at_that_takes_no_session(runner: Runner) -> None:
    job = Adding().job()
    assert run(runner, job).status == "succeeded"
    idle = replace(runner, tables=Tables(Unstartable(), runner.lakehouse, runner.tables.stamp))
    skipped = run(idle, job)
    assert skipped.status == "skipped"
    idle.record_skips([skipped])
    with pytest.raises(AssertionError, match="a session was started"):
        run(idle, job, Knobs(factor=2))


def test_what_a_run_beside_this_one_did_meanwhile_is_known_to_the_next(runner: Runner) -> None:
    job, other = Adding().job(), replace(Adding().job(), name="add_up_too", writes=())
    beside = replace(runner, tables=Tables(runner.tables.spark, runner.lakehouse, runner.tables.stamp))
    for began in (runner, beside):
        began._last_successes  # noqa: B018  # both look before either has done anything
    assert run(runner, job).status == "succeeded"
    counting = replace(other, run=lambda context, knobs: Counts(0, 0))
    assert run(beside, counting).status == "succeeded"
    later = replace(runner, tables=Tables(runner.tables.spark, runner.lakehouse, runner.tables.stamp))
    assert [run(later, each).status for each in (job, counting)] == ["skipped", "skipped"]


def test_where_the_last_commit_of_job_runs_is_not_a_runs_its_rows_tell(runner: Runner) -> None:
    job = Adding().job()
    assert run(runner, job).status == "succeeded"
    path = Path(runner.lakehouse) / "tables" / "geo" / "job_runs"
    runner.tables.spark.sql(f"delete from delta.`{path}` where job = 'nobody'").collect()
    runner.tables.spark.sql(f"alter table delta.`{path}` set tblproperties ('by' = 'hand')").collect()
    afresh = replace(runner, tables=Tables(runner.tables.spark, runner.lakehouse, runner.tables.stamp))
    assert afresh.tables.said(JOB_RUNS) is None
    assert run(afresh, job).status == "skipped"
    assert run(afresh, job, force=True).status == "succeeded"
    assert (afresh.tables.said(JOB_RUNS) or "").startswith('{"add_up": [')


def test_what_a_run_counted_read_and_left_is_recorded(runner: Runner) -> None:
    run(runner, Adding().job(), Knobs(factor=3))
    (row,) = runner.tables.read(JOB_RUNS).collect()
    assert (row.job, row.status, row.unit, row.rows_in, row.kept) == ("add_up", "succeeded", "items", 1, 1)
    assert row.produced == {"totals": 1}
    assert row.measured == {"totals_per_second": 0.5}
    assert row.knobs == '{"factor": 3, "raw": ""}'
    assert row.inputs == {"geo.shelf": runner.tables.version(SHELF)}
    assert row.outputs == {"geo.total": runner.tables.version(TOTAL)}


def test_a_failure_is_recorded_with_its_sentence_and_the_job_runs_next_time(runner: Runner) -> None:
    adding = Adding(fails=InputError("there is no manifest"))
    with pytest.raises(InputError, match="there is no manifest"):
        run(runner, adding.job())
    (row,) = runner.tables.read(JOB_RUNS).collect()
    assert (row.status, row.error, row.rows_in) == ("failed", "there is no manifest", None)
    adding.fails = None
    assert run(runner, adding.job()).status == "succeeded"


def test_an_input_that_is_not_there_is_a_failure_that_is_recorded_too(runner: Runner, tmp_path: Path) -> None:
    adding = Adding()
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        run(runner, adding.job(files=lambda knobs: [str(tmp_path / "nowhere.csv")]))
    assert not adding.runs
    (row,) = runner.tables.read(JOB_RUNS).collect()
    assert (row.status, row.inputs, row.outputs) == ("failed", {}, {})
    assert "nowhere.csv" in row.error


@pytest.mark.slow
def test_skipped_jobs_are_noted_in_one_commit(runner: Runner) -> None:
    adding = Adding()
    run(runner, adding.job())
    version = runner.tables.version(JOB_RUNS)
    outcomes = [run(runner, adding.job()), run(runner, adding.job())]
    assert [o.status for o in outcomes] == ["skipped", "skipped"]
    assert runner.tables.version(JOB_RUNS) == version, "a skip writes nothing by itself"
    runner.record_skips(outcomes)
    assert runner.tables.read(JOB_RUNS).where("status = 'skipped'").count() == 2


def test_what_a_job_does_not_declare_is_refused_since_it_would_never_wake_it(runner: Runner) -> None:
    other = Table("other", "another", _COLUMNS, ("item",), Write.MERGE_AND_DELETE_MISSING)
    log = Table("log", "a log", _COLUMNS, ("item",), Write.APPEND)
    asked: dict[str, Callable[[Context], object]] = {
        "asks for the table other.* declares shelf, total; add it to reads": lambda ctx: ctx.read(other),
        "asks for the table shelf.* declares total; add it to writes": lambda ctx: ctx.write(SHELF, ctx.read(SHELF)),
        "asks for the table log.* add it to writes": lambda ctx: ctx.append(log, ctx.read(SHELF), sequence=1),
        "asks for the table total.* declares none; add it to reads_truth": lambda ctx: ctx.truth(TOTAL),
        "asks for the model vlm@champion.* declares none; add it to reads_models": lambda ctx: ctx.model(
            "vlm@champion"
        ),
        "asks for the model other@champion.* add it to reads_models": lambda ctx: ctx.model_if_any("other@champion"),
        "asks for the table other.* add it to reads, or the job": lambda ctx: ctx.version(other),
    }
    for sentence, ask in asked.items():

        def nosy(context: Context, knobs: Knobs, ask: Callable[[Context], object] = ask) -> Counts:
            ask(context)
            return Counts(0, 0)

        with pytest.raises(UndeclaredError, match=f"add_up {sentence}"):
            run(runner, replace(Adding().job(), run=nosy))


def test_a_checkout_that_was_moved_has_nothing_to_do(runner: Runner, tmp_path: Path) -> None:
    raw = Path(runner.lakehouse) / "raw.csv"
    raw.write_text("1")
    adding = Adding()
    job = adding.job(files=lambda knobs: [knobs.raw])
    assert run(runner, job, Knobs(raw=str(raw))).status == "succeeded"
    moved = tmp_path / "elsewhere" / "lake"
    moved.parent.mkdir()
    Path(runner.lakehouse).rename(moved)
    there = Tables(runner.tables.spark, str(moved), runner.tables.stamp)
    later = Runner(there, Models(f"{moved}/mlflow"), str(moved))
    assert run(later, job, Knobs(raw=str(moved / "raw.csv"))).status == "skipped"
