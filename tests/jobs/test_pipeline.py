"""The whole workflow on a platform of a few dozen images: real Spark, Delta, LoRA and vLLM."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from geo_lib.tables import Stamp, Tables
from jobs import cli, registry
from jobs.run.workflow import ROOT
from schemas.job_runs import JOB_RUNS
from tests.conftest import AS_OF

pytestmark = pytest.mark.long

TINY = """
extends: demo.yml
lakehouse: ./lakehouse
schema: geo_tiny
jobs:
  simulate_platform: {folder: ./lakehouse/raw, size: tiny, days: 12}
  ingest_catalogue: {manifest: ./lakehouse/raw/catalogue.parquet}
  ingest_search_console: {path: ./lakehouse/raw/search_console, max_failed_share: 0.2}  # 1 of 13 days is malformed
  finetune_vlm: {recipe: {epochs: 2}}
  annotate_images: {chunk_signatures: 64}
  build_collections: {min_items: 3, min_score: 0.3}
"""


@dataclass(frozen=True)
class Ran:
    conf: Path
    lakehouse: Path
    tables: Tables
    versions: dict[str, str]

    def now(self) -> dict[str, str]:
        return versions(Tables(self.tables.spark, str(self.lakehouse), self.tables.stamp, schema=self.tables.schema))


def versions(tables: Tables) -> dict[str, str]:
    return {t.name: tables.version(t) for t in registry.all_tables() if t != JOB_RUNS}


@pytest.fixture(scope="module")
def ran(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Simulate and run once; every test below looks at what came of it."""
    home = tmp_path_factory.mktemp("platform")
    (home / "conf").mkdir()
    for name in ("base.yml", "demo.yml"):
        (home / "conf" / name).write_text((ROOT / "conf" / name).read_text().replace("./geo_lib", f"{ROOT}/geo_lib"))
    conf = home / "conf" / "tiny.yml"
    conf.write_text(TINY)
    assert cli.main(["simulate-platform", "--conf", str(conf)]) == 0
    assert cli.main(["run", "pipeline", "--conf", str(conf)]) == 0
    stamp = Stamp("looking", AS_OF, "test", simulated=True)
    tables = Tables(spark, str(home / "lakehouse"), stamp, schema="geo_tiny")
    return Ran(conf, home / "lakehouse", tables, versions(tables))


def rows(ran: Ran, name: str) -> Any:
    return ran.tables.read(next(t for t in registry.all_tables() if t.name == name))


def test_every_task_succeeds_and_its_figures_add_up(ran: Ran) -> None:
    runs = ran.tables.read(JOB_RUNS).where("status = 'succeeded'").collect()
    assert {r.job for r in runs} == set(registry.JOBS) - {"pretrain_tiny_vlm"}
    for r in runs:
        assert r.rows_in == r.kept + sum(r.dropped.values()) + sum(r.failed.values()), r.job
        assert r.kept > 0, f"{r.job} kept nothing"


def test_every_derived_row_is_marked_simulated_and_names_its_run(ran: Ran) -> None:
    for table in registry.all_tables():
        df = ran.tables.read(table)
        assert df.where("not simulated or run_id is null or code_commit is null").isEmpty(), table.name


def test_running_again_skips_everything_and_adds_no_version(ran: Ran, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "pipeline", "--conf", str(ran.conf)]) == 0
    out = capfd.readouterr().out
    assert "0 of 15 tasks ran, 15 had nothing to do" in out
    assert ran.now() == ran.versions


def test_forcing_every_task_writes_nothing_new(ran: Ran) -> None:
    assert cli.main(["run", "pipeline", "--force", "--conf", str(ran.conf)]) == 0
    assert ran.now() == ran.versions


def test_keys_are_unique_in_every_table(ran: Ran) -> None:
    for table in registry.all_tables():
        assert ran.tables.read(table).groupBy(*table.key).count().where("count > 1").isEmpty(), table.name


def test_references_between_tables_hold(ran: Ran) -> None:
    for child, parent, key in (
        ("annotations", "queries", "query_id"),
        ("annotations", "image_bytes", "signature"),
        ("images", "image_bytes", "signature"),
        ("collections", "queries", "query_id"),
        ("collection_items", "collections", "collection_id"),
        ("collection_items", "images", "image_id"),
        ("image_annotations", "queries", "query_id"),
        ("generations", "image_bytes", "signature"),
    ):
        named = rows(ran, child).withColumnRenamed("subject", "signature")  # of a generation that is a signature
        orphans = named.join(rows(ran, parent), on=key, how="left_anti")
        assert orphans.isEmpty(), f"{child}.{key} is not in {parent}: {orphans.limit(3).collect()}"


def test_every_image_has_exactly_one_generation_of_the_champion(ran: Ran) -> None:
    signatures = rows(ran, "image_bytes").count()
    assert rows(ran, "generations").select("subject").distinct().count() == signatures
    assert rows(ran, "generations").count() == signatures


def test_published_pages_say_that_they_are_simulated_and_are_in_the_sitemap(ran: Ran) -> None:
    pages = rows(ran, "pages").where("state = 'published'").collect()
    assert {"collection", "image", "home"} <= {p.kind for p in pages}
    sitemaps = "".join(p.read_text() for p in (ran.lakehouse / "site").glob("sitemap*.xml"))
    for page in pages:
        html = (ran.lakehouse / page.path).read_text()
        assert "imulated" in html, page.path
        assert f'<link rel="canonical" href="{page.url}"' in html
        assert f"<loc>{page.url}</loc>" in sitemaps
        for block in re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, flags=re.S):
            json.loads(block)


def test_every_link_leads_to_a_page_and_authority_sums_to_one(ran: Ran) -> None:
    known = {p.page for p in rows(ran, "page_authority").collect()}
    for link in rows(ran, "links").collect():
        assert {link.source, link.target} <= known
    assert sum(p.pagerank for p in rows(ran, "page_authority").collect()) == pytest.approx(1, abs=1e-6)


def test_the_five_arms_are_measured_and_the_paper_stands_beside_them(ran: Ran) -> None:
    overall = {r.arm: r for r in rows(ran, "evaluations").where("segment = 'overall'").collect()}
    ours = {"tuned", "shuffled_images", "most_frequent", "nearest_training_image", "untuned_base"}
    assert ours | {"paper_table_2"} <= set(overall)
    for arm in ours:
        assert 0 <= overall[arm].ci_low <= overall[arm].value <= overall[arm].ci_high <= 1


def test_sql_reads_the_tables_by_name(ran: Ran, capfd: pytest.CaptureFixture[str]) -> None:
    statement = "select count(*) as n from geo_tiny.images"
    assert cli.main(["sql", statement, "--format", "json", "--conf", str(ran.conf)]) == 0
    assert json.loads(capfd.readouterr().out)[0]["n"] == rows(ran, "images").count()
