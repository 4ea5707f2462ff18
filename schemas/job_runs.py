"""job_runs: what every run of a job counted, read and wrote; the only table that a repeated run adds to."""

from pyspark.sql.types import DoubleType, LongType, MapType, StringType, StructType, TimestampType

from schemas.table import Table, Write, column

JOB_RUNS = Table(
    name="job_runs",
    comment="One row per run of a job: in = kept + dropped + failed, and what it took from and left in the lakehouse",
    key=("job", "started_at"),
    write=Write.APPEND,
    schema=StructType(
        [
            column("job", StringType(), "name of the job, as in jobs/<job>.py"),
            column("status", StringType(), "succeeded, failed or skipped"),
            column("started_at", TimestampType(), "wall clock, UTC"),
            column("seconds", DoubleType(), "wall-clock seconds, 3 decimals"),
            column("unit", StringType(), "what the job counts"),
            column("rows_in", LongType(), "units that came in; null when it was skipped or failed", nullable=True),
            column("kept", LongType(), "units kept; null as rows_in", nullable=True),
            column(
                "dropped", MapType(StringType(), LongType()), "reason to units dropped; null as rows_in", nullable=True
            ),
            column(
                "failed", MapType(StringType(), LongType()), "reason to units failed; null as rows_in", nullable=True
            ),
            column(
                "produced",
                MapType(StringType(), LongType()),
                "what the kept units fanned out into; null as rows_in",
                nullable=True,
            ),
            column(
                "measured",
                MapType(StringType(), DoubleType()),
                "seconds by what took them, and units per second; empty where a job says none; null as rows_in",
                nullable=True,
            ),
            column("knobs", StringType(), "the job's knobs as JSON"),
            column(
                "fingerprint",
                StringType(),
                "hash of as_of, knobs, inputs and sources: equal ones need no rerun",
            ),
            column("inputs", MapType(StringType(), StringType()), "input to its version: tables, files, models"),
            column(
                "outputs",
                MapType(StringType(), StringType()),
                "table or file written to its version afterwards",
            ),
            column("error", StringType(), "the sentence it failed with; null unless it failed", nullable=True),
        ]
    ),
    version=2,
    checks={"status_known": "status in ('succeeded', 'failed', 'skipped')"},
)
