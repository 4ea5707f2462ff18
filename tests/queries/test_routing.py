"""A query of another language goes on in the locale that is served in it, and is counted once."""

from collections import Counter

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from geo_lib.queries.chain import chain, judged
from geo_lib.queries.checks.language import Language
from geo_lib.queries.decisions import STAGES, annotations, decided, decisions
from geo_lib.queries.demographics import said_of_pictures
from geo_lib.queries.routing import ROUTED, routed, routes
from geo_lib.queries.wordings import wordings
from geo_lib.spark import local_frame
from schemas.annotations import ANNOTATIONS
from schemas.images import IMAGES
from schemas.queries import QUERIES
from schemas.query_decisions import QUERY_DECISIONS
from tests.builders import build

pytestmark = pytest.mark.transform

PROPOSAL = (
    "signature string, locale string, source string, model_version string, position int, query string, "
    "category string, problem string, failed boolean, confidence double"
)
GERMAN, SAME_WORDS, UNFIT = "freie trauung deko", "deko freie trauung", "hanfkekse backen rezept"
"""Two ways to say one thing, and what only a German chain would object to."""
SPANISH, PROBLEM = "jardines pequeños con piedras", "no_category"


@pytest.fixture(scope="module")
def proposed(spark: SparkSession) -> DataFrame:
    """Two English pictures, one of which has a page in Austria, and what was proposed for them in either language."""
    said = [
        ("s", "console", (GERMAN, "wedding table", SAME_WORDS, SPANISH, UNFIT)),
        ("s", "vlm", (SAME_WORDS, "wedding table", GERMAN)),
        ("t", "console", (GERMAN,)),
    ]
    rows = [
        (signature, "en", source, source, place, query, "description", None, False, None)
        for signature, source, queries in said
        for place, query in enumerate(queries, 1)
    ]
    part = ("t", "en", "vlm", "vlm", 1, GERMAN, None, PROBLEM, False, None)
    return local_frame(spark, [*rows, part], PROPOSAL)


@pytest.fixture(scope="module")
def images(spark: SparkSession) -> DataFrame:
    shown = [*[("x", "en")] * 3, *[(f"d{n}", "de") for n in range(3)], ("s", "en"), ("t", "en"), ("s", "de-AT")]
    rows = [{"image_id": f"{n}", "signature": s, "locale": locale} for n, (s, locale) in enumerate(shown)]
    return build(IMAGES, spark, *rows)


@pytest.fixture(scope="module")
def everywhere(proposed: DataFrame, images: DataFrame) -> DataFrame:
    """``proposed``, decided in every locale that its rows come to."""
    own = verdicts(proposed)
    told = routed(proposed, routes(proposed, own, images, sure=Language()))
    beyond = verdicts(told.where("locale <> 'en'"))
    return decided(told, own.unionByName(beyond), said_of_pictures(images), min_confidence=0.0).persist()


def verdicts(proposed: DataFrame) -> DataFrame:
    texts = proposed.where("problem is null").select("locale", F.col("query").alias("raw")).distinct()
    return judged(texts, chain(Language())).persist()


def said(everywhere: DataFrame) -> DataFrame:
    spark = everywhere.sparkSession
    return wordings(everywhere, local_frame(spark, [], "query_id string, demand bigint"), build(QUERIES, spark))


def test_a_query_goes_to_the_locale_of_its_language_that_shows_its_picture_else_to_that_with_most_images(
    spark: SparkSession, proposed: DataFrame, images: DataFrame
) -> None:
    own = verdicts(proposed)
    rows = routes(proposed, own, images, sure=Language()).collect()
    found = {(r.signature, r["query"]): r.routed_to for r in rows}
    assert found == {("s", GERMAN): "de-AT", ("s", SAME_WORDS): "de-AT", ("s", UNFIT): "de-AT", ("t", GERMAN): "de"}
    assert len(rows) == len(found)
    as_many = build(
        IMAGES, spark, *({"image_id": at, "signature": "x", "locale": at} for at in ("de-CH", "en", "de-AT"))
    )
    assert {r.routed_to for r in routes(proposed, own, as_many, sure=Language()).collect()} == {"de-AT"}
    english_alone = images.where("locale = 'en'")
    assert routes(proposed, own, english_alone, sure=Language()).isEmpty()


def test_every_proposal_is_counted_once_as_what_became_of_it_in_the_end(
    proposed: DataFrame, everywhere: DataFrame
) -> None:
    fates = [(r.signature, r.source, r.position, r.locale, r.reason) for r in everywhere.collect() if not r.routed_to]
    assert Counter(fate[:3] for fate in fates) == Counter(
        (row.signature, row.source, row.position) for row in proposed.collect()
    )
    assert {fate[:3]: fate[3:] for fate in fates} == {
        ("s", "console", 1): ("de-AT", None),
        ("s", "console", 2): ("en", None),
        ("s", "console", 3): ("de-AT", "same_words"),
        ("s", "console", 4): ("en", "other_language"),
        ("s", "console", 5): ("de-AT", "drugs"),
        ("s", "vlm", 1): ("de-AT", None),
        ("s", "vlm", 2): ("en", None),
        ("s", "vlm", 3): ("de-AT", "same_words"),
        ("t", "console", 1): ("de", None),
        ("t", "vlm", 1): ("en", PROBLEM),
    }


def test_the_decisions_hold_the_way_through_both_locales(everywhere: DataFrame) -> None:
    rows = QUERY_DECISIONS.conform(decisions(everywhere, said(everywhere))).collect()
    keys = [tuple(row[name] for name in QUERY_DECISIONS.key) for row in rows]
    assert len(set(keys)) == len(keys)
    of_one = [row for row in rows if (row["signature"], row["source"]) == ("t", "console")]
    way = {
        locale: [(r["stage"], r["reason"], r["routed_to"]) for r in of_one if r["locale"] == locale]
        for locale in ("en", "de")
    }
    until = STAGES[: STAGES.index("language")]
    assert sorted(way["en"], key=lambda it: STAGES.index(it[0])) == [
        *((stage, None, None) for stage in until),
        ("language", ROUTED, "de"),
    ]
    assert sorted(way["de"], key=lambda it: STAGES.index(it[0])) == [(stage, None, None) for stage in STAGES]


def test_what_is_routed_annotates_its_picture_there_and_the_places_are_those_of_each_locale(
    everywhere: DataFrame,
) -> None:
    found = ANNOTATIONS.conform(annotations(everywhere, said(everywhere))).collect()
    assert {(r.signature, r.locale, r.position, r["query"], *r.sources) for r in found} == {
        ("s", "en", 1, "wedding table", "console", "vlm"),
        ("s", "de-AT", 1, SAME_WORDS, "console", "vlm"),
        ("t", "de", 1, GERMAN, "console"),
    }
