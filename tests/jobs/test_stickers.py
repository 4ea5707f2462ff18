"""Real pictures and words, with figures that were counted apart from this code."""

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml
from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

from geo_lib import config
from geo_lib.queries.text import normalise, same_words_key
from geo_lib.tables import Stamp, Tables
from jobs import cli, ingest_catalogue, ingest_search_console, mine_queries
from jobs.run.job import Context
from jobs.run.workflow import ROOT
from schemas.collection_items import COLLECTION_ITEMS
from schemas.collections import COLLECTIONS
from schemas.images import IMAGES
from schemas.mined_queries import MINED_QUERIES
from schemas.pages import PAGES
from schemas.queries import QUERIES
from tests.conftest import AS_OF
from tests.kit import TINY_BASE

STICKERS = 100
CORPUS = Path(os.environ.get("GEO_STICKERS", ROOT / ".." / "shared" / "corpora" / "stickers"))

pytestmark = [
    pytest.mark.stickers,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"there is no corpus at {CORPUS}; GEO_STICKERS names it"),
]


def test_eq_1_keeps_of_the_stickers_what_was_counted_by_hand(context: Context) -> None:
    conf = config.load(ROOT / "conf" / "stickers.yml")
    asked = replace(context, as_of=date(2026, 10, 28))
    for module, knobs in (
        (ingest_catalogue, ingest_catalogue.IngestCatalogue),
        (ingest_search_console, ingest_search_console.IngestSearchConsole),
    ):
        asked.run(module.JOB, conf.knobs(module.JOB.name, knobs))
    counts = asked.run(mine_queries.JOB, conf.knobs("mine_queries", mine_queries.MineQueries))
    assert counts.produced == {
        "pairs": 92_334,
        "retained_by_impressions": 63,
        "retained_by_ctr": 0,
        "retained_by_position": 26_480,
        "mined": 26_503,
        "signatures": 2_923,
    }


def test_a_hundred_stickers_come_to_pages_whose_pictures_people_found_by_the_pages_query(
    spark: SparkSession, tmp_path: Path
) -> None:
    conf = _hundred(spark, tmp_path)
    assert cli.main(["run", "pipeline", "--conf", str(conf)]) == 0
    tables = Tables(spark, str(tmp_path / "lakehouse"), Stamp("looking", AS_OF, "test", simulated=True))
    images = {row["image_id"]: row for row in tables.read(IMAGES).collect()}
    assert len(images) == STICKERS
    concepts: dict[str, set[str]] = {}
    for row in images.values():
        concepts.setdefault(row["signature"], set()).add(_concept(row["image_id"]))
    retained = {
        (concept, same_words_key(normalise(row["query"], locale="en"), locale="en"))
        for row in tables.read(MINED_QUERIES).collect()
        for concept in concepts[row["signature"]]
    }
    published = tables.read(COLLECTIONS).where("state = 'publish'").select("collection_id", "family", "query_id")
    words = tables.read(QUERIES).select("query_id", "words")
    items = tables.read(COLLECTION_ITEMS).select("collection_id", "family", "image_id")
    shown = published.join(items, on=["collection_id", "family"], how="inner").join(words, on="query_id", how="inner")
    right = [(_concept(row["image_id"]), row["words"]) in retained for row in shown.collect()]
    assert published.count() >= 5
    assert sum(right) / len(right) >= 0.75
    assert tables.read(PAGES).where("kind = 'collection'").count() == published.count()


def _hundred(spark: SparkSession, home: Path) -> Path:
    """The first 25 concepts of two boards, both illustrators' stickers, and what the console has of their pages; the
    configuration to run them by."""
    catalogue = spark.read.parquet(str(CORPUS / "catalog.parquet"))
    concept = F.element_at(F.split("image_id", "-", 2), 2)
    first = (
        catalogue.where(F.col("board_title").isin("animal mammal", "food prepared"))
        .select("board_title", concept.alias("concept"))
        .distinct()
        .withColumn("nth", F.row_number().over(Window.partitionBy("board_title").orderBy("concept")))
        .where(F.col("nth") <= STICKERS // 4)
    )
    chosen = catalogue.join(first.select("concept"), on=concept == F.col("concept"), how="left_semi")
    chosen.withColumn("uri", F.concat(F.lit(f"{CORPUS}/"), "uri")).coalesce(1).write.parquet(
        str(home / "catalogue.parquet")
    )
    console = spark.read.parquet(str(CORPUS / "search_console" / "searchdata_url_impression"))
    theirs = console.join(chosen.select(F.col("page_url").alias("url")), on="url", how="left_semi")
    theirs.write.partitionBy("data_date").parquet(str(home / "console" / "searchdata_url_impression"))
    for name in ("base.yml", "stickers.yml"):
        (home / name).write_text((ROOT / "conf" / name).read_text("utf-8"), "utf-8")
    settings = {
        "extends": "stickers.yml",
        "lakehouse": str(home / "lakehouse"),
        "settings": {"vlm": {"base": str(TINY_BASE)}},
        "jobs": {
            "ingest_catalogue": {"manifest": str(home / "catalogue.parquet")},
            "ingest_search_console": {"path": str(home / "console")},
        },
    }
    conf = home / "hundred.yml"
    conf.write_text(yaml.safe_dump(settings), "utf-8")
    return conf


def _concept(image_id: str) -> str:
    """The code point that both illustrators drew: the split key of conf/stickers.yml."""
    return image_id.split("-", 1)[1]
