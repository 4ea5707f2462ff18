"""Addresses of collections: readable, unique, and theirs for good."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from geo_lib.collections.mint import minted, slug
from geo_lib.spark import local_frame
from schemas.collections import COLLECTIONS
from tests.builders import build


@pytest.mark.parametrize(
    ("text", "locale", "expected"),
    [
        ("boho living room ideas", "en", "boho-living-room-ideas"),
        ("grüne Vorhänge fürs Schlafzimmer", "de", "gruene-vorhaenge-fuers-schlafzimmer"),
        ("weiße Möbel", "de-AT", "weisse-moebel"),
        ("motörhead café", "en", "motorhead-cafe"),
        ("cama de niño", "es", "cama-de-nino"),
        ("women's dress", "en", "womens-dress"),
        ("../../etc/passwd", "en", "etc-passwd"),
        ("結婚式の花", "ja", ""),
        ("DIY ケーキ", "ja", "diy"),
    ],
)
def test_a_slug_is_what_a_person_would_write(text: str, locale: str, expected: str) -> None:
    assert slug(text, locale=locale) == expected


@given(st.text(max_size=200), st.sampled_from(["en", "de", "ja"]))
def test_a_slug_is_always_a_plain_part_of_a_path(text: str, locale: str) -> None:
    assert re.fullmatch(r"([a-z0-9]+(-[a-z0-9]+)*)?", slug(text, locale=locale))
    assert len(slug(text, locale=locale)) <= 80


def settled(spark: SparkSession, *rows: tuple[str, str, str, int]) -> DataFrame:
    """Published collections given as (collection_id, locale, query, demand)."""
    return local_frame(
        spark,
        [(i, f"q-{i}", locale, text, demand, 9, [], "publish", None) for i, locale, text, demand in rows],
        "collection_id string, query_id string, locale string, query string, demand bigint, items int, "
        "reasons array<string>, state string, canonical_id string",
    )


def urls(df: DataFrame) -> dict[str, str]:
    return {row.collection_id: row.url for row in df.collect()}


@pytest.mark.transform
def test_two_that_want_one_slug_share_it_by_demand_and_locales_do_not_compete(spark: SparkSession) -> None:
    rows = settled(
        *(spark, ("aaaaaaaa11", "en", "café", 1), ("bbbbbbbb22", "en", "cafe", 2), ("cccccccc33", "de", "cafe", 0)),
        ("dddddddd44", "ja", "花", 0),
    )
    assert urls(minted(rows, build(COLLECTIONS, spark), family="f")) == {
        "aaaaaaaa11": "/en/c/cafe-aaaaaaaa/",
        "bbbbbbbb22": "/en/c/cafe/",
        "cccccccc33": "/de/c/cafe/",
        "dddddddd44": "/ja/c/dddddddd/",
    }


@pytest.mark.transform
def test_an_address_is_kept_whatever_comes_later_and_never_given_to_another(spark: SparkSession) -> None:
    first = minted(settled(spark, ("aaaaaaaa11", "en", "cafe", 1)), build(COLLECTIONS, spark), family="f")
    stored = local_frame(spark, first.collect(), COLLECTIONS.schema)
    later = minted(settled(spark, ("bbbbbbbb22", "en", "café", 99)), stored, family="f")
    rows = {row.collection_id: row for row in later.collect()}
    assert rows["bbbbbbbb22"].url == "/en/c/cafe-bbbbbbbb/"
    retired = rows["aaaaaaaa11"]
    assert (retired.url, retired.state, retired.reasons) == ("/en/c/cafe/", "retire", ["not_a_candidate"])

    stored = local_frame(spark, list(rows.values()), COLLECTIONS.schema)
    back = minted(settled(spark, ("aaaaaaaa11", "en", "cafe", 1), ("bbbbbbbb22", "en", "café", 99)), stored, family="f")
    assert urls(back) == {"aaaaaaaa11": "/en/c/cafe/", "bbbbbbbb22": "/en/c/cafe-bbbbbbbb/"}


@pytest.mark.transform
def test_another_family_may_found_a_collection_and_its_address_stays(spark: SparkSession) -> None:
    known = {"collection_id": "a1", "query_id": "q-a1", "family": "old", "slug": "cafe", "locale": "en"}
    (row,) = minted(settled(spark, ("a1", "en", "café", 1)), build(COLLECTIONS, spark, known), family="new").collect()
    assert (row.family, row.slug, row.url) == ("new", "cafe", "/en/c/cafe/")


@pytest.mark.transform
def test_a_known_collection_keeps_its_slug_though_a_new_one_of_more_demand_wishes_for_it(spark: SparkSession) -> None:
    known = {"collection_id": "aaaaaaaa11", "slug": "cafe", "locale": "en"}
    both = settled(spark, ("aaaaaaaa11", "en", "cafe", 1), ("bbbbbbbb22", "en", "café", 99))
    rows = minted(both, build(COLLECTIONS, spark, known), family="f")
    assert urls(rows) == {"aaaaaaaa11": "/en/c/cafe/", "bbbbbbbb22": "/en/c/cafe-bbbbbbbb/"}
