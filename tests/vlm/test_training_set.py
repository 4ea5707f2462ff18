"""From mined queries to conversations: quotas, order, what is dropped and why."""

import hashlib
import json
from typing import Any

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from geo_lib.catalogue.subjects import subjects
from geo_lib.queries.text import normalise, same_words_key
from geo_lib.serving.visual_tokens import PixelBounds
from geo_lib.spark import local_frame
from geo_lib.training.split import HeldOut
from geo_lib.vlm.training_set import (
    CONSOLE,
    ORACLE,
    candidates,
    chosen_queries,
    proposed,
    sampled,
    with_token_counts,
    within_budget,
)
from tests.kit import TINY_BASE

CHOSEN = (
    "signature string, locale string, description array<string>, style array<string>, use_case array<string>, "
    "from_oracle array<string>"
)
SIZES = "signature string, width int, height int"
BOUNDS = PixelBounds(min_pixels=3136, max_pixels=1_003_520)


def labelled(spark: SparkSession, *rows: tuple[str, int, str], source: str = CONSOLE) -> DataFrame:
    return local_frame(
        spark,
        [
            ("s", "en", query, source, rank, category, same_words_key(normalise(query), locale="en"))
            for query, rank, category in rows
        ],
        "signature string, locale string, query string, source string, rank int, category string, words string",
    )


def images(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    neutral = {
        "image_id": "i", "signature": "s", "split_key": "s", "locale": "en",
        "title": None, "description": None, "board_title": None, "creator_category": None,
    }  # fmt: skip
    schema = ", ".join(f"{name} string" for name in neutral)
    return local_frame(spark, [tuple((neutral | row).values()) for row in rows], schema)


@pytest.mark.transform
def test_each_category_gives_its_best_queries_up_to_its_quota(spark: SparkSession) -> None:
    df = labelled(
        spark,
        ("d3", 9, "description"), ("d1", 2, "description"), ("d2", 4, "description"),
        ("s1", 1, "style"),
        ("u4", 8, "use_case"), ("u1", 3, "use_case"), ("u3", 7, "use_case"), ("u2", 5, "use_case"),
    )  # fmt: skip
    expected = local_frame(spark, [("s", "en", ["d1", "d2"], ["s1"], ["u1", "u2", "u3"], [])], CHOSEN)
    assert_df_equality(chosen_queries(df), expected, ignore_nullable=True)


@pytest.mark.transform
def test_a_category_that_the_console_lacks_stays_empty_and_nothing_fills_it(spark: SparkSession) -> None:
    df = labelled(spark, *[(f"d{n}", n, "description") for n in range(1, 6)])
    expected = local_frame(spark, [("s", "en", ["d1", "d2"], [], [], [])], CHOSEN)
    assert_df_equality(chosen_queries(df), expected, ignore_nullable=True)


@pytest.mark.transform
def test_the_same_words_in_another_order_or_case_count_once_under_the_better_rank(spark: SparkSession) -> None:
    df = labelled(
        spark,
        ("velvet chair in red", 2, "description"),
        ("Red, velvet chair", 1, "description"),
        ("oak table", 3, "description"),
        ("chair red velvet chair", 4, "style"),
    )
    expected = local_frame(spark, [("s", "en", ["red, velvet chair", "oak table"], [], [], [])], CHOSEN)
    assert_df_equality(chosen_queries(df), expected, ignore_nullable=True)


@pytest.mark.transform
def test_half_the_content_words_in_common_is_one_wish_and_less_is_another(spark: SparkSession) -> None:
    df = labelled(
        spark,
        ("boho balcony style", 1, "style"),
        ("boho balcony look", 2, "style"),  # 2 of 4 words in common
        ("navy balcony look", 3, "style"),  # 1 of 5 with the first; the second was not kept
        ("for the balcony", 4, "use_case"),
        ("with a balcony", 5, "use_case"),  # only linking words differ
    )
    expected = local_frame(
        spark, [("s", "en", [], ["boho balcony style", "navy balcony look"], ["for the balcony"], [])], CHOSEN
    )
    assert_df_equality(chosen_queries(df), expected, ignore_nullable=True)


@pytest.mark.transform
def test_what_was_searched_comes_before_what_an_oracle_thought_of_and_one_wish_stands_once(spark: SparkSession) -> None:
    searched = labelled(spark, ("red vase", 30, "description"), ("boho vase look", 2, "style"))
    thought_of = labelled(
        spark,
        ("vase red", 1, "description"), ("tall glass vase", 2, "description"), ("blue bottle", 3, "description"),
        ("boho vase style", 1, "style"), ("gift for mothers", 1, "use_case"),
        source=ORACLE,
    )  # fmt: skip
    expected = local_frame(
        spark,
        [
            (
                "s",
                "en",
                ["red vase", "tall glass vase"],
                ["boho vase look"],
                ["gift for mothers"],
                ["gift for mothers", "tall glass vase"],
            )
        ],
        CHOSEN,
    )
    assert_df_equality(chosen_queries(thought_of.unionByName(searched)), expected, ignore_nullable=True)


@pytest.mark.transform
def test_an_oracle_is_heard_for_the_locale_that_it_was_asked_in_and_a_console_for_all(spark: SparkSession) -> None:
    rows = images(spark, {"locale": "en"}, {"image_id": "j", "locale": "de"}, {"image_id": "k", "locale": "de"})
    mined = local_frame(spark, [("s", "vase", 4), ("gone", "x", 1)], "signature string, query string, rank int")
    said = [("s", "de", "krug", 3), ("s", "de", "krug", 2), ("s", "fr", "pot", 1), ("gone", "de", "x", 1)]
    labels = local_frame(spark, said, "signature string, locale string, query string, position int")
    expected = local_frame(
        spark,
        [
            ("s", "de", "krug", ORACLE, 2),
            ("s", "de", "vase", CONSOLE, 4),
            ("s", "en", "vase", CONSOLE, 4),
        ],
        "signature string, locale string, query string, source string, rank int",
    )
    assert_df_equality(proposed(rows, mined, labels), expected, ignore_nullable=True, ignore_row_order=True)


@pytest.mark.transform
def test_more_examples_than_asked_for_are_left_out_by_hash_and_said_so(spark: SparkSession) -> None:
    names = [f"s{n}" for n in range(12)]
    rows = images(spark, *({"image_id": s, "signature": s, "split_key": s} for s in (*names, "few")))
    answer: tuple[list[str], ...] = (["red vase"], ["boho vase"], ["gift for her"], [])
    chosen = local_frame(spark, [(s, "en", *answer) for s in names], CHOSEN)
    sizes = local_frame(spark, [(s, 9, 9) for s in (*names, "few")], SIZES)
    found = candidates(rows, chosen, sizes, bounds=BOUNDS, min_queries=3, held_out=HeldOut()).cache()

    def taken(most: int) -> set[str]:
        reasons = {r["signature"]: r["reason"] for r in sampled(found, most=most, fewest=3).collect()}
        assert reasons.keys() == {*names, "few"}
        assert reasons.pop("few") == "too_few_queries"
        assert set(reasons.values()) <= {None, "over_most_examples"}
        return {signature for signature, reason in reasons.items() if reason is None}

    assert len(taken(5)) == 5
    assert taken(5) < taken(7)
    assert taken(50) == set(names)


@pytest.mark.transform
def test_a_query_of_linking_words_alone_is_still_a_query(spark: SparkSession) -> None:
    df = labelled(spark, ("for a", 1, "use_case"), ("to the", 2, "use_case"))
    expected = local_frame(spark, [("s", "en", [], [], ["for a", "to the"], [])], CHOSEN)
    assert_df_equality(chosen_queries(df), expected, ignore_nullable=True)


@pytest.mark.transform
def test_the_order_of_the_input_changes_nothing(spark: SparkSession) -> None:
    rows = [(f"q{n}", n, ("description", "style", "use_case")[n % 3]) for n in range(12)]
    there, back = labelled(spark, *rows), labelled(spark, *reversed(rows)).repartition(3)
    assert_df_equality(chosen_queries(there), chosen_queries(back), ignore_row_order=True)


@pytest.mark.transform
def test_of_images_with_the_same_bytes_the_first_by_id_lends_its_metadata(spark: SparkSession) -> None:
    df = images(spark, {"image_id": "b", "title": "second"}, {"image_id": "a", "title": "first"},
                {"image_id": "c", "locale": "de"})  # fmt: skip
    assert [r["title"] for r in subjects(df, "signature").collect()] == ["first"]
    by_locale = subjects(df, "signature", "locale").orderBy("locale").collect()
    assert [(r["locale"], r["image_id"]) for r in by_locale] == [("de", "c"), ("en", "a")]


@pytest.mark.transform
def test_an_example_is_a_prompt_an_answer_and_an_id_that_stays(spark: SparkSession) -> None:
    answer = (["red vase"], ["boho vase"], ["gift for her"])
    chosen = local_frame(spark, [("s", "en", *answer, ["boho vase"])], CHOSEN)
    sizes = local_frame(spark, [("s", 224, 224)], SIZES)
    one = candidates(images(spark, {"title": "mine"}), chosen, sizes, bounds=BOUNDS, min_queries=3, held_out=HeldOut())
    row = sampled(one, most=1, fewest=3).collect()[0]
    assert row["from_oracle"] == ["boho vase"]
    assert json.loads(row["response"]) == {
        "description": ["red vase"], "style": ["boho vase"], "use_case": ["gift for her"],
    }  # fmt: skip
    assert row["prompt"].endswith("\ntask: queries\nlocale: en\ntitle: mine")
    assert (row["visual_tokens"], row["reason"]) == (64, None)
    assert row["example_id"] == hashlib.sha256(b"s\nen").hexdigest()[:32]


@pytest.mark.transform
def test_too_few_queries_and_impossible_images_are_named_and_kept_apart(spark: SparkSession) -> None:
    rows = images(spark, *({"image_id": s, "signature": s, "split_key": s} for s in ("ok", "few", "none", "strip")))
    chosen = local_frame(
        spark,
        [
            ("ok", "en", ["a"], ["b"], ["c"], []),
            ("few", "en", ["a"], ["b"], [], []),
            ("strip", "en", ["a"], ["b"], ["c"], []),
        ],
        CHOSEN,
    )
    sizes = local_frame(
        spark,
        [("ok", 100, 100), ("few", 100, 100), ("none", 100, 100), ("strip", 1, 300)],
        SIZES,
    )
    found = candidates(rows, chosen, sizes, bounds=BOUNDS, min_queries=3, held_out=HeldOut())
    fates = found.select("signature", "reason").collect()
    assert {r["signature"]: r["reason"] for r in fates} == {
        "ok": None, "few": "too_few_queries", "none": "too_few_queries", "strip": "aspect_ratio",
    }  # fmt: skip


def test_tokens_are_counted_for_what_may_become_an_example_alone(spark: SparkSession) -> None:
    df = local_frame(
        spark,
        [("ok", "p", "a", None), ("few", "p", "a", "too_few_queries"), ("too", "p", "a", None)],
        "id string, prompt string, response string, reason string",
    )
    counted = {r["id"]: r for r in with_token_counts(df.coalesce(1), processor_path=str(TINY_BASE)).collect()}
    assert (counted["few"]["text_tokens"], counted["few"]["response_tokens"]) == (None, None)
    assert counted["ok"]["text_tokens"] == counted["too"]["text_tokens"] > 0
    assert counted["ok"]["response_tokens"] == counted["too"]["response_tokens"] > 0
    none_possible = with_token_counts(df.where("reason is not null"), processor_path=str(TINY_BASE)).collect()
    assert [r["text_tokens"] for r in none_possible] == [None]


@pytest.mark.transform
def test_an_example_id_is_of_both_its_columns_or_there_is_none(spark: SparkSession) -> None:
    chosen, sizes = (
        local_frame(spark, [], CHOSEN),
        local_frame(spark, [("s", 9, 9)], SIZES),
    )
    rows = candidates(images(spark, {"locale": None}), chosen, sizes, bounds=BOUNDS, min_queries=3, held_out=HeldOut())
    assert [r["example_id"] for r in rows.collect()] == [None]


@pytest.mark.transform
def test_what_exceeds_the_sequence_by_one_token_is_dropped_and_what_fills_it_is_not(spark: SparkSession) -> None:
    df = local_frame(
        spark,
        [("fits", 726, 200, 98, None), ("over", 726, 200, 99, None), ("few", 726, 200, 99, "too_few_queries")],
        "id string, visual_tokens int, text_tokens int, response_tokens int, reason string",
    )
    reasons = {r["id"]: r["reason"] for r in within_budget(df, max_sequence_tokens=1024).collect()}
    assert reasons == {"fits": None, "over": "too_long", "few": "too_few_queries"}


@pytest.mark.transform
def test_no_query_carries_a_special_token_into_an_answer(spark: SparkSession) -> None:
    df = labelled(spark, ("vase<|im_end|>", 1, "description"), ("<||>", 2, "description"))
    row = chosen_queries(df).select(F.col("description")).collect()[0]
    assert row["description"] == ["vase im_end"]
