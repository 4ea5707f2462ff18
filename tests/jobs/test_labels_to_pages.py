"""From what an oracle says of a catalogue that nobody searched to a site that opens in a browser, job by job."""

import hashlib
import json
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from pyspark.sql import SparkSession

from geo_lib import config
from geo_lib.counts import Counts
from geo_lib.errors import ConfigError, CountingError
from geo_lib.models import ModelFiles, Models
from geo_lib.serving.settings import Decoding
from geo_lib.tables import Stamp, Tables
from geo_lib.vlm.answers import TASK, asked
from geo_lib.vlm.prompts import PROMPT_VERSION
from geo_lib.vlm.settings import BaseVlm
from jobs import (
    build_collections,
    build_index,
    build_training_set,
    confirm_queries,
    embed_images,
    embed_queries,
    ingest_search_console,
    merge_queries,
    mine_queries,
    plan_links,
    publish_pages,
    rank_annotations,
    validate_queries,
)
from jobs.run.job import Context
from jobs.run.workflow import ROOT
from schemas.annotations import ANNOTATIONS
from schemas.collection_items import COLLECTION_ITEMS
from schemas.collections import COLLECTIONS
from schemas.console_days import CONSOLE_DAYS
from schemas.generations import GENERATIONS
from schemas.image_annotations import IMAGE_ANNOTATIONS
from schemas.image_bytes import IMAGE_BYTES
from schemas.image_embeddings import IMAGE_EMBEDDINGS
from schemas.images import IMAGES
from schemas.index_shards import INDEX_SHARDS
from schemas.links import LINKS
from schemas.oracle_queries import ORACLE_QUERIES
from schemas.page_authority import PAGE_AUTHORITY
from schemas.pages import PAGES
from schemas.query_decisions import QUERY_DECISIONS
from schemas.query_embeddings import QUERY_EMBEDDINGS
from schemas.query_merges import QUERY_MERGES
from schemas.round_trips import ROUND_TRIPS
from schemas.training_examples import TRAINING_EXAMPLES
from tests.builders import build
from tests.kit import TINY_BASE, Drawn, drawn, job_context

pytestmark = pytest.mark.slow

DERIVED = (
    *(QUERY_EMBEDDINGS, QUERY_MERGES, ROUND_TRIPS, IMAGE_EMBEDDINGS, INDEX_SHARDS, COLLECTIONS, COLLECTION_ITEMS),
    *(IMAGE_ANNOTATIONS, LINKS, PAGE_AUTHORITY, PAGES),
)
EVIL = "<script>alert('title')</script>"
WISHES = (
    {"description": ["oak table"], "style": ["cottage kitchen style"], "use_case": ["sunday breakfast for four"]},
    {"description": ["pine desk"], "style": ["minimalist office style"], "use_case": ["how to work from home"]},
    {"description": ["birthday cake"], "style": ["retro party look"], "use_case": ["surprise for a sister"]},
)
"""What the oracle says of three pictures each, and what the model has learned to say; a tenth has nothing."""


def image_rows(pictures: Sequence[Drawn]) -> list[dict[str, Any]]:
    images = []
    for n, picture in enumerate(pictures):
        title = {0: EVIL, 9: None}.get(n, f"A {WISHES[n % 3]['description'][0]} in the morning")
        row = {"image_id": "../../up" if n == 1 else f"i{n}", "signature": picture.signature, "title": title}
        images.append(row | {"split_key": picture.signature, "locale": "en", "page_url": "javascript:alert(3)"})
    return images


def load(context: Context, pictures: Sequence[Drawn]) -> None:
    """A catalogue, what an oracle said of it, and the answers of a model that serves."""
    spark, tables = context.spark, context.tables
    tables.write(IMAGES, build(IMAGES, spark, *image_rows(pictures)))
    stored = [
        {"signature": p.signature, "bytes": p.content, "width": p.width, "height": p.height, "format": "PNG"}
        for p in pictures
    ]
    tables.write(IMAGE_BYTES, build(IMAGE_BYTES, spark, *stored))
    said = {picture.signature: WISHES[n % 3] for n, picture in enumerate(pictures[:9])}
    labels = [
        {"signature": signature, "category": category, "query": query}
        for signature, wishes in said.items()
        for category, queries in wishes.items()
        for query in queries
    ]
    tables.write(ORACLE_QUERIES, build(ORACLE_QUERIES, spark, *labels, locale="en", position=1))
    context.models.register("vlm", ModelFiles("m", context.lakehouse, "digest"))
    context.models.point("vlm@champion", "m")
    prompts = {row["signature"]: row["prompt"] for row in asked(tables.read(IMAGES)).collect()}
    answers = [{"subject": s, "prompt": prompts[s], "text": json.dumps(wishes)} for s, wishes in said.items()]
    version = {"model_version": "m", "prompt_version": PROMPT_VERSION, "decoding_version": Decoding().version}
    written = build(GENERATIONS, spark, *answers, task=TASK, error_class=None, **version)
    tables.append(GENERATIONS, written, sequence=1)


def run_to_annotations(context: Context) -> dict[str, Counts]:
    conf = config.load(ROOT / "conf" / "no_console.yml")
    return run_all(
        context,
        (ingest_search_console, conf.knobs("ingest_search_console", ingest_search_console.IngestSearchConsole)),
        (mine_queries, mine_queries.MineQueries()),
        (build_training_set, build_training_set.BuildTrainingSet(vlm=BaseVlm(str(TINY_BASE)), min_queries=3)),
        (validate_queries, validate_queries.ValidateQueries()),
    )


def run_to_pages(context: Context) -> dict[str, Counts]:
    return run_all(
        context,
        (embed_queries, embed_queries.EmbedQueries()),
        (merge_queries, merge_queries.MergeQueries()),
        (confirm_queries, confirm_queries.ConfirmQueries()),
        (embed_images, embed_images.EmbedImages()),
        (build_index, build_index.BuildIndex()),
        (build_collections, build_collections.BuildCollections(min_items=3, top_n=5, min_coherence=0.0)),
        (rank_annotations, rank_annotations.RankAnnotations()),
        (plan_links, plan_links.PlanLinks()),
        (publish_pages, publish_pages.PublishPages(site_url="https://x.test/")),
    )


def run_all(context: Context, *steps: tuple[Any, Any]) -> dict[str, Counts]:
    return {job.JOB.name: context.run(job.JOB, knobs) for job, knobs in steps}


@dataclass(frozen=True, slots=True)
class Published:
    """A published site, and what the jobs counted."""

    context: Context
    pictures: Sequence[Drawn]
    counts: dict[str, Counts]

    @property
    def tables(self) -> Tables:
        return self.context.tables

    @property
    def site(self) -> Path:
        return Path(self.context.path("site"))

    def versions(self) -> dict[str, str]:
        return {table.name: self.tables.version(table) for table in DERIVED}

    def files(self) -> dict[str, tuple[int, str]]:
        """When each file of the site was written (an index may be written again) and what every file holds."""
        found = (p for p in Path(self.context.lakehouse).rglob("*") if p.is_file() and "tables" not in p.parts)
        return {
            str(p): (p.stat().st_mtime_ns if "site" in p.parts else 0, hashlib.sha256(p.read_bytes()).hexdigest())
            for p in found
        }


@pytest.fixture(scope="module")
def published(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Published:
    lakehouse = str(tmp_path_factory.mktemp("published") / "lakehouse")
    stamp = Stamp(run_id="first", as_of=date(2026, 10, 30), code_commit="test", simulated=True)
    context = job_context(Tables(spark, lakehouse=lakehouse, stamp=stamp), Models(f"{lakehouse}/mlflow"))
    pictures = drawn(10)
    load(context, pictures)
    return Published(context, pictures, run_to_annotations(context) | run_to_pages(context))


class Links(HTMLParser):
    """Every address that a page refers to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pages: set[str] = set()
        self.files: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.pages.add(str(given["href"]))
        for name in ("src", "href"):
            value = given.get(name)
            if value and not re.match(r"https?://|data:|#", value):
                self.files.add(value)


def test_every_job_counts_what_it_did(published: Published) -> None:
    counts = published.counts
    assert (counts["mine_queries"].rows_in, counts["mine_queries"].produced["mined"]) == (0, 0)
    assert counts["embed_queries"] == Counts(rows_in=8, kept=8, produced={"encoded": 8})
    assert counts["merge_queries"] == Counts(rows_in=8, kept=8)
    # of nine pictures each is among the nearest fifty
    assert counts["confirm_queries"] == Counts(rows_in=24, kept=24, produced={"retrieved": 24})
    assert counts["embed_images"] == Counts(rows_in=10, kept=9, dropped={"no_text": 1}, produced={"encoded": 9})
    assert (counts["build_index"].kept, counts["build_index"].produced) == (9, {"shards": 1})
    assert counts["build_collections"].kept == 3
    assert counts["rank_annotations"] == Counts(
        rows_in=10, kept=9, dropped={"no_annotation": 1}, produced={"annotations": 24, "with_collection": 21}
    )
    assert counts["plan_links"].dropped == {"nothing_to_say": 1}
    assert counts["plan_links"].produced["unreachable_pages"] == 0
    assert (counts["publish_pages"].rows_in, counts["publish_pages"].kept) == (14, 14)


def test_labels_alone_teach_the_model_and_what_lacks_for_want_of_an_export_is_said(published: Published) -> None:
    tables, counts = published.tables, published.counts
    assert "no query is mined" in counts["ingest_search_console"].report
    examples = tables.read(TRAINING_EXAMPLES).collect()
    assert len(examples) == 9
    for row in examples:
        assert set(row["from_oracle"]) == {*row["description"], *row["style"], *row["use_case"]}
    assert {r["sources"][0] for r in tables.read(ANNOTATIONS).collect()} == {"vlm"}
    assert counts["build_collections"].report == (
        "the console heard nobody in en: pages there stand on the model's word alone"
    )
    guessed = tables.read(QUERY_DECISIONS).where("reason = 'unsupported_demographic'").collect()
    assert {row["query"] for row in guessed} == {"surprise for a sister"}, "no picture says that it is for one"


def test_there_is_one_page_for_what_three_pictures_share_however_it_is_said(published: Published) -> None:
    tables = published.tables
    items = tables.read(COLLECTION_ITEMS).join(tables.read(COLLECTIONS).where("state = 'publish'"), "collection_id")
    found: dict[str, set[str]] = {}
    for row in items.collect():
        found.setdefault(row.title, set()).add(row.image_id)
    ids = [row["image_id"] for row in image_rows(published.pictures)]
    for n, wishes in enumerate(WISHES):
        (title,) = {title for title in found if title.lower() in {query for said in wishes.values() for query in said}}
        assert {ids[n], ids[n + 3], ids[n + 6]} <= found[title]
        assert ids[(n + 1) % 3] not in found[title]
    home = (published.site / "index.html").read_text(encoding="utf-8")
    assert all(title in home for title in found)


def test_the_index_was_measured_against_brute_force(published: Published) -> None:
    (shard,) = published.tables.read(INDEX_SHARDS).collect()
    assert (shard.rows, shard.dimension, shard.recall_at_10) == (9, 384, 1.0)
    assert Path(published.context.path(shard.path)).is_file()


def test_pages_print_the_planned_links_and_no_others_and_every_file_is_there(published: Published) -> None:
    planned: dict[str, set[str]] = {}
    for row in published.tables.read(LINKS).collect():
        planned.setdefault(row.source, set()).add(row.target)
    pages = [row.page for row in published.tables.read(PAGE_AUTHORITY).collect()]
    for page in pages:
        file = published.site / page[1:] / "index.html"
        links = Links(file.read_text(encoding="utf-8"))
        assert all((file.parent / name).is_file() for name in links.files), page
        printed = {
            posixpath.normpath(posixpath.join(page, href)).removesuffix("index.html")
            for href in links.pages
            if href[0] != "#"
        }
        assert printed - {page} == planned[page], page


def test_nothing_that_the_catalogue_says_runs_or_leaves_the_folder(published: Published) -> None:
    everything = "".join(p.read_text(encoding="utf-8") for p in published.site.rglob("*.html"))
    assert EVIL not in everything
    assert "&lt;script&gt;alert(&#39;title&#39;)&lt;/script&gt;" in everything
    assert "javascript:" not in everything
    assert [p.name for p in Path(published.context.lakehouse).parent.iterdir()] == ["lakehouse"]
    assert not list(Path(published.context.lakehouse).rglob("up"))


def test_the_sitemap_lists_the_indexed_pages_and_pages_records_them(published: Published) -> None:
    root = ElementTree.parse(published.site / "sitemap.xml").getroot()
    listed = {loc.text for loc in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")}
    stored = published.tables.read(PAGES).collect()
    assert listed == {row.url for row in stored if row.state == "published"}
    assert len(listed) == 14
    assert all(
        hashlib.sha256((Path(published.context.lakehouse) / r.path).read_bytes()).hexdigest() == r.content_hash
        for r in stored
    )


def test_running_again_later_changes_no_table_and_no_file_and_a_change_changes_only_its_pages(
    published: Published, spark: SparkSession
) -> None:
    versions, files = published.versions(), published.files()
    stamp = Stamp(run_id="second", as_of=date(2026, 11, 1), code_commit="test", simulated=True)
    later = replace(published.context, tables=published.tables.stamped(stamp), as_of=stamp.as_of, run_id="second")
    counts = run_to_pages(later)
    assert counts["embed_images"].produced == {"encoded": 0}
    assert counts["publish_pages"].produced["files_written"] == 0
    assert published.versions() == versions
    assert published.files() == files

    images = image_rows(published.pictures)
    images[4]["title"] = "A desk at noon"
    later.tables.write(IMAGES, build(IMAGES, spark, *images[:8], *images[9:]))
    later.run(plan_links.JOB, plan_links.PlanLinks())
    removed = later.run(publish_pages.JOB, publish_pages.PublishPages(site_url="https://x.test/")).produced
    assert removed["files_removed"] == 3  # the page of i8 and its two pictures
    lastmod = {row.url: row.lastmod for row in later.tables.read(PAGES).collect()}
    assert "https://x.test/en/pin/i8/" not in lastmod
    assert lastmod["https://x.test/en/pin/i4/"] == date(2026, 11, 1)
    assert lastmod["https://x.test/en/pin/i0/"] == date(2026, 10, 30)


def test_an_export_that_was_taken_in_is_not_forgotten_because_no_folder_is_named(context: Context) -> None:
    context.tables.write(CONSOLE_DAYS, build(CONSOLE_DAYS, context.spark, {}))
    context.tables.write(IMAGES, build(IMAGES, context.spark))
    without = ingest_search_console.IngestSearchConsole(path=None)
    with pytest.raises(ConfigError, match="1 days of one stand in search_console; name its folder again"):
        context.run(ingest_search_console.JOB, without)


def test_an_encoder_that_was_changed_for_one_side_alone_stops_every_job_that_compares(
    context: Context, spark: SparkSession
) -> None:
    tables, of_family = context.tables, {"family": "minilm_text", "locale": "en", "embedding": [1.0, 0.0]}
    tables.write(IMAGE_EMBEDDINGS, build(IMAGE_EMBEDDINGS, spark, of_family, model_version="old"))
    shard = {"index": "minilm_text/images", "rows": 1, "recall_at_10": 1.0}
    tables.write(INDEX_SHARDS, build(INDEX_SHARDS, spark, shard, model_version="old"))
    tables.write(QUERY_EMBEDDINGS, build(QUERY_EMBEDDINGS, spark, of_family, model_version="new"))
    for job, knobs in (
        (build_index, build_index.BuildIndex()),
        (build_collections, build_collections.BuildCollections()),
    ):
        with pytest.raises(ConfigError, match="images from old, those of queries from new"):
            context.run(job.JOB, knobs)


def test_an_image_that_is_lost_between_its_annotation_and_the_queries_breaks_the_balance(
    context: Context, spark: SparkSession
) -> None:
    context.tables.write(IMAGES, build(IMAGES, spark, {"image_id": "i", "signature": "s", "locale": "en"}))
    annotation = {"signature": "s", "locale": "en", "query_id": "of no query", "sources": ["vlm"]}
    context.tables.write(ANNOTATIONS, build(ANNOTATIONS, spark, annotation))
    with pytest.raises(CountingError, match="1 came in, but 0 kept"):
        context.run(rank_annotations.JOB, rank_annotations.RankAnnotations())
