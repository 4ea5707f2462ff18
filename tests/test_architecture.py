"""What the house promises about itself: arrows, rooms, names, the bundle."""

import ast
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from databricks.bundles.jobs import Job

from geo_lib import config
from geo_lib.config import sections_of, settings_of
from jobs.cli import parse
from jobs.registry import BY_HAND, JOBS, WORKFLOWS, all_tables, all_truth_tables
from jobs.run.workflow import ROOT, Workflow, load
from schemas.oracle_queries import ORACLE_QUERIES

SOURCES = sorted(p for package in ("geo_lib", "jobs", "schemas") for p in (ROOT / package).rglob("*.py"))
REFERENCES = {
    "bundle.target": "demo",
    "workspace.file_path": str(ROOT),
    "job.parameters.as_of": "2026-10-30",
    "var.catalog": "dev",
    "var.schema": "geo",
    "var.gpu_node_type": "g5.2xlarge",
}


WORKFLOW_FILES = sorted(path.name.removesuffix(".job.yml") for path in (ROOT / "resources").glob("*.job.yml"))
FLAT = {name: load(name, references=REFERENCES) for name in WORKFLOW_FILES}
"""Every workflow with the tasks of those that it chains."""


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    froms = {
        f"{n.module}.{a.name}" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module for a in n.names
    }
    return modules | froms


def test_arrows_point_one_way() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True
    )
    assert done.returncode == 0, done.stdout.decode()


def test_heavy_libraries_are_imported_where_they_are_used_and_not_on_the_way() -> None:
    heavy = {"torch", "vllm", "transformers", "peft", "trl", "mlflow", "hnswlib", "sentence_transformers", "openai"}
    code = f"import sys, jobs.cli; print(' '.join(sorted({heavy!r} & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "", f"import jobs.cli loads {done.stdout}"


def test_the_spark_context_is_asked_for_in_two_places_only() -> None:
    users = {p.relative_to(ROOT).as_posix() for p in SOURCES if re.search(r"\bsparkContext\b", p.read_text())}
    assert {u for u in users if not u.startswith("geo_lib/ann/")} == {"geo_lib/spark.py"}


def test_the_truth_of_the_simulation_is_read_by_evaluation_alone() -> None:
    readers = {name for name, job in JOBS.items() if job.reads_truth}  # what is not declared is refused
    assert all(name.startswith("evaluate_") for name in readers), readers
    own = {"jobs/simulate_platform.py", "jobs/pretrain_tiny_vlm.py", "jobs/commands/serve_oracle.py"}
    declaring = {f"jobs/{name}.py" for name, job in JOBS.items() if job.reads_truth or job.writes_truth}
    touching = {
        p.relative_to(ROOT).as_posix()
        for p in SOURCES
        if re.search(r"\.truth\b(?!\.)", p.read_text()) or any(m.startswith("schemas.truth_") for m in imports(p))
    }
    for_every_table = {"jobs/commands/sql.py", "jobs/commands/tables.py", "jobs/run/job.py", "jobs/run/runner.py"}
    assert touching - for_every_table == declaring
    knowing = {p.relative_to(ROOT).as_posix() for p in SOURCES if any(m.startswith("geo_lib.demo") for m in imports(p))}
    assert {k for k in knowing if not k.startswith("geo_lib/demo/")} <= own


@pytest.mark.parametrize("job", JOBS.values(), ids=lambda job: job.name)
def test_one_job_one_file_one_subcommand_with_its_command_in_the_second_line(job) -> None:  # type: ignore[no-untyped-def]
    module = sys.modules[job.run.__module__]
    assert Path(str(module.__file__)) == ROOT / "jobs" / f"{job.name}.py"
    lines = (module.__doc__ or "").splitlines()
    assert lines[2].strip().startswith(f"geo {job.name.replace('_', '-')}"), lines[:3]


def test_the_registry_lists_every_job_of_the_folder_once_and_nothing_else() -> None:
    files = [path.stem for path in (ROOT / "jobs").glob("*.py") if path.stem not in ("__init__", "cli", "registry")]
    listed = [job.name for jobs in (BY_HAND, *WORKFLOWS.values()) for job in jobs]
    assert sorted(listed) == sorted(files)


def test_every_job_says_what_it_grows_with_and_what_of_that_sits_on_the_driver() -> None:
    rows = [line.split("|")[1] for line in (ROOT / "docs" / "scale.md").read_text().splitlines() if line[:3] == "| `"]
    assert sorted(name for row in rows for name in row.split("`")[1::2]) == sorted(JOBS)


def test_the_workflow_files_have_the_registrys_jobs_for_tasks() -> None:
    for name, jobs in WORKFLOWS.items():
        assert sorted(task.key for task in FLAT[name].tasks) == sorted(job.name for job in jobs), name
    for name in WORKFLOW_FILES:
        assert {task.key for task in FLAT[name].tasks} <= {job.name for jobs in WORKFLOWS.values() for job in jobs}
    assert [task.key for task in FLAT["pipeline"].tasks] == [j.name for w in WORKFLOWS.values() for j in w]


@pytest.mark.parametrize("workflow", FLAT.values(), ids=lambda w: w.name)
def test_every_task_of_every_workflow_is_a_subcommand_and_parses(workflow: Workflow) -> None:
    for task in workflow.tasks:
        args = parse(task.parameters)
        assert args.job.name == task.key
        assert args.conf == ROOT / "conf" / "demo.yml"


@pytest.mark.parametrize("workflow", FLAT.values(), ids=lambda w: w.name)
def test_a_task_depends_on_whoever_of_its_workflow_writes_what_it_reads(workflow: Workflow) -> None:
    before = _before(workflow)
    for key, earlier in before.items():
        for table in JOBS[key].reads:
            missing = {k for k in before if table in (*JOBS[k].writes, *JOBS[k].shares)} - earlier - {key}
            assert not missing, f"{key} reads {table.name} and does not wait for {', '.join(sorted(missing))}"
        for alias in JOBS[key].reads_models(JOBS[key].knobs()):
            missing = {k for k in before if alias in JOBS[k].writes_models} - earlier
            assert not missing, f"{key} reads {alias} and does not wait for {', '.join(sorted(missing))}"


def test_from_an_empty_lakehouse_the_pipeline_makes_everything_before_it_is_read() -> None:
    tables: set[str] = set()
    models: set[str] = set()
    for task in FLAT["pipeline"].tasks:
        job = JOBS[task.key]
        assert {t.name for t in job.reads} <= tables, f"{job.name} reads what nobody has written yet"
        assert set(job.reads_models(job.knobs())) <= models, f"{job.name} reads a model that nobody has made yet"
        tables |= {t.name for t in (*job.writes, *job.shares)}
        models |= set(job.writes_models)


def test_the_daily_run_makes_every_table_it_reads_and_takes_only_models_from_training() -> None:
    tables: set[str] = set()
    for task in FLAT["daily"].tasks:
        job = JOBS[task.key]
        from_training = {t.name for j in WORKFLOWS["train"] for t in j.writes}
        assert {t.name for t in job.reads} <= tables | from_training, job.name
        tables |= {t.name for t in (*job.writes, *job.shares)}


def test_a_table_is_written_by_one_workflow_unless_shared_and_its_tasks_wait_for_each_other() -> None:
    """Who shares a table writes slices of its own, and a write that meets another's commit looks again."""
    shared = [t.name for t in all_tables() if all(t not in job.writes for job in JOBS.values())]
    writers = {t.name: {j.name for j in JOBS.values() if t in (*j.writes, *j.shares)} for t in all_tables()}
    for name, jobs in WORKFLOWS.items():
        before = _before(FLAT[name])
        mine = {job.name for job in jobs}
        for table, tasks in writers.items():
            assert not tasks & mine or tasks <= mine or table in shared, (
                f"{table} is written by {tasks}, not all of {name}"
            )
            for one, other in combinations(sorted(tasks & mine), 2):
                assert one in before[other] or other in before[one], f"{one} and {other} write {table} at once"


def test_what_several_jobs_add_to_is_shared_since_another_jobs_rows_must_not_wake_one() -> None:
    for table in all_tables():
        writers = {j.name: j for j in JOBS.values() if table in (*j.writes, *j.shares)}
        if len(writers) > 1:
            assert all(table in job.shares for job in writers.values()), f"{table.name}: {', '.join(writers)}"


def test_what_an_oracle_says_teaches_and_is_read_by_nobody_who_annotates_confirms_or_publishes() -> None:
    readers = {name for name, job in JOBS.items() if ORACLE_QUERIES in job.reads}  # what is not declared is refused
    assert readers == {"train_categories", "build_training_set"}
    asking = {p.stem for p in (ROOT / "jobs").glob("*.py") if any("oracle_labels" in m for m in imports(p))}
    assert asking <= {"label_queries", "build_training_set"}


def test_a_workflow_file_is_read_in_one_look() -> None:
    long = {p.name: n for p in (ROOT / "resources").glob("*.yml") if (n := len(p.read_text().splitlines())) > 40}
    assert not long


def test_a_setting_is_one_thing_in_every_job_that_has_it() -> None:
    """Jobs may know parts of a setting: a key of one name has one type and one default in all of them."""
    keys: dict[str, dict[str, tuple[object, object]]] = {}
    for job in JOBS.values():
        for name, kind in settings_of(job.knobs).items():
            default = kind()
            parts = {f.name: (f.type, getattr(default, f.name)) for f in fields(kind)} if is_dataclass(kind) else {}
            for key, meaning in parts.items():
                assert keys.setdefault(sections_of(job.knobs)[name], {}).setdefault(key, meaning) == meaning, (
                    f"{job.name}: {name}.{key}"
                )


def test_jobs_reach_tables_through_their_context_alone() -> None:
    assert not [name for name in JOBS if "ctx.tables" in (ROOT / "jobs" / f"{name}.py").read_text()]


def test_nothing_is_imported_by_string_since_a_fingerprint_reads_import_statements() -> None:
    by_string = re.compile(r"\bimport_module\b|\b__import__\b|\bimportlib\.import")
    assert not [p.name for p in SOURCES if by_string.search(p.read_text(encoding="utf-8"))]


def _before(workflow: Workflow) -> dict[str, set[str]]:
    """Every task with all that it waits for, directly or not."""
    before: dict[str, set[str]] = {}
    for task in workflow.tasks:
        before[task.key] = set(task.depends_on).union(*(before[d] for d in task.depends_on))
    return before


@pytest.mark.parametrize("path", sorted((ROOT / "resources").glob("*.yml")), ids=lambda p: p.name)
def test_databricks_accepts_the_bundles_jobs_and_would_refuse_a_misspelt_key(path: Path) -> None:
    jobs = yaml.safe_load(path.read_text())["resources"]["jobs"]
    for job in jobs.values():
        assert Job.from_dict(job).tasks
        with pytest.raises(ValueError, match="python_wheel_taskk"):
            Job.from_dict(job | {"tasks": [job["tasks"][0] | {"python_wheel_taskk": {}}]})


def test_the_bundle_names_files_entry_points_and_variables_that_exist() -> None:
    bundle = yaml.safe_load((ROOT / "databricks.yml").read_text())
    assert bundle["include"] == ["resources/*.yml"]
    text = "".join(p.read_text() for p in (ROOT / "resources").glob("*.yml"))
    named = set(re.findall(r"\$\{var\.(\w+)\}", text + (ROOT / "databricks.yml").read_text()))
    assert named <= set(bundle["variables"])
    assert set(re.findall(r"\$\{resources\.jobs\.(\w+)\.id\}", text)) <= set(WORKFLOW_FILES)
    for target in bundle["targets"]:
        assert (ROOT / "conf" / f"{target}.yml").is_file()
    assert set(re.findall(r"entry_point: (\w+)", text)) == {"geo"}
    assert 'geo = "jobs.cli:entry"' in (ROOT / "pyproject.toml").read_text()


def test_a_target_looks_up_only_what_it_uses_itself() -> None:
    bundle = yaml.safe_load((ROOT / "databricks.yml").read_text())
    assert not [name for name, variable in bundle["variables"].items() if "lookup" in variable], "every target does it"
    text = "".join(p.read_text() for p in (ROOT / "resources").glob("*.yml"))
    for name, target in bundle["targets"].items():
        for variable, value in target.get("variables", {}).items():
            if isinstance(value, dict) and "lookup" in value:
                assert bundle["variables"][variable]["default"] == "", "a default that is not empty beats the lookup"
                assert f"${{var.{variable}}}" in text + yaml.safe_dump(target), f"{name} does not use {variable}"


def clusters() -> dict[str, dict[str, Any]]:
    """The job clusters, which are complex variables of the bundle."""
    bundle = yaml.safe_load((ROOT / "databricks.yml").read_text())
    return {n: v["default"] for n, v in bundle["variables"].items() if v.get("type") == "complex"}


def test_every_cluster_of_a_task_is_a_variable_that_gives_what_the_targets_take_from_the_environment() -> None:
    bundle = yaml.safe_load((ROOT / "databricks.yml").read_text())
    read = "".join((ROOT / "conf" / f"{name}.yml").read_text() for name in ("base", *bundle["targets"]))
    keys = set(re.findall(r"\bkey: ([A-Z][A-Z0-9_]*)", read))
    asked = set(re.findall(r"\$\{([A-Z][A-Z0-9_]*)", read)) | keys
    assert {"GEO_MLFLOW", "GEO_ORACLE_URL", "GEO_ORACLE_KEY"} <= asked
    for cluster in clusters().values():
        assert cluster["spark_env_vars"] == {n: f"${{var.{n.removeprefix('GEO_').lower()}}}" for n in asked}
    for path in (ROOT / "resources").glob("*.yml"):
        for job in yaml.safe_load(path.read_text())["resources"]["jobs"].values():
            known = {c["job_cluster_key"]: c["new_cluster"] for c in job.get("job_clusters", ())}
            assert set(known.values()) <= {f"${{var.{name}}}" for name in clusters()}
            assert {t["job_cluster_key"] for t in job["tasks"] if "job_cluster_key" in t} == set(known), path.name


def test_every_cluster_keeps_what_must_not_be_computed_again_where_a_worker_that_goes_takes_nothing_along() -> None:
    assert {c["spark_conf"].get("spark.checkpoint.dir") for c in clusters().values()} == {"${var.checkpoint_dir}"}


def test_the_gpu_clusters_runtime_knows_the_bound_on_idle_workers() -> None:
    gpu = clusters()["gpu_cluster"]
    assert "spark.python.factory.idleWorkerMaxPoolSize" in gpu["spark_conf"]
    assert int(gpu["spark_version"].partition(".")[0]) >= 18, "Spark 4.1 brought it, and 18 is the first with 4.1"


def test_every_column_says_what_it_means_and_what_its_null_means() -> None:
    for table in (*all_tables(), *all_truth_tables()):
        for column in table.schema:
            comment = column.metadata.get("comment", "")
            assert comment, f"{table.name}.{column.name} has no comment"
            if column.nullable:
                assert re.search(r"\bnull\b", comment), f"{table.name}.{column.name} may be null and does not say when"


def test_a_check_of_a_nullable_column_says_what_null_means_since_delta_refuses_what_is_not_true() -> None:
    for table in (*all_tables(), *all_truth_tables()):
        for check, condition in table.checks.items():
            named = set(re.findall(r"\w+", re.sub("'[^']*'", "", condition)))
            if named & {column.name for column in table.schema if column.nullable}:
                assert " is null" in condition, f"{table.name}: {check}"


def test_only_production_names_models_of_a_hub() -> None:
    hub = re.compile(r"\b(Qwen|meta-llama|google|openai|sentence-transformers)/[A-Za-z0-9.-]+")
    files = [*(ROOT / "conf").glob("*.yml"), *SOURCES]
    named = {p.name for p in files if hub.search(p.read_text(encoding="utf-8"))}
    assert named <= {"prod.yml"}


def test_configured_jobs_know_every_knob_of_every_target() -> None:
    for path in sorted((ROOT / "conf").glob("*.yml")):
        loaded = config.load(path)
        assert set(loaded.jobs) <= set(JOBS), f"{path.name} configures jobs that do not exist"
        for name, job in JOBS.items():
            loaded.knobs(name, job.knobs)
        loaded.refuse_unknown({name: job.knobs for name, job in JOBS.items()})


@pytest.mark.parametrize(("size", "conf"), [("small", "small"), ("default", "demo"), ("large", "demo")])
def test_make_run_takes_the_configuration_of_its_size(size: str, conf: str) -> None:
    said = subprocess.run(["make", "-n", "run", f"SIZE={size}"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"geo simulate-platform --conf conf/{conf}.yml --size {size}\n" in said.stdout
    assert f"geo run pipeline --conf conf/{conf}.yml\n" in said.stdout
