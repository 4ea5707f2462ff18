"""What geo explain tells of the small platform agrees with its tables."""

import os
import subprocess
import sys

import pytest
from pyspark.sql import functions as F
from rich.console import Console

from geo_lib import config
from geo_lib.tables import Tables
from jobs.build_collections import BuildCollections
from jobs.commands.explain import _Told
from jobs.run.workflow import ROOT
from schemas.images import IMAGES
from schemas.queries import QUERIES
from schemas.query_merges import QUERY_MERGES
from tests.builders import build
from tests.platform import Platform


def told(platform: Platform, capfd: pytest.CaptureFixture[str], subject: str, *, status: int = 0) -> str:
    capfd.readouterr()
    assert platform.geo("explain", subject) == status
    return " ".join(capfd.readouterr().out.split())


def test_a_query_is_told_from_the_console_to_its_collection(
    platform: Platform, capfd: pytest.CaptureFixture[str]
) -> None:
    founded = platform.rows("collections").where("demand > 0").orderBy("url").first()
    assert founded is not None
    query = platform.rows("queries").where(F.col("query_id") == founded["query_id"]).first()
    assert query is not None
    shown = told(platform, capfd, query["query"].upper())
    assert f"{query['query']} · {query['locale']} · {query['query_id']}" in shown
    assert "Eq. 1 keeps" in shown
    assert "mine_queries.many_impressions 1000" in shown
    assert f"{query['images']:,} pictures" in shown
    assert f"collection: {founded['state']} {founded['url']} · {founded['items']:,} images" in shown


def test_a_held_collection_names_its_reasons_and_the_knobs_that_decided(
    platform: Platform, capfd: pytest.CaptureFixture[str]
) -> None:
    held = platform.rows("collections").where("array_contains(reasons, 'too_few_items')").orderBy("url").first()
    assert held is not None
    query = platform.rows("queries").where(F.col("query_id") == held["query_id"]).first()
    assert query is not None
    assert f"too_few_items (build_collections.min_items {BuildCollections().min_items})" in told(
        platform, capfd, query["query"]
    )


def test_a_picture_is_told_with_every_proposal_and_where_it_ended(
    platform: Platform, capfd: pytest.CaptureFixture[str]
) -> None:
    dropped = platform.rows("query_decisions").where("not kept and stage = 'duplicate'").orderBy("signature").first()
    assert dropped is not None
    signature = dropped["signature"]
    image = platform.rows("images").where(F.col("signature") == signature).orderBy("image_id").first()
    assert image is not None
    shown = told(platform, capfd, image["image_id"])
    assert f"image {image['image_id']} · {image['locale']}" in shown
    assert "duplicate same_words" in shown
    decided = platform.rows("query_decisions").where(F.col("signature") == signature)
    for row in decided.where("reason is null and stage = 'confidence'").collect():
        assert row["query"].split()[0] in shown
    assert told(platform, capfd, signature[:16]) == shown


def test_what_nobody_knows_is_one_sentence(platform: Platform) -> None:
    # in a process of its own, which has no session before it asks for one
    command = [sys.executable, "-m", "jobs.cli", "explain", "quarterly earnings report", "--conf", str(platform.conf)]
    said = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert said.returncode == 1, said.stderr[-2000:]
    assert "nothing here is called quarterly earnings report" in " ".join(said.stdout.split())


def test_a_merged_query_is_told_with_the_one_that_it_goes_by_and_that_one_with_it(tables: Tables) -> None:
    spark = tables.spark
    said = {"v": "vase", "w": "vase ideas"}
    tables.write(IMAGES, build(IMAGES, spark, {"image_id": "i"}, locale="en", page_url="https://x.test/"))
    rows = ({"query_id": own, "query": text} for own, text in said.items())
    tables.write(QUERIES, build(QUERIES, spark, *rows, locale="en", category="style", images=1))
    merges = ({"query_id": own, "canonical_id": "v", "cosine": 1.0 if own == "v" else 0.91} for own in said)
    tables.write(QUERY_MERGES, build(QUERY_MERGES, spark, *merges, locale="en"))
    console = Console(record=True, width=200)
    explained = _Told(tables, config.load(ROOT / "conf" / "demo.yml"), console)
    assert explained.query("vase ideas")
    decided = "(cosine 0.910) (merge_queries.merging.min_similarity 0.6)"
    assert f"merged: goes by vase {decided}" in console.export_text()
    assert explained.query("vase")
    assert f"merged: vase ideas goes by it {decided}" in console.export_text()
