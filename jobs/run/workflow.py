"""Read a workflow: the tasks of ``resources/<name>.job.yml``, in an order that respects ``depends_on``.

A task may run another workflow of the folder (``run_job_task``): its tasks then stand in its place. Databricks runs the
same files. What decides which job runs with which arguments is understood or refused
here; clusters, retries and environments are Databricks' business and left alone.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from geo_lib.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent.parent
_REFERENCE = re.compile(r"\{\{(?P<dynamic>[^}]*)\}\}|\$\{(?P<bundle>[^}]*)\}")
_OTHER_KINDS = re.compile(r"(_task|^run_if|^disabled)$")
_OTHER_JOB = re.compile(r"\$\{resources\.jobs\.(?P<name>\w+)\.id\}")


@dataclass(frozen=True, slots=True)
class Task:
    """One task: the job it runs, with what arguments, after which others."""

    key: str
    parameters: tuple[str, ...]
    depends_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Workflow:
    name: str
    tasks: tuple[Task, ...]
    """In dependency order; ties as the file has them."""

    def only(self, key: str) -> "Workflow":
        """Just one task, whatever it depends on."""
        return Workflow(self.name, (self._task(key),))

    def starting_from(self, key: str) -> "Workflow":
        """A task and everything that depends on it."""
        chosen = {self._task(key).key}
        for task in self.tasks:
            if chosen & set(task.depends_on):
                chosen.add(task.key)
        return Workflow(self.name, tuple(task for task in self.tasks if task.key in chosen))

    def _task(self, key: str) -> Task:
        named = {task.key: task for task in self.tasks}
        if key not in named:
            raise ConfigError(f"{self.name} has no task {key}; it has {', '.join(named)}")
        return named[key]


def load(name: str, *, references: Mapping[str, str], folder: Path = ROOT / "resources") -> Workflow:
    """Read ``<folder>/<name>.job.yml``, and the workflows that it chains, and fill in their references.

    ``references``: what ``{{job.start_time.iso_date}}``, ``{{job.parameters.*}}`` (default: the file's own),
    ``${bundle.target}``, ``${workspace.file_path}`` and ``${var.*}`` stand for; ``{{task.name}}`` is the task's key.
    Raises ``ConfigError`` for another kind of task, an unknown reference or a circle.
    """
    return Workflow(name, _refuse_repeated(name, _tasks(name, references, folder, within=())))


def _tasks(name: str, references: Mapping[str, str], folder: Path, *, within: tuple[str, ...]) -> list[Task]:
    """The tasks of one file; in place of one that runs another workflow, those of that one."""
    if name in within:
        raise ConfigError(f"workflow {name} runs itself through {' -> '.join((*within, name))}")
    path = folder / f"{name}.job.yml"
    if not path.is_file():
        known = sorted(p.name.removesuffix(".job.yml") for p in folder.glob("*.job.yml"))
        raise ConfigError(f"there is no workflow {name}; resources/ has {', '.join(known) or 'none'}")
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["resources"]["jobs"]
    if len(jobs) != 1:
        raise ConfigError(f"{path.name} must hold one job, and holds {len(jobs)}: {', '.join(jobs)}")
    job = next(iter(jobs.values()))
    defaults = {f"job.parameters.{p['name']}": str(p["default"]) for p in job.get("parameters", ())}
    known_references = dict(references)
    for parameter in defaults.keys() - references.keys():
        known_references[parameter] = _filled(defaults[parameter], f"parameter {parameter}", references)
    ends: dict[str, tuple[str, ...]] = {}  # what stands for a task of this file: itself, or all tasks of the other
    tasks: list[Task] = []
    for task in _in_order(name, job["tasks"]):
        after = tuple(key for d in task.get("depends_on", ()) for key in ends[d["task_key"]])
        if "run_job_task" in task:
            other, given = _other_workflow(task, known_references)
            inner = _tasks(other, {**references, **given}, folder, within=(*within, name))
            inner = [replace(t, depends_on=(*t.depends_on, *after)) for t in inner]
        else:
            inner = [_task(task, known_references, after)]
        ends[task["task_key"]] = tuple(t.key for t in inner)
        tasks += inner
    return tasks


def _other_workflow(task: Mapping[str, Any], references: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Which workflow a task runs, and the job parameters that it gives it."""
    key, wanted = task["task_key"], task["run_job_task"]
    _refuse_other_kinds(task, "run_job_task")
    if unknown := sorted(wanted.keys() - {"job_id", "job_parameters"}):
        raise ConfigError(f"task {key} uses run_job_task.{', '.join(unknown)}; geo run understands job_parameters")
    named = _OTHER_JOB.fullmatch(str(wanted.get("job_id")))
    if named is None:
        raise ConfigError(
            f"task {key} runs the job {wanted.get('job_id')}; geo run knows those of resources/: "
            "${resources.jobs.NAME.id}"
        )
    parameters = wanted.get("job_parameters") or {}
    given = {f"job.parameters.{k}": _filled(str(v), f"task {key}", references) for k, v in parameters.items()}
    return named["name"], given


def _refuse_other_kinds(task: Mapping[str, Any], kind: str) -> None:
    others = sorted(k for k in task if _OTHER_KINDS.search(k) and k != kind)
    if others or kind not in task:
        raise ConfigError(
            f"task {task['task_key']} uses {', '.join(others) or 'no python_wheel_task'}; geo run understands "
            "python_wheel_task with parameters and run_job_task, run unconditionally"
        )


def _task(task: Mapping[str, Any], references: Mapping[str, str], after: tuple[str, ...]) -> Task:
    key = task["task_key"]
    _refuse_other_kinds(task, "python_wheel_task")
    wheel = task["python_wheel_task"]
    if unknown := sorted(wheel.keys() - {"package_name", "entry_point", "parameters"}):
        raise ConfigError(f"task {key} uses python_wheel_task.{', '.join(unknown)}; geo run understands parameters")
    named = {**references, "task.name": key}
    parameters = tuple(_filled(str(p), f"task {key}", named) for p in wheel.get("parameters", ()))
    if not parameters or parameters[0].replace("-", "_") != key:
        raise ConfigError(f"task {key} must name its job first: parameters: [{key.replace('_', '-')}, …]")
    return Task(key, parameters, after)


def _filled(text: str, whose: str, references: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name = (found["dynamic"] or found["bundle"] or "").strip()
        if name not in references:
            raise ConfigError(
                f"{whose} refers to {found[0]}, which means nothing here; known are {', '.join(sorted(references))}"
            )
        return references[name]

    return _REFERENCE.sub(value, text)


def _in_order(name: str, tasks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The tasks of one file, each after those it depends on; ties as the file has them."""
    keys = [task["task_key"] for task in tasks]
    if repeated := sorted({key for key in keys if keys.count(key) > 1}):
        raise ConfigError(f"{name} has more than one task {', '.join(repeated)}")
    waits = {task["task_key"]: {d["task_key"] for d in task.get("depends_on", ())} for task in tasks}
    for key, others in waits.items():
        if missing := sorted(others - set(keys)):
            raise ConfigError(f"task {key} depends on {', '.join(missing)}, which {name} does not have")
    done: list[Mapping[str, Any]] = []
    waiting = list(tasks)
    while waiting:
        ready = next((t for t in waiting if waits[t["task_key"]] <= {d["task_key"] for d in done}), None)
        if ready is None:
            circle = ", ".join(task["task_key"] for task in waiting)
            raise ConfigError(f"{name} goes in a circle: {circle} wait for each other")
        done.append(ready)
        waiting.remove(ready)
    return done


def _refuse_repeated(name: str, tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks, unless two of the chained workflows have one of the same name."""
    keys = [task.key for task in tasks]
    if repeated := sorted({key for key in keys if keys.count(key) > 1}):
        raise ConfigError(f"{name} chains workflows that both have a task {', '.join(repeated)}")
    return tuple(tasks)
