"""Read a workflow: the tasks of ``resources/<name>.job.yml``, in an order that respects ``depends_on``.

Databricks runs the same file. What decides which job runs with which arguments is understood or refused
here; clusters, retries and environments are Databricks' business and left alone.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from geo_lib.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent.parent
_REFERENCE = re.compile(r"\{\{(?P<dynamic>[^}]*)\}\}|\$\{(?P<bundle>[^}]*)\}")
_OTHER_KINDS = re.compile(r"(_task|^run_if|^disabled)$")


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
    """Read ``<folder>/<name>.job.yml`` and fill in its references.

    ``references``: what ``{{job.start_time.iso_date}}``, ``{{job.parameters.*}}`` (default: the file's own),
    ``${bundle.target}``, ``${workspace.file_path}`` and ``${var.*}`` stand for. Raises ``ConfigError`` for another
    kind of task, an unknown reference or a circle.
    """
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
    return Workflow(name, _ordered(name, [_task(task, known_references) for task in job["tasks"]]))


def _task(task: Mapping[str, Any], references: Mapping[str, str]) -> Task:
    key = task["task_key"]
    others = sorted(k for k in task if _OTHER_KINDS.search(k) and k != "python_wheel_task")
    wheel = task.get("python_wheel_task")
    if others or wheel is None:
        raise ConfigError(
            f"task {key} uses {', '.join(others) or 'no python_wheel_task'}; geo run understands python_wheel_task "
            "with parameters, run unconditionally"
        )
    if unknown := sorted(wheel.keys() - {"package_name", "entry_point", "parameters"}):
        raise ConfigError(f"task {key} uses python_wheel_task.{', '.join(unknown)}; geo run understands parameters")
    parameters = tuple(_filled(str(p), f"task {key}", references) for p in wheel.get("parameters", ()))
    if not parameters or parameters[0].replace("-", "_") != key:
        raise ConfigError(f"task {key} must name its job first: parameters: [{key.replace('_', '-')}, …]")
    return Task(key, parameters, tuple(d["task_key"] for d in task.get("depends_on", ())))


def _filled(text: str, whose: str, references: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name = (found["dynamic"] or found["bundle"] or "").strip()
        if name not in references:
            raise ConfigError(
                f"{whose} refers to {found[0]}, which means nothing here; known are {', '.join(sorted(references))}"
            )
        return references[name]

    return _REFERENCE.sub(value, text)


def _ordered(name: str, tasks: Sequence[Task]) -> tuple[Task, ...]:
    keys = [task.key for task in tasks]
    if repeated := sorted({key for key in keys if keys.count(key) > 1}):
        raise ConfigError(f"{name} has more than one task {', '.join(repeated)}")
    for task in tasks:
        if missing := sorted(set(task.depends_on) - set(keys)):
            raise ConfigError(f"task {task.key} depends on {', '.join(missing)}, which {name} does not have")
    done: list[Task] = []
    waiting = list(tasks)
    while waiting:
        ready = next((t for t in waiting if set(t.depends_on) <= {d.key for d in done}), None)
        if ready is None:
            raise ConfigError(f"{name} goes in a circle: {', '.join(t.key for t in waiting)} wait for each other")
        done.append(ready)
        waiting.remove(ready)
    return tuple(done)
