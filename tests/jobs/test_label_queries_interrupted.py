"""Runs that are killed, that lose what they held and that run beside each other ask for nothing twice."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame

from geo_lib.demo.oracle.chat import Answerer, Reply, error
from geo_lib.demo.oracle.oracle import MODEL, Oracle
from geo_lib.models import Models
from geo_lib.serving.endpoints import Endpoint
from geo_lib.spark import session
from geo_lib.tables import Stamp, Tables
from jobs.label_queries import JOB
from jobs.run.job import Context
from schemas.generations import GENERATIONS
from schemas.table import Table
from tests.conftest import AS_OF, spark_settings
from tests.jobs.labelling import SOUND, knobs, later, oracle, put, stored
from tests.kit import await_in, drawn, job_context, kill, python

pytestmark = pytest.mark.slow


def test_of_two_runs_at_once_each_asks_only_for_what_the_other_has_not_had_answered(
    context: Context, tmp_path: Path
) -> None:
    pictures = drawn(8)
    put(context, pictures)
    (tmp_path / "beside").mkdir()
    with oracle(tmp_path / "beside", pictures) as other:

        def late(oracle: Oracle) -> Answerer:
            def answer(body: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
                is_first = not oracle.log or not oracle.log.read_text()
                reply = oracle(body, headers)
                if not is_first:
                    return reply
                assert later(context, "beside").run(JOB, knobs(other.endpoint)).kept == 8
                return error(400, "invalid_request_error", "this one I do not take")

            return answer

        with oracle(tmp_path, pictures, through=late) as server:
            one_by_one = replace(server.endpoint, concurrent=1)
            counts = context.run(JOB, knobs(one_by_one, chunk_pictures=4))
            assert (counts.rows_in, counts.kept, dict(counts.failed)) == (8, 8, {})
            assert counts.produced["asked_now"] == len(server.lines()) < 8
    assert len(stored(context)) == 8


class Forgetful(Tables):
    """Tables whose session loses what it holds before every append."""

    def append(self, table: Table, df: DataFrame, *, sequence: int, writer: str = "") -> None:
        self.spark.catalog.clearCache()
        super().append(table, df, sequence=sequence, writer=writer)


def test_blocks_that_are_lost_ask_for_nothing_again(context: Context, tmp_path: Path) -> None:
    pictures = drawn(3)
    put(context, pictures)
    tables = context.tables
    forgetful = replace(context, tables=Forgetful(tables.spark, tables.lakehouse, tables.stamp))
    with oracle(tmp_path, pictures) as server:
        assert forgetful.run(JOB, knobs(server.endpoint)).kept == 3
        assert server.answered() == {p.signature: 1 for p in pictures}


def label_in_this_process(lakehouse: str, url: str, run_id: str) -> None:
    """What a killed process runs."""
    stamp = Stamp(run_id=run_id, as_of=AS_OF, code_commit="test", simulated=True)
    tables = Tables(session(spark_settings(encodes=False)), lakehouse=lakehouse, stamp=stamp)
    context = job_context(tables, Models(f"{lakehouse}/mlflow"))
    endpoint = Endpoint(url=url, model=MODEL, concurrent=2, attempts=3)
    context.run(JOB, knobs(endpoint, chunk_pictures=2))


def has_grown(log: Path, commits: int) -> bool:
    return len(list(log.glob("*.json"))) > commits


def test_a_run_that_is_killed_three_times_asks_for_no_stored_answer_again_and_stores_none_twice(
    context: Context, tmp_path: Path
) -> None:
    pictures = drawn(12)
    put(context, pictures)
    log = Path(context.tables.lakehouse) / "tables" / "geo" / "generations" / "_delta_log"
    context.tables.read(GENERATIONS)  # makes the table
    stored_by_then: list[tuple[set[str], Counter[str]]] = []
    with oracle(tmp_path, pictures, replace(SOUND, latency_ms=200)) as server:
        for nth in range(3):
            commits = len(list(log.glob("*.json")))
            script = (
                "from tests.jobs.test_label_queries_interrupted import label_in_this_process\n"
                f"label_in_this_process({context.tables.lakehouse!r}, {server.endpoint.url!r}, 'killed-{nth}')"
            )
            process = python("-c", script)
            await_in(process, partial(has_grown, log, commits))
            kill(process)
            tables = later(context, f"looking-{nth}").tables
            kept = {row["subject"] for row in tables.read(GENERATIONS).collect()}
            assert 0 < len(kept) < len(pictures)
            stored_by_then.append((kept, server.answered()))
        fresh = later(context, "last")
        counts = fresh.run(JOB, knobs(server.endpoint, chunk_pictures=2))
        assert counts.kept == len(pictures)
        after = server.answered()
        for kept, before in stored_by_then:
            assert {s: after[s] for s in kept} == {s: before[s] for s in kept}
        rows = stored(fresh)
        assert len(rows) == len({row["subject"] for row in rows}) == len(pictures)
        assert re.fullmatch(r"last|killed-\d", rows[0]["run_id"])
