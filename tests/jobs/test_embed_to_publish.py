"""From validated queries to a site that opens in a browser: the eight jobs on tiny tables, one after the other."""

import hashlib
import io
import posixpath
import re
from dataclasses import dataclass, replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image
from pyspark.sql import SparkSession

from geo_lib.counts import Counts
from geo_lib.errors import ConfigError, CountingError
from geo_lib.tables import Stamp, Tables
from jobs import (
    build_collections,
    build_index,
    confirm_queries,
    embed_images,
    embed_queries,
    merge_queries,
    plan_links,
    publish_pages,
    rank_annotations,
)
from jobs.build_collections import BuildCollections
from jobs.run.job import Context
from schemas.annotations import ANNOTATIONS
from schemas.collection_items import COLLECTION_ITEMS
from schemas.collections import COLLECTIONS
from schemas.image_annotations import IMAGE_ANNOTATIONS
from schemas.image_bytes import IMAGE_BYTES
from schemas.image_embeddings import IMAGE_EMBEDDINGS
from schemas.images import IMAGES
from schemas.index_shards import INDEX_SHARDS
from schemas.links import LINKS
from schemas.page_authority import PAGE_AUTHORITY
from schemas.pages import PAGES
from schemas.queries import QUERIES
from schemas.query_embeddings import QUERY_EMBEDDINGS
from schemas.query_merges import QUERY_MERGES
from schemas.round_trips import ROUND_TRIPS
from tests.builders import build
from tests.kit import job_context

pytestmark = pytest.mark.slow

DERIVED = (
    *(QUERY_EMBEDDINGS, QUERY_MERGES, ROUND_TRIPS, IMAGE_EMBEDDINGS, INDEX_SHARDS, COLLECTIONS, COLLECTION_ITEMS),
    *(IMAGE_ANNOTATIONS, LINKS, PAGE_AUTHORITY, PAGES),
)
EVIL = "<script>alert('title')</script>"
KINDS = ("oak table", "pine desk", "birthday cake")
"""Three images of each, and a query for each kind that people search for."""


def png(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 40 + shade % 7), (shade * 9 % 255, 90, 120)).save(out, "PNG")
    return out.getvalue()


def query_id(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def rows() -> tuple[list[dict[str, Any]], ...]:
    """images, image_bytes, queries, annotations; the last image has nothing to be found by."""
    images, pictures, annotations = [], [], []
    queries = [
        {"query_id": query_id(kind), "query": kind, "words": kind, "demand": 900 - n} for n, kind in enumerate(KINDS)
    ]
    for n in range(10):
        content = png(n)
        signature = hashlib.sha256(content).hexdigest()
        kind = KINDS[n % 3] if n < 9 else None
        title = {0: EVIL, 9: None}.get(n, f"A {kind} in the morning")
        images.append({"image_id": "../../up" if n == 1 else f"i{n}", "signature": signature, "title": title})
        pictures.append({"signature": signature, "bytes": content, "width": 60, "height": 40 + n % 7, "format": "PNG"})
        if kind:
            own = f"{kind} number {n}"
            queries.append({"query_id": query_id(own), "query": own, "words": f"number {n}", "demand": 0})
            for position, text in enumerate((kind, own), 1):
                annotations.append(
                    {"signature": signature, "query_id": query_id(text), "query": text, "position": position}
                    | {"confirmed": position == 1, "sources": ["console", "vlm"] if position == 1 else ["vlm"]}
                )
    return images, pictures, queries, annotations


def load(tables: Tables, spark: SparkSession) -> None:
    images, pictures, queries, annotations = rows()
    tables.write(IMAGES, build(IMAGES, spark, *images, locale="en", page_url="javascript:alert(3)"))
    tables.write(IMAGE_BYTES, build(IMAGE_BYTES, spark, *pictures))
    tables.write(QUERIES, build(QUERIES, spark, *queries, locale="en", category="description", images=1))
    tables.write(ANNOTATIONS, build(ANNOTATIONS, spark, *annotations, locale="en", category="description"))


def run_all(context: Context) -> dict[str, Counts]:
    knobs = BuildCollections(min_items=3, top_n=5, min_coherence=0.0)
    steps: list[tuple[Any, Any]] = [
        (embed_queries, embed_queries.EmbedQueries()),
        (merge_queries, merge_queries.MergeQueries()),
        (confirm_queries, confirm_queries.ConfirmQueries()),
        (embed_images, embed_images.EmbedImages()),
        (build_index, build_index.BuildIndex()),
        (build_collections, knobs),
        (rank_annotations, rank_annotations.RankAnnotations()),
        (plan_links, plan_links.PlanLinks()),
        (publish_pages, publish_pages.PublishPages(site_url="https://x.test/")),
    ]
    return {job.JOB.name: context.run(job.JOB, job_knobs) for job, job_knobs in steps}


@dataclass(frozen=True, slots=True)
class Published:
    """A published site, and what the jobs counted."""

    context: Context
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
    from geo_lib.models import Models

    lakehouse = str(tmp_path_factory.mktemp("published") / "lakehouse")
    stamp = Stamp(run_id="first", as_of=date(2026, 10, 30), code_commit="test", simulated=True)
    tables = Tables(spark, lakehouse=lakehouse, stamp=stamp)
    load(tables, spark)
    context = job_context(tables, Models(f"{lakehouse}/mlflow"))
    return Published(context, run_all(context))


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
    assert counts["embed_queries"] == Counts(rows_in=12, kept=12, produced={"encoded": 12})
    assert counts["merge_queries"] == Counts(rows_in=12, kept=12)
    assert counts["confirm_queries"] == Counts(rows_in=18, kept=18, produced={"retrieved": 18})
    assert counts["embed_images"] == Counts(rows_in=10, kept=9, dropped={"no_text": 1}, produced={"encoded": 9})
    assert (counts["build_index"].kept, counts["build_index"].produced) == (9, {"shards": 1})
    assert counts["build_collections"].kept == 3
    assert counts["build_collections"].dropped["too_little_evidence"] == 9
    assert counts["rank_annotations"] == Counts(
        rows_in=10, kept=9, dropped={"no_annotation": 1}, produced={"annotations": 18, "with_collection": 9}
    )
    assert counts["plan_links"].dropped == {"nothing_to_say": 1}
    assert counts["plan_links"].produced["unreachable_pages"] == 0
    assert (counts["publish_pages"].rows_in, counts["publish_pages"].kept) == (14, 14)


def test_a_collection_holds_the_images_that_its_query_was_found_fit_for(published: Published) -> None:
    tables = published.tables
    items = tables.read(COLLECTION_ITEMS).join(tables.read(COLLECTIONS), "collection_id").collect()
    found = {(row.title, row.image_id) for row in items}
    assert {("Oak table", "i0"), ("Oak table", "i3"), ("Oak table", "i6")} <= found
    assert {("Birthday cake", "i2"), ("Birthday cake", "i5"), ("Birthday cake", "i8")} <= found
    assert ("Birthday cake", "i0") not in found


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
    counts = run_all(later)
    assert counts["embed_images"].produced == {"encoded": 0}
    assert counts["publish_pages"].produced["files_written"] == 0
    assert published.versions() == versions
    assert published.files() == files

    images = rows()[0]
    images[4]["title"] = "A desk at noon"
    later.tables.write(IMAGES, build(IMAGES, spark, *images[:8], *images[9:], locale="en", page_url="x"))
    later.run(plan_links.JOB, plan_links.PlanLinks())
    removed = later.run(publish_pages.JOB, publish_pages.PublishPages(site_url="https://x.test/")).produced
    assert removed["files_removed"] == 3  # the page of i8 and its two pictures
    lastmod = {row.url: row.lastmod for row in later.tables.read(PAGES).collect()}
    assert "https://x.test/en/pin/i8/" not in lastmod
    assert lastmod["https://x.test/en/pin/i4/"] == date(2026, 11, 1)
    assert lastmod["https://x.test/en/pin/i0/"] == date(2026, 10, 30)


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
