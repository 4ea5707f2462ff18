"""The whole workflow on the small platform: what it leaves, and what running it again does."""

import json
import os
import re
from functools import reduce
from pathlib import Path

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs import registry
from jobs.run.workflow import ROOT
from schemas.generations import GENERATIONS
from schemas.job_runs import JOB_RUNS
from schemas.table import Table
from tests.platform import Platform

TASKS = [job.name for jobs in registry.WORKFLOWS.values() for job in jobs]
OFF = {"prefer_vlm"}
"""Does nothing unless asked to, which its own tests do."""


def test_every_task_succeeds_and_its_figures_add_up(platform: Platform) -> None:
    runs = platform.tables.read(JOB_RUNS).where("status = 'succeeded'").collect()
    assert {r.job for r in runs} == set(registry.JOBS) - {"pretrain_tiny_vlm"}
    for r in runs:
        assert r.rows_in == r.kept + sum(r.dropped.values()) + sum(r.failed.values()), r.job
        assert r.kept > 0 or r.job in OFF, f"{r.job} kept nothing"
    (annotated,) = [r.measured for r in runs if r.job == "annotate_images"]
    assert min(annotated["images_per_second"], annotated["tokens_per_second"], annotated["engine_seconds"]) > 0


def test_every_derived_row_is_marked_simulated_and_names_its_run_and_no_key_is_there_twice(platform: Platform) -> None:
    def wrong(table: Table) -> DataFrame:
        rows = platform.tables.read(table)
        unmarked = F.count_if(F.expr("not simulated or run_id is null or code_commit is null"))
        by_key = rows.groupBy(*table.key).agg(F.count("*").alias("rows"), unmarked.alias("unmarked"))
        return by_key.where("rows > 1 or unmarked > 0").select(F.lit(table.name).alias("table"), "rows", "unmarked")

    made = filter(platform.tables.exists, registry.all_tables())  # reading one that nobody wrote would make it
    # one statement: a small table is read in no time, and asked about in a second
    assert reduce(DataFrame.unionAll, [wrong(table) for table in made]).collect() == []


def test_a_killed_process_group_loses_the_chunk_in_flight_alone(platform: Platform) -> None:
    written = platform.rows("generations").where("task = 'queries'").collect()
    assert 0 < len(platform.survivors) < len(written)
    assert len({row["subject"] for row in written}) == len(written), "every signature, and none twice"
    resumed = {row["run_id"] for row in written if row["subject"] not in platform.survivors}
    assert len(resumed) == 1, "what was committed before the kill was not generated again"
    skipped = platform.tables.read(JOB_RUNS).where("status = 'skipped'").where(F.col("run_id").isin(*resumed))
    assert [r["job"] for r in skipped.orderBy("started_at").collect()] == TASKS[: TASKS.index("annotate_images")]


def test_running_again_skips_everything_and_adds_no_version(
    platform: Platform, capfd: pytest.CaptureFixture[str]
) -> None:
    assert platform.geo("run", "pipeline") == 0
    assert f"0 of {len(TASKS)} tasks ran, {len(TASKS)} had nothing to do" in capfd.readouterr().out
    assert platform.versions_now() == platform.versions


def test_forcing_tasks_that_the_jobs_own_tests_do_not_repeat_writes_nothing_new(platform: Platform) -> None:
    for asked in (("ingest",), ("publish", "--from", "plan_links")):
        assert platform.geo("run", *asked, "--force") == 0
    assert platform.versions_now() == platform.versions


def test_publishing_before_a_model_was_trained_names_the_workflow_to_run(
    platform: Platform, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "conf").mkdir()
    conf = tmp_path / "conf" / "empty.yml"
    conf.write_text("lakehouse: ./lakehouse\nas_of: 2026-10-30\n")
    from jobs import cli

    assert cli.main(["run", "publish", "--only", "annotate_images", "--conf", str(conf)]) == 1
    shown = " ".join(capfd.readouterr().out.split())
    assert "no model carries the alias vlm@champion" in shown
    assert "geo run train" in shown


def test_references_between_tables_hold(platform: Platform) -> None:
    references = (
        ("annotations", "queries", "query_id"),
        ("annotations", "image_bytes", "signature"),
        ("images", "image_bytes", "signature"),
        ("collections", "queries", "query_id"),
        ("collection_items", "collections", "collection_id"),
        ("collection_items", "images", "image_id"),
        ("image_annotations", "queries", "query_id"),
    )

    def orphans(child: str, parent: str, key: str) -> DataFrame:
        rows = platform.rows(child).join(platform.rows(parent), on=key, how="left_anti")
        return rows.select(F.lit(f"{child}.{key} is not in {parent}").alias("wrong"), key)

    assert reduce(DataFrame.unionAll, [orphans(*reference) for reference in references]).collect() == []


def test_every_image_has_exactly_one_generation_of_the_champion(platform: Platform) -> None:
    signatures = platform.rows("image_bytes").select(F.col("signature").alias("subject"))
    written = platform.tables.read(GENERATIONS).where("task = 'queries'")
    assert written.count() == signatures.count()
    assert signatures.join(written, on="subject", how="left_anti").isEmpty()


def test_published_pages_say_that_they_are_simulated_and_are_in_the_sitemap(platform: Platform) -> None:
    pages = platform.rows("pages").where("state = 'published'").collect()
    assert {"collection", "image", "home"} <= {p.kind for p in pages}
    sitemaps = "".join(p.read_text() for p in (platform.lakehouse / "site").glob("sitemap*.xml"))
    for page in pages:
        html = (platform.lakehouse / page.path).read_text()
        assert "imulated" in html, page.path
        assert f'<link rel="canonical" href="{page.canonical or page.url}"' in html
        assert (f"<loc>{page.url}</loc>" in sitemaps) == (page.canonical is None)
        for block in re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, flags=re.S):
            json.loads(block)


def test_every_link_leads_to_a_page_and_authority_sums_to_one(platform: Platform) -> None:
    known = {p.page for p in platform.rows("page_authority").collect()}
    for link in platform.rows("links").collect():
        assert {link.source, link.target} <= known
    assert sum(p.pagerank for p in platform.rows("page_authority").collect()) == pytest.approx(1, abs=1e-6)


def test_the_five_arms_are_measured_and_the_paper_stands_beside_them(platform: Platform) -> None:
    overall = {r.arm: r for r in platform.rows("evaluations").where("segment = 'overall'").collect()}
    ours = {"tuned", "shuffled_images", "most_frequent", "nearest_training_image", "untuned_base"}
    assert ours | {"paper_table_2"} <= set(overall)
    for arm in ours:
        assert 0 <= overall[arm].ci_low <= overall[arm].value <= overall[arm].ci_high <= 1


def test_sql_reads_the_tables_by_name(platform: Platform, capfd: pytest.CaptureFixture[str]) -> None:
    assert platform.geo("sql", f"select count(*) as n from {platform.tables.schema}.images", "--format", "json") == 0
    assert json.loads(capfd.readouterr().out)[0]["n"] == platform.rows("images").count()


def test_the_notebooks_draw_what_evaluations_holds_and_are_committed_without_outputs(platform: Platform) -> None:
    import nbformat
    from nbclient import NotebookClient

    figures = {"vlm_quality": 2, "published": 1}
    books = {name: nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4) for name in figures}
    code = {name: [cell for cell in book.cells if cell.cell_type == "code"] for name, book in books.items()}
    assert all(not cell.outputs and cell.execution_count is None for cells in code.values() for cell in cells)
    # one kernel for both: what takes its time is the session, and a notebook starts by making its own names
    both = books["vlm_quality"]
    both.cells = [cell for book in books.values() for cell in book.cells]
    environment = os.environ | {"GEO_CONF": str(platform.conf), "PYTHONPATH": str(ROOT)}
    client = NotebookClient(both, timeout=600, resources={"metadata": {"path": str(ROOT / "notebooks")}})
    client.execute(env=environment)
    for name, cells in code.items():
        pictures = [o for cell in cells for o in cell.outputs if "image/png" in o.get("data", {})]
        assert len(pictures) == figures[name], name
