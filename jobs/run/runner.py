"""Run one job: skip it if nothing it depends on has changed, else run it and record what it did."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from pyspark.sql import functions as F

from geo_lib import provenance
from geo_lib.counts import Counts
from geo_lib.models import Models
from geo_lib.spark import local_frame
from geo_lib.tables import Tables
from jobs.run.job import Context, Job, Progress
from schemas.job_runs import JOB_RUNS
from schemas.table import Table

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended. ``counts`` is null unless it ran to its end, ``error`` unless it failed."""

    job: str
    status: str
    seconds: float
    counts: Counts | None = None
    error: str | None = None
    record: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The row of ``job_runs`` it makes, as far as it is known."""


class Left(NamedTuple):
    """What a success went by, and what it left."""

    fingerprint: str
    outputs: str
    """Hash of them and their versions."""

    @classmethod
    def of(cls, fingerprint: str, outputs: Mapping[str, str]) -> "Left":
        return cls(fingerprint, provenance.version_of(outputs=dict(outputs)))


@dataclass(frozen=True)
class Runner:
    """Runs jobs in one session under one run id and keeps ``job_runs``."""

    tables: Tables
    models: Models
    lakehouse: str
    root: str = "/"
    """The folder that configured paths start at; what lies below it may be moved with it."""

    @property
    def as_of(self) -> date:
        return self.tables.stamp.as_of

    def run(self, job: Job[Any], knobs: Any, *, force: bool, progress: Progress) -> Outcome:
        """Run ``job`` unless it is up to date. Any error, an input that is missing too, is recorded, then raised."""
        started, clock = datetime.now(UTC), time.monotonic()
        record = {"job": job.name, "started_at": started, "unit": job.unit, "knobs": _json(knobs)}
        record |= {"fingerprint": self._fingerprint(job, knobs, {}), "inputs": {}}  # until it is known what it reads
        try:
            inputs = self._inputs(job, knobs)
            fingerprint = self._fingerprint(job, knobs, inputs)
            record |= {"fingerprint": fingerprint, "inputs": inputs}
            if not force and self._is_up_to_date(job, knobs, fingerprint):
                seconds = round(time.monotonic() - clock, 3)
                return Outcome(job.name, "skipped", seconds, record=record | {"status": "skipped", "seconds": seconds})
            clock = self._started(clock)
            counts = self._context(progress, forced=force).run(job, knobs)
        except Exception as error:
            seconds = round(time.monotonic() - clock, 3)
            sentence = str(error) or type(error).__name__
            try:
                self._record([record | {"status": "failed", "seconds": seconds, "error": sentence}])
            except Exception:  # the session may have died with the job: its error is the one to tell
                log.exception("could not record the failure of %s", job.name)
            raise
        seconds = round(time.monotonic() - clock, 3)
        self._record(
            [
                record
                | {"status": "succeeded", "seconds": seconds, "outputs": self._outputs(job)}
                | {"rows_in": counts.rows_in, "kept": counts.kept}
                | {name: dict(getattr(counts, name)) for name in ("dropped", "failed", "produced", "measured")}
            ]
        )
        return Outcome(job.name, "succeeded", seconds, counts)

    def record_skips(self, outcomes: Sequence[Outcome]) -> None:
        """Note the jobs that were up to date, in one commit; where no job needed a session, none is started for it."""
        if self.tables.started is not None:
            self._record([outcome.record for outcome in outcomes if outcome.status == "skipped"])

    def _started(self, clock: float) -> float:
        """``clock`` put forward by what starting the session takes, which is no job's work."""
        before = time.monotonic()
        _ = self.tables.spark
        return clock + time.monotonic() - before

    def _context(self, progress: Progress, *, forced: bool) -> Context:
        return Context(
            tables=self.tables,
            models=self.models,
            as_of=self.as_of,
            simulated=self.tables.stamp.simulated,
            run_id=self.tables.stamp.run_id,
            lakehouse=self.lakehouse,
            progress=progress,
            forced=forced,
        )

    @cached_property
    def _last_successes(self) -> dict[str, Left]:
        """What each job's last success went by and left, as this run found it and has added to it."""
        return self._noted() or self._told_by_rows()

    def _noted(self) -> dict[str, Left]:
        """The same as the newest commit of job_runs notes it: read without a session where files say it."""
        try:
            return {job: Left(*left) for job, left in json.loads(self.tables.said(JOB_RUNS) or "{}").items()}
        except (ValueError, TypeError, AttributeError):  # somebody else's note
            return {}

    def _told_by_rows(self) -> dict[str, Left]:
        """The same by the rows, for a table whose last commit was none of a run."""
        if not self.tables.exists(JOB_RUNS):
            return {}
        succeeded = self.tables.read(JOB_RUNS).where("status = 'succeeded'")  # starts the session that functions need
        newest = F.max_by(F.struct("fingerprint", "outputs"), F.struct("started_at", "run_id"))
        rows = succeeded.groupBy("job").agg(newest.alias("last")).collect()
        return {row["job"]: Left.of(row["last"]["fingerprint"], row["last"]["outputs"]) for row in rows}

    def _is_up_to_date(self, job: Job[Any], knobs: Any, fingerprint: str) -> bool:
        if self._last_successes.get(job.name) != Left.of(fingerprint, self._outputs(job)):
            return False
        return all(Path(self._inside(folder)).is_dir() for folder in job.folders(knobs) if "://" not in folder)

    def _inputs(self, job: Job[Any], knobs: Any) -> dict[str, str]:
        return (
            _versions(self.tables, job.reads)
            | _versions(self.tables.truth, job.reads_truth)
            | {str(self._portable(location)): provenance.listing(location) for location in job.files(knobs)}
            | {alias: self._model(alias) for alias in job.reads_models(knobs)}
        )

    def _outputs(self, job: Job[Any]) -> dict[str, str]:
        shared = _versions(self.tables, job.shares)  # others change them too, but one that is gone is to be made again
        return (
            _versions(self.tables, job.writes)
            | {name: version.partition("@")[0] for name, version in shared.items()}
            | _versions(self.tables.truth, job.writes_truth)
            | {alias: self._model(alias) for alias in job.writes_models}
        )

    def _model(self, alias: str) -> str:
        found = self.models.find(alias)
        return "absent" if found is None else found.model_version

    def _fingerprint(self, job: Job[Any], knobs: Any, inputs: dict[str, str]) -> str:
        return provenance.version_of(
            job=job.name,
            as_of=self.as_of,
            simulated=self.tables.stamp.simulated,
            knobs=self._portable(asdict(knobs)),
            inputs=inputs,
            code=[provenance.code_digest(module) for module in (job.run.__module__, __name__)],
            packages=provenance.requirements_digest(),
        )

    def _portable(self, value: Any) -> Any:
        """``value`` with the paths in it as seen from the lakehouse or the root: a moved checkout is the same one."""
        match value:
            case dict():
                return {name: self._portable(inner) for name, inner in value.items()}
            case list() | tuple():
                return [self._portable(inner) for inner in value]
            case str():
                for mark, folder in (("<lakehouse>", self.lakehouse), ("<root>", self.root)):
                    if len(folder) > 1 and (value == folder or value.startswith(f"{folder}/")):
                        return mark + value[len(folder) :]
        return value

    def _inside(self, folder: str) -> str:
        return folder if folder.startswith("/") else f"{self.lakehouse}/{folder}"

    def _record(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        # a run beside this one may have noted more by now
        successes = {r["job"]: Left.of(r["fingerprint"], r["outputs"]) for r in rows if r["status"] == "succeeded"}
        self._last_successes.update(self._noted() | successes)
        empty: dict[str, Any] = dict.fromkeys(JOB_RUNS.schema.names) | {"inputs": {}, "outputs": {}}
        filled = [tuple((empty | dict(row))[name] for name in JOB_RUNS.schema.names) for row in rows]
        frame = local_frame(self.tables.spark, filled, JOB_RUNS.schema)
        self.tables.append_new(JOB_RUNS, frame, note=json.dumps(self._last_successes, sort_keys=True))


def _versions(tables: Tables, wanted: Sequence[Table]) -> dict[str, str]:
    return {f"{tables.schema}.{table.name}": tables.version(table) for table in wanted}


def _json(knobs: Any) -> str:
    return json.dumps(asdict(knobs), sort_keys=True, default=str)
