"""Which sources an outcome rests on: what wakes a job, and what does not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from geo_lib import provenance
from jobs.registry import JOBS
from jobs.run.workflow import ROOT


def resting_on(*parts: str) -> set[str]:
    """The jobs of which a file is among the sources."""
    file = ROOT.joinpath(*parts)
    assert file.is_file()
    return {name for name, job in JOBS.items() if file in provenance.sources(job.run.__module__)}


def test_the_style_sheet_is_publishings_alone() -> None:
    assert resting_on("geo_lib", "pages", "templates", "style.css") == {"publish_pages"}


def test_the_feeds_of_the_demo_decide_no_picture() -> None:
    drawing = provenance.sources("geo_lib.demo.pictures.draw")
    assert ROOT / "geo_lib" / "demo" / "truth" / "vocabulary" / "home.yml" in drawing
    assert not [path for path in drawing if "feeds" in path.parts or "base" in path.parts]


def test_every_job_rests_on_itself_its_contracts_and_less_than_half_of_the_house() -> None:
    house = len([path for package in ("geo_lib", "jobs", "schemas") for path in (ROOT / package).rglob("*.py")])
    for name, job in JOBS.items():
        rests_on = provenance.sources(job.run.__module__)
        assert ROOT / "jobs" / f"{name}.py" in rests_on
        assert {ROOT / "schemas" / f"{t.name}.py" for t in (*job.reads, *job.writes, *job.shares)} <= set(rests_on)
        assert len(rests_on) < house / 2, name


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages in another folder, where files may be edited."""
    folder = tmp_path_factory.mktemp("house")
    without = shutil.ignore_patterns("__pycache__", "tiny_vlm")
    for package in ("geo_lib", "jobs", "schemas"):
        shutil.copytree(ROOT / package, folder / package, ignore=without)
    return folder


WATCH = """
import sys
from geo_lib import provenance
from jobs.registry import JOBS

def digests():
    provenance.code_digest.cache_clear()
    provenance._imported.cache_clear()
    return {name: provenance.code_digest(job.run.__module__) for name, job in JOBS.items()}

before = digests()
for edited, text in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
    with open(edited, "a") as file:
        file.write(text)
    after = digests()
    print(*[name for name in before if before[name] != after[name]])
    before = after
"""
"""One process for all edits: what takes its seconds is importing every job."""


def woken(copy: Path, *edits: tuple[str, str]) -> list[set[str]]:
    """For each edit, a file and what is added to it: the jobs whose code digest it changes."""
    argv = [sys.executable, "-c", WATCH, *(word for edit in edits for word in edit)]
    ran = subprocess.run(argv, cwd=copy, capture_output=True, text=True, check=True)
    return [set(line.split()) for line in ran.stdout.splitlines()]


def test_an_edit_wakes_whoever_rests_on_the_file_and_nobody_else(copy: Path) -> None:
    assert woken(
        copy,
        ("geo_lib/pages/templates/style.css", "/* wider */\n"),
        ("geo_lib/queries/checks/safety.py", "# stricter\n"),
        ("geo_lib/vase/README.md", "documentation\n"),
    ) == [{"publish_pages"}, {"validate_queries", "build_training_set", "prefer_vlm", "evaluate_validation"}, set()]
