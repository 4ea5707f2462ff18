from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from geo_lib.queries.chain import chain, judged
from geo_lib.queries.checks.language import Language
from geo_lib.queries.decisions import (
    STAGES,
    annotations,
    decided,
    decisions,
    demand_of,
    queries,
    without_unproven,
)
from geo_lib.queries.demographics import said_of_pictures
from geo_lib.queries.proposals import console_proposals, model_proposals
from geo_lib.queries.text import query_id, same_words_key
from geo_lib.queries.wordings import wordings
from geo_lib.spark import local_frame
from geo_lib.vlm.answers import TASK, answers
from schemas.annotations import ANNOTATIONS
from schemas.generations import GENERATIONS
from schemas.images import IMAGES
from schemas.mined_queries import MINED_QUERIES
from schemas.queries import QUERIES
from schemas.query_decisions import QUERY_DECISIONS
from schemas.query_performance import QUERY_PERFORMANCE
from tests.builders import build
from tests.kit import PROMPT

pytestmark = pytest.mark.transform

ANSWER = (
    '{"description":["Red Vase","vase red","a$$hole vase"],"style":["..."],'
    '"use_case":["décoration de table pour le mariage"]}'
)


@pytest.fixture(scope="module")
def answered(spark: SparkSession) -> DataFrame:
    """What became of ``ANSWER`` and of nothing else."""
    return judged_proposals(spark)


def judged_proposals(
    spark: SparkSession,
    *console: str,
    written: dict[str, str | None] | None = None,
    tokens: tuple[list[int], list[float]] | None = None,
) -> DataFrame:
    images = build(IMAGES, spark, {"image_id": "b", "signature": "s", "locale": "de"},
                   {"image_id": "a", "signature": "s", "locale": "en"})  # fmt: skip
    made = [
        (signature, "m", text, None if text else "undecodable_image", *(tokens or (None, None)))
        for signature, text in (written or {"s": ANSWER}).items()
    ]
    answered = local_frame(
        spark,
        made,
        "signature string, model_version string, text string, error_class string, token_ends array<int>, "
        "token_logprobs array<float>",
    )
    mined = build(MINED_QUERIES, spark, *({"signature": "s", "query": q, "rank": n} for n, q in enumerate(console, 1)))
    proposed = model_proposals(answered, images).unionByName(console_proposals(mined, images)).persist()
    texts = proposed.where("problem is null").select("locale", F.col("query").alias("raw")).distinct()
    nowhere = proposed.withColumn("routed_to", F.lit(None).cast("string"))
    return decided(nowhere, judged(texts, chain(Language())), said_of_pictures(images), min_confidence=0.7).persist()


def said(proposals: DataFrame, demand: dict[str, int] | None = None, known: tuple[str, ...] = ()) -> DataFrame:
    """The wordings of English proposals, as people want them and with the queries that there are."""
    spark = proposals.sparkSession
    wanted = [(query_id("en", text), n) for text, n in (demand or {}).items()]
    stored = build(QUERIES, spark, *({"query_id": query_id("en", text)} for text in known))
    return wordings(proposals, local_frame(spark, wanted, "query_id string, demand bigint"), stored)


def by_query(df: DataFrame, *columns: str) -> dict[str, Any]:
    return {row["query"]: tuple(row[c] for c in columns) for row in df.collect()}


def test_every_drop_has_its_stage_and_reason(answered: DataFrame) -> None:
    assert by_query(answered, "stopped_at", "reason") == {
        "Red Vase": (None, None),
        "vase red": ("duplicate", "same_words"),
        "a$$hole vase": ("safety", "profanity"),
        "...": ("normalise", "blank"),
        "décoration de table pour le mariage": ("language", "other_language"),
    }


def test_what_is_stopped_takes_no_fit_query_of_the_same_words_along(spark: SparkSession) -> None:
    written = '{"style":["flower pot brownies","brownies in a flower pot","flower pot and brownies"]}'
    assert by_query(judged_proposals(spark, written={"s": written}), "stopped_at", "reason") == {
        "flower pot brownies": ("safety", "drugs"),
        "brownies in a flower pot": (None, None),
        "flower pot and brownies": ("duplicate", "same_words"),
    }


def test_decisions_hold_every_stage_up_to_the_one_that_stopped_the_query(answered: DataFrame) -> None:
    rows = QUERY_DECISIONS.conform(decisions(answered, said(answered))).collect()
    stages = {q: [r.stage for r in rows if r.query == q] for q in {r.query for r in rows}}
    assert sorted(stages["Red Vase"]) == sorted(STAGES)
    assert sorted(stages["a$$hole vase"]) == sorted(STAGES[:4])
    assert sorted(stages["..."]) == sorted(STAGES[:2])
    for row in rows:
        assert row.kept == (row.reason is None)
    assert sum(not r.kept for r in rows) == 4


def test_whom_the_model_guesses_stops_unless_the_console_has_it_for_the_picture(spark: SparkSession) -> None:
    written = '{"style":["velvet coat for women","mens linen coat"],"use_case":["coat for a wedding"]}'
    proposals = judged_proposals(spark, "velvet skirt women", written={"s": written})
    assert by_query(proposals, "stopped_at", "reason", "demographics") == {
        "velvet coat for women": (None, None, ["gender:women"]),
        "mens linen coat": ("inclusiveness", "unsupported_demographic", ["gender:men"]),
        "coat for a wedding": (None, None, []),
        "velvet skirt women": (None, None, ["gender:women"]),
    }


def test_what_shuts_people_out_is_dropped_with_what_to_say_instead(spark: SparkSession) -> None:
    written = '{"style":["flesh coloured tights"],"use_case":["women belong in the kitchen","tights for a wedding"]}'
    proposals = judged_proposals(spark, written={"s": written})
    rows = QUERY_DECISIONS.conform(decisions(proposals, said(proposals))).where("stage = 'inclusiveness'").collect()
    assert {r["query"]: (r["reason"], r["suggestion"]) for r in rows} == {
        "flesh coloured tights": ("exclusionary", "a shade to match your skin"),
        "women belong in the kitchen": ("exclusionary", None),
        "tights for a wedding": (None, None),
    }


def test_a_generation_that_failed_or_has_no_queries_is_one_proposal_with_its_reason(spark: SparkSession) -> None:
    rows = judged_proposals(spark, written={"s": None}).collect()
    assert [(r.failed, r.reason, r.text) for r in rows] == [(True, "undecodable_image", None)]
    rows = judged_proposals(spark, written={"s": "no idea"}).collect()
    assert [(r.failed, r.reason, r.query) for r in rows] == [(False, "no_queries_found", "no idea")]


def test_annotations_join_both_sources_and_confirm_what_the_console_has(spark: SparkSession) -> None:
    proposals = judged_proposals(spark, "oak table", "table oak", "red vase")
    found = by_query(
        ANNOTATIONS.conform(annotations(proposals, said(proposals))),
        "sources",
        "confirmed",
        "position",
        "model_version",
    )
    assert found == {
        "red vase": (["console", "vlm"], True, 1, "m"),
        "oak table": (["console"], True, 2, None),
    }


def test_a_repetition_in_the_console_still_confirms_the_models_query(spark: SparkSession) -> None:
    proposals = judged_proposals(spark, "vase red", "red vase")
    found = by_query(annotations(proposals, said(proposals, {"red vase": 1})), "sources", "confirmed")
    assert found == {"red vase": (["console", "vlm"], True)}


def test_the_same_words_are_one_query_under_the_wording_that_people_want_most(spark: SparkSession) -> None:
    proposals = judged_proposals(spark, "vase red", "oak table")
    (row,) = (r for r in said(proposals, {"vase red": 9, "red vase": 2}).collect() if "vas" in r.words)
    assert (row["query"], row.aliases, row.demand) == ("vase red", ["red vase"], 11)
    assert by_query(annotations(proposals, said(proposals, {"vase red": 9})), "sources")["vase red"] == (
        ["console", "vlm"],
    )
    ids = {r["query"]: r.query_id for r in decisions(proposals, said(proposals, {"vase red": 9})).collect()}
    assert ids["Red Vase"] == ids["vase red"] == query_id("en", "vase red")


def test_a_query_keeps_its_wording_when_people_come_to_want_another(spark: SparkSession) -> None:
    proposals = judged_proposals(spark, "vase red")
    names = {r["query"] for r in said(proposals, {"vase red": 9}, known=("red vase",)).collect()}
    assert names == {"red vase"}


def test_a_wording_that_no_check_let_through_speaks_for_none(spark: SparkSession) -> None:
    proposals = judged_proposals(spark, written={"s": '{"description":["red vase","vase red"]}'})
    (row,) = said(proposals, {"vase red": 100}).collect()
    assert (row["query"], row.aliases) == ("red vase", ["vase red"])  # the second was a repetition


def test_the_locale_of_a_shared_signature_is_that_of_its_first_image(answered: DataFrame) -> None:
    assert {r.locale for r in answered.collect()} == {"en"}


def test_queries_carry_the_demand_of_their_wordings_and_the_category_most_images_give_them(spark: SparkSession) -> None:
    annotated = build(
        ANNOTATIONS,
        spark,
        *(
            {"signature": s, "query": "oak", "category": c}
            for s, c in zip("abc", ("style", "style", "use_case"), strict=True)
        ),
        *({"signature": s, "query": "elm", "category": c} for s, c in (("a", "use_case"), ("b", "description"))),
    ).withColumn("query_id", F.col("query")).withColumn("locale", F.lit("en"))  # fmt: skip
    ways = local_frame(
        spark,
        [("en", same_words_key(text, locale="en"), text, text, ["oaks"], n) for text, n in (("oak", 120), ("elm", 0))],
        "locale string, words string, query_id string, query string, aliases array<string>, demand bigint",
    )
    kept = local_frame(
        spark,
        [("oak", "en", "en", 0.5, [], None)],
        "text string, locale string, language string, language_score double, demographics array<string>, reason string",
    )
    found = by_query(QUERIES.conform(queries(annotated, kept, ways)), "category", "demand", "images", "language")
    assert found == {"oak": ("style", 120, 3, "en"), "elm": ("description", 0, 2, None)}


def demand(performance: DataFrame, locales: dict[str, str], *routes: tuple[str, str, str, str]) -> dict[str, int]:
    spark = performance.sparkSession
    of_signatures = local_frame(spark, locales.items(), "signature string, locale string")
    elsewhere = local_frame(spark, routes, "signature string, locale string, query string, routed_to string")
    found = demand_of(performance.join(of_signatures, on="signature"), elsewhere).collect()
    return {row["query_id"]: row["demand"] for row in found}


def test_demand_adds_the_spellings_of_a_text_within_the_locale_that_it_is_wanted_in(spark: SparkSession) -> None:
    performance = build(
        QUERY_PERFORMANCE,
        spark,
        {"signature": "a", "query": "Oak Table", "impressions": 10},
        {"signature": "b", "query": "oak  table", "impressions": 5},
        {"signature": "c", "query": "oak table", "impressions": 100},
        {"signature": "a", "query": "...", "impressions": 7},
        {"signature": "d", "query": "oak table", "impressions": 1},
    )
    locales = {"a": "en", "b": "en", "c": "de", "d": "de"}
    english = query_id("en", "oak table")
    assert demand(performance, locales) == {english: 15, query_id("de", "oak table"): 101}
    routed_to = [(signature, "de", "oak table", "en") for signature in "cd"]
    assert demand(performance, locales, *routed_to) == {english: 116}


def test_a_page_of_many_images_does_not_multiply_the_demand_for_its_query(spark: SparkSession) -> None:
    shown = [{"signature": s, "query": "oak", "impressions": 1000, "attribution": "ambiguous"} for s in "abcde"]
    own = {"signature": "f", "query": "oak", "impressions": 7, "attribution": "primary_image"}
    assert list(demand(build(QUERY_PERFORMANCE, spark, *shown, own), dict.fromkeys("abcdef", "en")).values()) == [7]


def test_only_the_answers_of_this_model_and_decoding_to_the_present_prompt_count(spark: SparkSession) -> None:
    run = {"model_version": "m", "prompt_version": "p", "decoding_version": "d"}
    now = run | {"task": TASK, "prompt": f"{PROMPT}\ntitle: Oak"}
    others = [now | {name: "other"} for name in ("task", *run)]
    others += [now | {"prompt": f"{PROMPT}\ntitle: {t}"} for t in ("Elm", "A")]
    rows = [{"subject": "a", "text": "yes"} | now, *({"subject": "a", "text": "no"} | other for other in others)]
    elsewhere = {"subject": "b", "text": "of an image that is gone"} | now
    images = build(IMAGES, spark, {"image_id": "2", "signature": "a", "locale": "en", "title": "A"},
                   {"image_id": "1", "signature": "a", "locale": "en", "title": "Oak"})  # fmt: skip
    found = answers(build(GENERATIONS, spark, *rows, elsewhere), images, **run).collect()
    assert [(r.signature, r.text) for r in found] == [("a", "yes")]


def test_what_the_model_is_unsure_of_is_dropped_unless_the_console_has_it_in_any_wording(spark: SparkSession) -> None:
    answer = '{"style":["blue velvet sofa","red linen lamp","old oak table"]}'
    ends = [answer.index(query) + len(query) for query in ("blue velvet sofa", "red linen lamp", "old oak table")]
    sure_of_the_last = (ends, [-0.9, -0.9, -0.1])
    proposals = judged_proposals(spark, "lamp red linen", written={"s": answer}, tokens=sure_of_the_last)
    assert by_query(proposals, "source", "stopped_at", "reason") == {
        "blue velvet sofa": ("vlm", "confidence", "unsure"),
        "red linen lamp": ("vlm", None, None),
        "old oak table": ("vlm", None, None),
        "lamp red linen": ("console", None, None),
    }
    kept = annotations(proposals, said(proposals))
    assert by_query(kept, "confirmed", "confidence") == {
        "lamp red linen": (True, pytest.approx(0.4066)),
        "old oak table": (False, pytest.approx(0.9048)),
    }
    doubted = without_unproven(proposals, ["en"])
    assert by_query(doubted, "source", "stopped_at", "reason") == {
        "blue velvet sofa": ("vlm", "confidence", "unsure"),
        "red linen lamp": ("vlm", None, None),
        "old oak table": ("vlm", "confidence", "unproven"),
        "lamp red linen": ("console", None, None),
    }
    assert without_unproven(proposals, ["de"]).where("reason = 'unproven'").isEmpty()
