"""How long the demo takes against an older checkout, run in turn on this machine.

    make bench ONLY=tasks BENCH="--old ../base --times 3 --only sql,idle,forced"

Each checkout works with its own .venv in a folder of its own below --scratch; the newer one is the one this file
belongs to. Prints Markdown for docs/benchmarks.md: median, spread, ratio, machine and commits. What is measured:

run     simulate-platform and the whole pipeline, from nothing
idle    the pipeline again, with nothing to do
forced  embed_queries to publish_pages, forced; its Spark jobs are counted in one more run, from Spark's event log
sql     geo sql of one count, session start included
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

NEW = Path(__file__).resolve().parent.parent
COUNT = "select count(*) as n from geo.images"
SIZE = os.environ.get("SIZE", "default")
OLDER = {"small": {"GEO_MIN_SCORE": "0.50", "GEO_MOST_JUDGED": "4000"}}
"""How checkouts before conf/small.yml are told of a size."""
PER_TASK = "select job, round(max_by(seconds, started_at), 1) as seconds from geo.job_runs where status = 'succeeded' "


@dataclass(frozen=True)
class Side:
    """One checkout, and the folder that its demo lies in."""

    name: str
    checkout: Path
    folder: Path
    seconds: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def set_up(cls, name: str, checkout: Path, scratch: Path) -> "Side":
        """A folder with the checkout's configuration, its code linked; ``counted.yml`` keeps an event log as well."""
        folder = scratch / name
        shutil.rmtree(folder / "conf", ignore_errors=True)
        shutil.copytree(checkout / "conf", folder / "conf")
        if not (folder / "geo_lib").exists():
            (folder / "geo_lib").symlink_to(checkout / "geo_lib")
        (folder / "events").mkdir(exist_ok=True)
        log = {"enabled": "true", "compress": "false", "dir": (folder / "events").as_uri()}
        settings = "".join(f'  spark.eventLog.{key}: "{value}"\n' for key, value in log.items())
        side = cls(name, checkout, folder)
        (folder / "conf" / "counted.yml").write_text(f"extends: {side.demo}.yml\nspark:\n{settings}", "utf-8")
        return side

    @property
    def demo(self) -> str:
        """The configuration of the size that is asked for, as make run chooses it."""
        return SIZE if (self.checkout / "conf" / f"{SIZE}.yml").is_file() else "demo"

    def geo(self, *arguments: str, conf: str | None = None) -> str:
        program, file = self.checkout / ".venv" / "bin" / "geo", self.folder / "conf" / f"{conf or self.demo}.yml"
        command = [str(program), *arguments, "--conf", str(file)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | OLDER.get(SIZE, {})
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{self.name}: geo {' '.join(arguments)} ended with {done.returncode}\n{done.stderr}")
        return str(done.stdout)

    def forced(self, conf: str | None = None) -> None:
        workflow = "publish" if (self.checkout / "resources" / "publish.job.yml").is_file() else "pipeline"
        self.geo("run", workflow, "--from", "embed_queries", "--force", conf=conf)

    def run(self) -> None:
        shutil.rmtree(self.folder / "lakehouse", ignore_errors=True)
        self.geo("simulate-platform", "--size", SIZE)
        self.geo("run", "pipeline")

    def spark_jobs(self) -> int:
        """Spark jobs of one forced run."""
        shutil.rmtree(self.folder / "events")
        (self.folder / "events").mkdir()
        self.forced(conf="counted")
        logs = [path for path in (self.folder / "events").rglob("*") if path.is_file() and path.suffix != ".crc"]
        return sum(path.read_text("utf-8").count('{"Event":"SparkListenerJobStart"') for path in logs)

    def per_task(self) -> dict[str, float]:
        """Seconds of each job's last success."""
        rows = json.loads(self.geo("sql", PER_TASK + "group by job", "--format", "json"))
        return {row["job"]: row["seconds"] for row in rows}

    def commit(self) -> str:
        asked = ["git", "-C", str(self.checkout), "describe", "--always", "--dirty"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


MEASURED: dict[str, Callable[[Side], object]] = {
    "run": Side.run,
    "idle": lambda side: side.geo("run", "pipeline"),
    "forced": Side.forced,
    "sql": lambda side: side.geo("sql", COUNT),
}


def main(argv: Sequence[str] | None = None) -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--old", type=Path, required=True, help="the older checkout, with a .venv of its own")
    asked.add_argument("--times", type=int, default=3, help="runs of each; the median counts")
    asked.add_argument("--only", default=",".join(MEASURED), help=f"which of {','.join(MEASURED)}")
    asked.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir(), f"visual-geo-bench-{SIZE}"))
    args = asked.parse_args(argv)
    chosen = args.only.split(",")
    if unknown := sorted(set(chosen) - MEASURED.keys()):
        asked.error(f"there is no measurement {', '.join(unknown)}; there are {', '.join(MEASURED)}")
    checkouts = {"old": args.old.resolve(), "new": NEW}
    sides = [Side.set_up(name, checkout, args.scratch.resolve()) for name, checkout in checkouts.items()]
    if "run" not in chosen:
        for side in sides:  # everything else wants a demo that is complete
            if not (side.folder / "lakehouse" / "site" / "index.html").is_file():
                side.run()
            side.geo("run", "pipeline")
    for what in (name for name in MEASURED if name in chosen):
        for nth in range(args.times):
            for side in sides if nth % 2 == 0 else sides[::-1]:  # in turn, and neither always first
                begun = time.monotonic()
                MEASURED[what](side)
                side.seconds.setdefault(what, []).append(time.monotonic() - begun)
    sys.stdout.write("\n".join(_report(sides, jobs="forced" in chosen, tasks="run" in chosen)) + "\n")
    return 0


def _report(sides: Sequence[Side], *, jobs: bool, tasks: bool) -> list[str]:
    old, new = sides
    lines = [f"{_machine()}. Old {old.commit()}, new {new.commit()}.", ""]
    lines += ["| what | old | new | ratio |", "|---|---|---|---|"]
    for what, seconds in old.seconds.items():
        ratio = statistics.median(new.seconds[what]) / statistics.median(seconds)
        lines.append(f"| {what} | {_spread(seconds)} | {_spread(new.seconds[what])} | {ratio:.2f} |")
    if jobs:
        counts = [side.spark_jobs() for side in sides]
        lines.append(f"| forced, Spark jobs | {counts[0]} | {counts[1]} | {counts[1] / counts[0]:.2f} |")
    if tasks:
        before, after = (side.per_task() for side in sides)
        lines += ["", "| task of the last run | old | new | ratio |", "|---|---|---|---|"]
        for job, now in after.items():
            was = before.get(job)
            past = ("", "") if was is None else (f"{was:.1f} s", f"{now / was:.2f}")
            lines.append(f"| {job} | {past[0]} | {now:.1f} s | {past[1]} |")
    return lines


def _spread(seconds: Sequence[float]) -> str:
    """``median s (least–most, n = count)``."""
    return f"{statistics.median(seconds):.1f} s ({min(seconds):.1f}–{max(seconds):.1f}, n = {len(seconds)})"


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.release()}"


if __name__ == "__main__":
    raise SystemExit(main())
