"""A workflow file: what geo run understands, what it leaves to Databricks, what it refuses."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from geo_lib.errors import ConfigError
from jobs.run.workflow import Workflow, load

REFERENCES = {"bundle.target": "demo", "workspace.file_path": "/repo", "var.schema": "geo"}


def task(key: str, *after: str, parameters: list[str] | None = None, **more: Any) -> dict[str, Any]:
    wheel = {"package_name": "visual-geo", "entry_point": "geo"}
    arguments = parameters or [key.replace("_", "-")]
    depends_on = [{"task_key": a} for a in after]
    return {
        "task_key": key,
        "depends_on": depends_on,
        "python_wheel_task": wheel | {"parameters": arguments},
    } | more


def chained(folder: Path, name: str, *tasks: dict[str, Any]) -> None:
    """Another workflow of the folder."""
    job = {"parameters": [{"name": "as_of", "default": "2020-01-01"}], "tasks": list(tasks)}
    (folder / f"{name}.job.yml").write_text(yaml.safe_dump({"resources": {"jobs": {name: job}}}))


def other(name: str, *after: str, **more: Any) -> dict[str, Any]:
    """A task that runs another workflow, with the day of this one."""
    given = {"job_id": f"${{resources.jobs.{name}.id}}", "job_parameters": {"as_of": "{{job.parameters.as_of}}"}}
    return {"task_key": name, "depends_on": [{"task_key": a} for a in after], "run_job_task": given | more}


def loaded(folder: Path, *tasks: dict[str, Any], default: str = "2026-01-01", **references: str) -> Workflow:
    job = {"parameters": [{"name": "as_of", "default": default}], "tasks": list(tasks)}
    (folder / "w.job.yml").write_text(yaml.safe_dump({"resources": {"jobs": {"w": job}}}))
    return load("w", references=REFERENCES | references, folder=folder)


def test_tasks_run_after_what_they_depend_on_and_otherwise_in_the_files_order(tmp_path: Path) -> None:
    workflow = loaded(tmp_path, task("c", "a", "b"), task("b", "a"), task("d"), task("a"))
    assert [t.key for t in workflow.tasks] == ["d", "a", "b", "c"]


def test_from_takes_a_task_and_all_that_hangs_on_it_and_only_takes_one(tmp_path: Path) -> None:
    workflow = loaded(tmp_path, task("a"), task("b", "a"), task("c", "b"), task("d", "a"))
    assert [t.key for t in workflow.starting_from("b").tasks] == ["b", "c"]
    assert [t.key for t in workflow.only("c").tasks] == ["c"]
    with pytest.raises(ConfigError, match="w has no task e; it has a, b, c, d"):
        workflow.only("e")


def test_references_are_filled_in_and_the_command_line_beats_the_default(tmp_path: Path) -> None:
    one = task("a", parameters=["a", "--conf", "${workspace.file_path}/conf/${bundle.target}.yml",
                                "--as-of", "{{job.parameters.as_of}}"])  # fmt: skip
    assert loaded(tmp_path, one).tasks[0].parameters == (
        "a",
        "--conf",
        "/repo/conf/demo.yml",
        "--as-of",
        "2026-01-01",
    )
    later = loaded(tmp_path, one, **{"job.parameters.as_of": "2026-03-01"})
    assert later.tasks[0].parameters[-1] == "2026-03-01"


def test_a_default_may_refer_to_the_day_of_the_run_and_only_to_what_is_known(tmp_path: Path) -> None:
    one = task("a", parameters=["a", "--as-of", "{{job.parameters.as_of}}"])
    today = {"job.start_time.iso_date": "2026-05-01"}
    of_today = loaded(tmp_path, one, default="{{job.start_time.iso_date}}", **today)
    assert of_today.tasks[0].parameters[-1] == "2026-05-01"
    with pytest.raises(ConfigError, match=r"parameter job.parameters.as_of refers to \{\{job.start_tim\}\}"):
        loaded(tmp_path, one, default="{{job.start_tim}}", **today)


def test_the_tasks_of_a_chained_workflow_stand_in_its_tasks_place_and_have_its_day(tmp_path: Path) -> None:
    day = ["{{task.name}}", "--as-of", "{{job.parameters.as_of}}"]
    chained(tmp_path, "first", task("a", parameters=day), task("b", "a", parameters=day))
    chained(tmp_path, "second", task("c"), task("d", "c"))
    workflow = loaded(tmp_path, other("second", "first"), other("first"), task("e", "second"))
    assert {t.key: set(t.depends_on) for t in workflow.tasks} == {
        "a": set(),
        "b": {"a"},
        "c": {"a", "b"},
        "d": {"a", "b", "c"},
        "e": {"c", "d"},
    }
    assert workflow.tasks[0].parameters == ("a", "--as-of", "2026-01-01")
    assert [t.key for t in workflow.starting_from("c").tasks] == ["c", "d", "e"]


def test_a_chain_that_runs_itself_and_two_workflows_with_one_task_are_refused(tmp_path: Path) -> None:
    chained(tmp_path, "round", other("w"))
    with pytest.raises(ConfigError, match="workflow w runs itself through w -> round -> w"):
        loaded(tmp_path, other("round"))
    chained(tmp_path, "first", task("a"))
    with pytest.raises(ConfigError, match="w chains workflows that both have a task a"):
        loaded(tmp_path, other("first"), task("a"))


def test_clusters_retries_and_environments_are_left_alone(tmp_path: Path) -> None:
    one = task("a", max_retries=2, job_cluster_key="gpu", libraries=[{"whl": "x"}], timeout_seconds=60)
    assert [t.key for t in loaded(tmp_path, one).tasks] == ["a"]


@pytest.mark.parametrize(
    ("tasks", "sentence"),
    [
        ([task("a", notebook_task={"notebook_path": "x"})], "task a uses notebook_task"),
        ([task("a", run_if="ALL_DONE")], "task a uses run_if"),
        ([other("x", job_id=17)], r"task x runs the job 17; geo run knows those of resources/"),
        ([other("x", queue=1)], "task x uses run_job_task.queue; geo run understands job_parameters"),
        ([other("x")], "there is no workflow x; resources/ has w"),
        ([{"task_key": "a"}], "task a uses no python_wheel_task"),
        ([task("a", parameters=["b"])], r"task a must name its job first: parameters: \[a"),
        (
            [task("a", parameters=["a", "{{tasks.b.values.x}}"])],
            r"\{\{tasks.b.values.x\}\}, which means nothing here",
        ),
        ([task("a", parameters=["a", "${var.nothing}"])], r"\$\{var.nothing\}.*known are .*var.schema"),
        ([task("a", "z")], "task a depends on z, which w does not have"),
        ([task("a", "b"), task("b", "a")], "w goes in a circle: a, b wait"),
        ([task("a"), task("a")], "more than one task a"),
    ],
)
def test_what_would_change_what_runs_is_named_and_refused(
    tmp_path: Path, tasks: list[dict[str, Any]], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        loaded(tmp_path, *tasks)


def test_an_unknown_workflow_is_answered_with_those_there_are(tmp_path: Path) -> None:
    loaded(tmp_path, task("a"))
    with pytest.raises(ConfigError, match="there is no workflow pipelin; resources/ has w"):
        load("pipelin", references={}, folder=tmp_path)
