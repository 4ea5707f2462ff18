"""The planned links of a site small enough to draw on paper."""

import pytest
from pyspark.sql import DataFrame, SparkSession

from geo_lib.addresses import image_url
from geo_lib.catalogue.names import image_names
from geo_lib.links.authority import page_authority
from geo_lib.links.plan import image_fates, planned_links, planned_pages, related_collections
from geo_lib.spark import local_frame
from schemas.collection_items import COLLECTION_ITEMS
from schemas.collections import COLLECTIONS
from schemas.image_annotations import IMAGE_ANNOTATIONS
from schemas.images import IMAGES
from schemas.query_embeddings import QUERY_EMBEDDINGS
from tests.builders import build

pytestmark = pytest.mark.transform

Frames = tuple[DataFrame, DataFrame, DataFrame, DataFrame, DataFrame]


@pytest.fixture(scope="module")
def site(spark: SparkSession) -> Frames:
    """images, collections, items, annotations, query vectors: two English collections, one German image alone."""
    images = build(
        IMAGES,
        spark,
        *({"image_id": f"i{n}", "signature": f"s{n}", "locale": "en"} for n in range(1, 5)),
        {"image_id": "allein", "signature": "s5", "locale": "de", "title": "Eiche"},
        {"image_id": "mute", "signature": "s6", "locale": "en"},
    )
    collections = build(
        COLLECTIONS,
        spark,
        {"collection_id": "oak", "query_id": "q1", "title": "Oak tables", "url": "/en/c/oak/", "demand": 5},
        {"collection_id": "elm", "query_id": "q2", "title": "Elm tables", "url": "/en/c/elm/", "demand": 9},
        locale="en",
        state="publish",
    )
    items = build(
        COLLECTION_ITEMS,
        spark,
        {"collection_id": "oak", "image_id": "i1", "rank": 1, "score": 0.9},
        {"collection_id": "oak", "image_id": "i2", "rank": 2, "score": 0.8},
        {"collection_id": "oak", "image_id": "i3", "rank": 3, "score": 0.7},
        {"collection_id": "elm", "image_id": "i3", "rank": 1, "score": 0.95},
    )
    annotations = build(
        IMAGE_ANNOTATIONS,
        spark,
        {"image_id": "i1", "rank": 1, "query": "oak table", "score": 1.2, "collection_id": "oak"},
        {"image_id": "i4", "rank": 1, "query": "pine desk", "score": 1.0, "category": "description"},
        {"image_id": "allein", "rank": 1, "query": "eichentisch", "score": 1.0},
    )
    vectors = build(
        QUERY_EMBEDDINGS,
        spark,
        {"id": "q1", "embedding": [0.6, 0.8]},
        {"id": "q2", "embedding": [0.0, 1.0]},
    ).withColumnRenamed("id", "query_id")
    return images, collections, items, annotations, vectors


def plan(
    site: Frames, *, max_collections: int = 8, siblings: int = 2, max_links_per_page: int = 100
) -> tuple[DataFrame, DataFrame]:
    images, collections, items, annotations, vectors = site
    fates = image_fates(images, collections, items, annotations, max_links_per_page=max_links_per_page)
    pages = planned_pages(fates, collections)
    links = planned_links(
        pages,
        collections,
        items,
        annotations,
        image_names(images, annotations),
        related_collections(collections, vectors, per_collection=3, min_similarity=0.5),
        max_collections=max_collections,
        siblings=siblings,
        home_collections=1,
    )
    return pages, links


@pytest.fixture(scope="module")
def planned(site: Frames) -> tuple[DataFrame, DataFrame]:
    """Pages and links with room for everything."""
    pages, links = plan(site)
    return pages.persist(), links.persist()


def edges(links: DataFrame, kind: str) -> set[tuple[str, str]]:
    return {(row.source, row.target) for row in links.where(links["kind"] == kind).collect()}


def test_an_image_has_a_page_when_there_is_something_to_say_about_it(planned: tuple[DataFrame, DataFrame]) -> None:
    pages, _ = planned
    assert {row.page for row in pages.collect()} == {
        *("/", "/en/", "/de/", "/en/c/oak/", "/en/c/elm/"),
        *("/en/pin/i1/", "/en/pin/i2/", "/en/pin/i3/", "/en/pin/i4/", "/de/pin/allein/"),
    }


def test_images_for_which_their_locales_page_has_no_room_are_unlisted_and_the_plan_still_stands(
    site: Frames, spark: SparkSession
) -> None:
    images, collections, items, annotations, vectors = site
    more = [{"image_id": f"n{n}", "signature": f"n{n}", "locale": "en"} for n in range(4)]
    said = [{"image_id": f"n{n}", "rank": 1, "query": "elm", "score": n / 2} for n in range(4)]
    images = images.unionByName(build(IMAGES, spark, *more))
    annotations = annotations.unionByName(build(IMAGE_ANNOTATIONS, spark, *said))
    fates = image_fates(images, collections, items, annotations, max_links_per_page=5).collect()
    # the English page: home, two collections, and the two best of i4 (1.0), n3 (1.5), n2 (1.0), n1, n0
    assert {r.image_id: r.reason for r in fates if r.reason} == {
        **dict.fromkeys(("n0", "n1", "n2"), "unlisted"),
        "mute": "nothing_to_say",
    }
    _, links = plan((images, collections, items, annotations, vectors), max_links_per_page=5)
    from_the_page = {row.target for row in links.where("source = '/en/'").collect()}
    assert from_the_page == {"/", "/en/c/oak/", "/en/c/elm/", "/en/pin/i4/", "/en/pin/n3/"}


def test_links_go_both_ways_between_images_and_collections(planned: tuple[DataFrame, DataFrame]) -> None:
    _, links = planned
    assert edges(links, "item") == {
        *(("/en/c/oak/", "/en/pin/i1/"), ("/en/c/oak/", "/en/pin/i2/")),
        *(("/en/c/oak/", "/en/pin/i3/"), ("/en/c/elm/", "/en/pin/i3/")),
    }
    assert edges(links, "annotation") == {("/en/pin/i1/", "/en/c/oak/")}
    assert edges(links, "member") == {
        *(("/en/pin/i2/", "/en/c/oak/"), ("/en/pin/i3/", "/en/c/oak/"), ("/en/pin/i3/", "/en/c/elm/")),
    }
    assert edges(links, "related") == {("/en/c/oak/", "/en/c/elm/"), ("/en/c/elm/", "/en/c/oak/")}


def test_an_image_links_to_the_collections_it_fits_best_when_it_is_in_too_many(site: Frames) -> None:
    _, links = plan(site, max_collections=1)
    assert edges(links, "member") == {("/en/pin/i2/", "/en/c/oak/"), ("/en/pin/i3/", "/en/c/elm/")}


def test_siblings_follow_in_the_images_best_collection_and_begin_again_after_the_last(site: Frames) -> None:
    _, links = plan(site, siblings=1)
    # i3 fits the elm collection best, where it is alone
    assert edges(links, "sibling") == {("/en/pin/i1/", "/en/pin/i2/"), ("/en/pin/i2/", "/en/pin/i3/")}


def test_hubs_reach_what_nothing_else_would(planned: tuple[DataFrame, DataFrame]) -> None:
    _, links = planned
    assert edges(links, "hub") == {
        *(("/", "/en/"), ("/", "/de/"), ("/", "/en/c/elm/")),
        *(("/en/", "/en/c/oak/"), ("/en/", "/en/c/elm/"), ("/en/", "/en/pin/i4/"), ("/de/", "/de/pin/allein/")),
    }


def test_no_page_is_an_orphan_and_the_authority_adds_up(planned: tuple[DataFrame, DataFrame]) -> None:
    pages, links = planned
    rows = {r.page: r for r in page_authority(pages, links, damping=0.85, max_links_per_page=100).collect()}
    assert all(row.click_depth is not None and row.in_links > 0 for row in rows.values())
    assert sum(row.pagerank for row in rows.values()) == pytest.approx(1.0, abs=1e-7)
    assert rows["/"].click_depth == 0
    assert rows["/en/pin/i3/"].click_depth == 2
    assert rows["/en/c/oak/"].pagerank > rows["/en/pin/i2/"].pagerank


def test_a_link_says_what_is_behind_it_and_weighs_what_its_place_is_worth(planned: tuple[DataFrame, DataFrame]) -> None:
    _, links = planned
    found = {(r.source, r.target, r.kind): (r.anchor, r.weight) for r in links.collect()}
    assert found["/en/pin/i1/", "/en/c/oak/", "annotation"] == ("Oak table", 1.2)
    assert found["/en/pin/i3/", "/en/c/oak/", "member"] == ("Oak tables", 0.35)
    assert found["/en/c/oak/", "/en/c/elm/", "related"] == ("Elm tables", 0.4)
    assert found["/de/", "/de/pin/allein/", "hub"] == ("Eichentisch", 1.0)


def test_an_id_that_is_no_plain_name_never_becomes_part_of_a_path(spark: SparkSession) -> None:
    ids = ["../../etc/passwd", "a/b", "%2e%2e", "", "..", "ok-1_2", "-x", "a b", "x\ny", "a" * 101]
    df = local_frame(spark, [(i,) for i in ids], "image_id string")
    rows = df.select("image_id", image_url(df["image_id"], df["image_id"]).alias("url")).collect()
    for row in rows:
        parts = row.url.split("/")
        assert len(parts) == 5, row
        assert (parts[3] == row.image_id) == (row.image_id == "ok-1_2"), row
    assert len({row.url for row in rows}) == len(ids)
