"""What the house promises about itself: arrows, rooms, names, the bundle."""

import ast
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from databricks.bundles.jobs import Job

from geo_lib import config
from jobs.cli import parser
from jobs.registry import JOBS, all_tables, all_truth_tables
from jobs.run.workflow import ROOT, Workflow, load

SOURCES = sorted(p for package in ("geo_lib", "jobs", "schemas") for p in (ROOT / package).rglob("*.py"))
REFERENCES = {
    "bundle.target": "demo",
    "workspace.file_path": str(ROOT),
    "job.parameters.as_of": "2026-10-30",
    "var.catalog": "dev",
    "var.schema": "geo",
    "var.gpu_node_type": "g5.2xlarge",
}


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
    heavy = {"torch", "vllm", "transformers", "peft", "mlflow", "hnswlib", "sentence_transformers"}
    code = f"import sys, jobs.cli; print(' '.join(sorted({heavy!r} & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "", f"import jobs.cli loads {done.stdout}"


def test_the_spark_context_is_asked_for_in_two_places_only() -> None:
    users = {p.relative_to(ROOT).as_posix() for p in SOURCES if re.search(r"\bsparkContext\b", p.read_text())}
    assert {u for u in users if not u.startswith("geo_lib/ann/")} == {"geo_lib/spark.py"}


def test_the_truth_of_the_simulation_is_read_by_evaluation_alone() -> None:
    readers = {name for name, job in JOBS.items() if job.reads_truth}
    assert readers <= {"evaluate_vlm"}
    own = {"jobs/simulate_platform.py", "jobs/pretrain_tiny_vlm.py"}
    declaring = {f"jobs/{name}.py" for name, job in JOBS.items() if job.reads_truth or job.writes_truth}
    touching = {
        p.relative_to(ROOT).as_posix()
        for p in SOURCES
        if re.search(r"\.truth\b", p.read_text()) or any(m.startswith("schemas.truth_") for m in imports(p))
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


def test_every_task_of_every_workflow_is_a_subcommand_and_parses() -> None:
    for path in sorted((ROOT / "resources").glob("*.job.yml")):
        workflow = load(path.name.removesuffix(".job.yml"), references=REFERENCES)
        for task in workflow.tasks:
            args = parser().parse_args(task.parameters)
            assert args.job.name == task.key
            assert args.conf == ROOT / "conf" / "demo.yml"


def test_a_task_depends_on_whoever_writes_what_it_reads() -> None:
    before = _before(load("pipeline", references=REFERENCES))
    writers = {t.name: {k for k in before if t in (*JOBS[k].writes, *JOBS[k].shares)} for t in all_tables()}
    for key, earlier in before.items():
        for table in JOBS[key].reads:
            missing = writers[table.name] - earlier - {key}
            assert not missing, f"{key} reads {table.name} and does not wait for {', '.join(sorted(missing))}"


def test_of_two_tasks_that_write_one_table_one_waits_for_the_other() -> None:
    before = _before(load("pipeline", references=REFERENCES))
    for one, other in combinations(before, 2):
        written = ({t.name for t in (*JOBS[key].writes, *JOBS[key].shares)} for key in (one, other))
        both = set.intersection(*written)
        assert not both or one in before[other] or other in before[one], f"{one} and {other} write {both} at once"


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
    assert set(re.findall(r"\$\{var\.(\w+)\}", text)) <= set(bundle["variables"])
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


def test_every_cluster_gives_what_the_bundles_targets_take_from_the_environment() -> None:
    bundle = yaml.safe_load((ROOT / "databricks.yml").read_text())
    read = "".join((ROOT / "conf" / f"{name}.yml").read_text() for name in ("base", *bundle["targets"]))
    asked = set(re.findall(r"\$\{([A-Z][A-Z0-9_]*)", read))
    assert "GEO_MLFLOW" in asked
    for path in (ROOT / "resources").glob("*.yml"):
        for job in yaml.safe_load(path.read_text())["resources"]["jobs"].values():
            for cluster in job["job_clusters"]:
                given = cluster["new_cluster"]["spark_env_vars"]
                assert given == {name: f"${{var.{name.removeprefix('GEO_').lower()}}}" for name in asked}


def test_the_gpu_clusters_runtime_knows_the_bound_on_idle_workers() -> None:
    clusters = yaml.safe_load((ROOT / "resources" / "pipeline.job.yml").read_text())["resources"]["jobs"]["pipeline"]
    (gpu,) = (c["new_cluster"] for c in clusters["job_clusters"] if c["job_cluster_key"] == "gpu")
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
