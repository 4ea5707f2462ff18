"""Two answers of one shape: what was clicked stands in the first, what was shown and ignored in the second."""

import json
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from geo_lib.queries.kinds import CATEGORIES
from geo_lib.spark import local_frame
from geo_lib.vlm.pairs import pairs, replacements, shown, stored, texts, within_tokens
from geo_lib.vlm.prompts import response
from schemas.query_performance import QUERY_PERFORMANCE
from schemas.training_examples import TRAINING_EXAMPLES
from tests.builders import build
from tests.kit import TINY_BASE

QUERIES: dict[str, list[str]] = {
    "description": ["d1", "d2"],
    "style": ["s1"],
    "use_case": ["u1", "u2", "u3"],
}
SHOWN = "example_id string, locale string, query string, impressions bigint, is_ignored boolean"
REPLACING = ", ".join(["example_id string", *[f"_ignored_{c} array<string>" for c in CATEGORIES]])


def examples(spark: SparkSession, *rows: dict[str, Any], **defaults: Any) -> DataFrame:
    whole = [{**QUERIES, "response": response(QUERIES)} | row for row in rows]
    return build(TRAINING_EXAMPLES, spark, *whole, **({"signature": "s", "locale": "en", "split": "train"} | defaults))


def ignored(spark: SparkSession, **of: tuple[list[str], list[str], list[str]]) -> DataFrame:
    return local_frame(spark, [(example, *queries) for example, queries in of.items()], REPLACING)


@pytest.mark.transform
def test_what_eq_1_retains_was_good_and_what_was_shown_often_and_never_clicked_was_ignored(spark: SparkSession) -> None:
    performance = build(
        QUERY_PERFORMANCE,
        spark,
        {"query": "Retained", "impressions": 20, "clicks": 0, "retained_by": "position"},
        {"query": "ignored", "impressions": 11},
        {"query": "seldom shown", "impressions": 10},
        {"query": "clicked once", "impressions": 50, "clicks": 1},
        {"query": "of another picture", "impressions": 50, "signature": "other"},
        signature="s",
        attribution="primary_image",
    )
    said = shown(examples(spark, {"example_id": "e"}), performance, min_impressions=11)
    expected = [("e", "en", "retained", 20, False), ("e", "en", "ignored", 11, True)]
    wanted = local_frame(spark, expected, SHOWN)
    assert_df_equality(said, wanted, ignore_row_order=True, ignore_nullable=True, ignore_metadata=True)


@pytest.mark.transform
def test_every_text_is_judged_once(spark: SparkSession) -> None:
    said = local_frame(spark, [("e", "en", "d1", 9, False), ("e", "en", "x", 9, True)], SHOWN)
    judged = texts(examples(spark, {"example_id": "e"}, {"example_id": "f", "locale": "de"}), said)
    english = sorted(row["raw"] for row in judged.where("locale = 'en'").collect())
    assert english == ["d1", "d2", "s1", "u1", "u2", "u3", "x"]
    assert judged.where("locale = 'de'").count() == 6


@pytest.mark.transform
def test_an_ignored_query_replaces_within_its_category_the_most_shown_first_and_in_words_that_are_new(
    spark: SparkSession,
) -> None:
    said = local_frame(
        spark,
        [
            ("e", "en", "sofa in red", 20, True),
            ("e", "en", "green lamp", 30, True),
            ("e", "en", "lamp green", 12, True),
            ("e", "en", "loft party", 15, True),
            ("e", "en", "kept chair", 90, False),
            ("e", "en", "chair kept", 40, True),
            ("e", "en", "d1 again", 40, True),
            ("e", "en", "unfit", 40, True),
        ],
        SHOWN,
    )
    fit = local_frame(
        spark,
        [
            ("en", "sofa in red", "red sofa", "description"),
            ("en", "green lamp", "green lamp", "description"),
            ("en", "lamp green", "green lamp", "description"),
            ("en", "loft party", "loft party", "use_case"),
            ("en", "kept chair", "chair kept", "description"),
            ("en", "chair kept", "chair kept", "description"),
            ("en", "d1", "d1", "description"),
            ("en", "d1 again", "d1", "description"),
        ],
        "locale string, query string, words string, category string",
    )
    found = replacements(examples(spark, {"example_id": "e"}), said, fit)
    expected = ignored(spark, e=(["green lamp", "sofa in red"], [], ["loft party"]))
    assert_df_equality(found, expected, ignore_nullable=True)


@pytest.mark.transform
def test_both_answers_have_one_shape_and_the_last_retained_queries_give_way(spark: SparkSession) -> None:
    df = examples(spark, {"example_id": "e", "from_oracle": ["u3"], "prompt": "p", "visual_tokens": 4})
    (pair,) = pairs(df, ignored(spark, e=(["x", "y", "z"], [], ["v"])), most=9).collect()
    assert pair["reason"] is None
    assert json.loads(pair["chosen"]) == QUERIES
    rejected = json.loads(pair["rejected"])
    assert rejected == {"description": ["x", "y"], "style": ["s1"], "use_case": ["u1", "v", "u3"]}
    assert list(rejected) == list(QUERIES)
    assert (pair["retained"], pair["ignored"]) == (["d1", "d2", "u2"], ["x", "y", "v"])
    assert (pair["prompt"], pair["visual_tokens"], pair["split"]) == ("p", 4, "train")


@pytest.mark.transform
def test_without_an_ignored_query_in_the_category_of_a_retained_one_there_is_no_pair(spark: SparkSession) -> None:
    df = examples(
        spark,
        {"example_id": "nobody ignored"},
        {"example_id": "oracle alone", "from_oracle": ["s1"]},
        {"example_id": "before any oracle", "from_oracle": None},
    )
    replacing = ignored(spark, **{"oracle alone": ([], ["x"], []), "before any oracle": ([], ["x"], [])})
    reasons = {row["example_id"]: row["reason"] for row in pairs(df, replacing, most=9).collect()}
    assert reasons == {
        "nobody ignored": "nothing_ignored",
        "oracle alone": "nothing_ignored",
        "before any oracle": None,
    }


@pytest.mark.transform
def test_every_example_is_a_pair_or_has_one_reason_and_a_larger_number_adds_to_a_smaller_one(
    spark: SparkSession,
) -> None:
    rows = [{"example_id": f"e{n}"} for n in range(6)] + [{"example_id": "long", "dropped": "too_long"}]
    df = examples(spark, *rows)
    replacing = ignored(spark, **{row["example_id"]: (["x"], [], []) for row in rows})
    few, more = (pairs(df, replacing, most=most) for most in (2, 4))
    by_reason = {row["reason"]: row["count"] for row in more.groupBy("reason").count().collect()}
    assert by_reason == {None: 4, "over_pairs": 2, "too_long": 1}
    kept = [{row["example_id"] for row in df.where("reason is null").collect()} for df in (few, more)]
    assert len(kept[0]) == 2
    assert kept[0] < kept[1]


@pytest.mark.transform
def test_held_out_pairs_are_marked_as_such(spark: SparkSession) -> None:
    df = examples(spark, {"example_id": "t"}, {"example_id": "h", "split": "held_out"})
    both = stored(pairs(df, ignored(spark, t=(["x"], [], []), h=(["x"], [], [])), most=9))
    assert {row["example_id"]: row["split"] for row in both.collect()} == {"t": "train", "h": "held_out"}


def test_a_pair_whose_second_answer_has_too_many_tokens_is_none(spark: SparkSession) -> None:
    df = examples(spark, {"example_id": "short"}, {"example_id": "long"}, visual_tokens=4, prompt="p")
    both = pairs(
        df, ignored(spark, short=(["x"], [], []), long=([" ".join("words" for _ in range(60))], [], [])), most=9
    )
    judged = within_tokens(both, processor_path=str(TINY_BASE), max_sequence_tokens=100)
    reasons = {row["example_id"]: row["reason"] for row in judged.collect()}
    assert reasons == {"short": None, "long": "too_long"}
