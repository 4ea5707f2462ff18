"""Labels: each text once, as most say, and some phrasings of every category kept for asking."""

from collections import Counter

import pytest
from pyspark.sql import SparkSession

from geo_lib.queries.category_labels import labels_of, of_split, texts_of, with_reasons
from geo_lib.training.split import HeldOut, split_of
from schemas.images import IMAGES
from schemas.oracle_queries import ORACLE_QUERIES
from tests.builders import build

KINDS = ("vase", "sofa", "lamp", "rug")
PURPOSES = ("how to style a {}", "{} ideas", "where to put a {}", "{} for small rooms", "cleaning a {}", "buying a {}")
LOOKS = ("{} aesthetic", "{} style", "{} in boho style", "{} with a rustic look", "shabby {} vibes")


def said(templates: tuple[str, ...], category: str, locale: str = "en") -> list[tuple[str, str, str, int]]:
    return [(locale, template.format(kind), category, 1) for template in templates for kind in KINDS]


def test_a_text_is_what_most_say_and_nothing_where_nobody_has_most() -> None:
    labels, dropped = labels_of(
        [
            ("en", "Red  Vase", "description", 2),
            ("en", "red vase", "style", 1),
            ("en", "boho vase", "description", 1),
            ("en", "boho vase", "style", 1),
            ("en", "...", "style", 3),
            ("de", "red vase", "use_case", 1),
        ]
    )
    assert [(it.locale, it.text, it.category, it.votes) for it in labels] == [
        ("de", "red vase", "use_case", 1),
        ("en", "red vase", "description", 2),
    ]
    assert dropped == {"blank": 3, "outvoted": 1, "tied": 2}
    assert sum(it.votes for it in labels) + sum(dropped.values()) == 9


def test_a_phrasing_is_trained_on_or_held_out_and_never_both_and_every_category_has_some_held_out() -> None:
    labels, _ = labels_of(said(PURPOSES, "use_case") + said(LOOKS, "style"))
    trained, held_out = of_split(labels, "train"), of_split(labels, "held_out")
    assert not {it.phrasing for it in trained} & {it.phrasing for it in held_out}
    per_category = Counter(category for category, _ in {(it.category, it.phrasing) for it in held_out})
    assert per_category == {"use_case": 1, "style": 1}
    assert len(trained) + len(held_out) == len(labels) == 4 * 11


def test_nothing_is_held_out_of_a_category_that_is_said_in_two_ways() -> None:
    labels, _ = labels_of(said(PURPOSES[:2], "use_case") + said(LOOKS[2:], "style"))
    assert {it.category for it in of_split(labels, "held_out")} == {"style"}


def test_a_phrasing_of_most_of_a_categorys_texts_stays_in_training() -> None:
    rooms = [("en", f"plans for the {room}", "use_case", 1) for room in map(str, range(40))]
    labels, _ = labels_of(rooms + said(PURPOSES, "use_case"))
    assert {it.split for it in labels if it.text.startswith("plans")} == {"train"}
    assert of_split(labels, "held_out")


def test_every_language_has_its_own_held_out_phrasings_and_the_order_of_labels_changes_nothing() -> None:
    everything = said(PURPOSES, "use_case") + said(PURPOSES, "use_case", locale="de-AT")
    labels, _ = labels_of(everything)
    assert {it.locale for it in of_split(labels, "held_out")} == {"en", "de-AT"}
    assert labels_of(everything[::-1])[0] == labels


@pytest.mark.transform
def test_pictures_that_are_held_out_teach_nothing_nor_do_those_that_are_gone(spark: SparkSession) -> None:
    keys = {
        split: next(key for key in map(str, range(99)) if split_of(key, HeldOut()) == split)
        for split in ("train", "held_out")
    }
    rows = [
        {"image_id": "1", "signature": "a", "split_key": keys["train"]},
        {"image_id": "2", "signature": "a", "split_key": keys["train"]},
        {"image_id": "3", "signature": "b", "split_key": keys["held_out"]},
    ]
    queries = build(ORACLE_QUERIES, spark, *({"signature": s, "query": "red vase"} for s in "abc"))
    told = with_reasons(queries, build(IMAGES, spark, *rows), held_out=HeldOut()).collect()
    reasons = {row["signature"]: row["reason"] for row in told}
    assert reasons == {"a": None, "b": "held_out_picture", "c": "no_image"}
    assert len(told) == 3


@pytest.mark.transform
def test_of_many_texts_the_first_by_hash_come_with_all_that_was_said_of_them(spark: SparkSession) -> None:
    rows = [{"locale": "en", "query": str(n), "category": c} for n in range(30) for c in ("style", "style", "use_case")]
    queries = build(ORACLE_QUERIES, spark, *rows)
    few, more = ({row["query"]: row["said"] for row in texts_of(queries, most=n).collect()} for n in (7, 12))
    assert (len(few), len(more)) == (7, 12)
    assert few.keys() < more.keys()
    assert {frozenset(tuple(said) for said in of_text) for of_text in more.values()} == {
        frozenset({("style", 2), ("use_case", 1)})
    }
