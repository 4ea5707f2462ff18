"""Every signature that comes in is an example or has a reason not to be one."""

import json
from collections.abc import Mapping

import pytest
from pyspark.sql import SparkSession

from jobs.build_training_set import BuildTrainingSet, run
from jobs.job import Context
from schemas.image_bytes import IMAGE_BYTES
from schemas.images import IMAGES
from schemas.mined_queries import MINED_QUERIES
from schemas.training_examples import TRAINING_EXAMPLES
from tests.builders import build
from tests.kit import TINY_BASE

BASE = str(TINY_BASE)
QUERIES = (
    "red velvet armchair", "velvet armchair in red", "armchair", "boho chair style", "reading nook ideas",
    "living room ideas with armchair", "gift for book lovers", "cosy corner ideas",
)  # fmt: skip
GERMAN = ("Geschenk für Bücherfreunde", "wohnzimmer ideen mit sessel", "gemütliche leseecke einrichten",
          "gemütliche ecke gestalten")  # fmt: skip
UNSAFE = "a$$hole armchair"


@pytest.fixture
def catalogue(spark: SparkSession, context: Context) -> Context:
    """Three signatures: one in two locales with queries in both languages, one with two queries, one with none."""
    tables = context.tables
    rows = [("a1", "a", "en"), ("a2", "a", "de"), ("a3", "a", "en"), ("b1", "b", "en"), ("c1", "c", "en")]
    images = [{"image_id": i, "signature": s, "split_key": s, "locale": locale} for i, s, locale in rows]
    tables.write(IMAGES, build(IMAGES, spark, *images))
    tables.write(IMAGE_BYTES, build(IMAGE_BYTES, spark, *({"signature": s} for s in "abc"), width=112, height=140))
    ranked = [("a", query, rank) for rank, query in enumerate((UNSAFE, *GERMAN, *QUERIES), 1)]
    ranked += [("b", query, rank) for rank, query in enumerate(QUERIES[:2], 1)]
    mined = [{"signature": s, "query": q, "rank": r, "retained_by": "position"} for s, q, r in ranked]
    tables.write(MINED_QUERIES, build(MINED_QUERIES, spark, *mined))
    return context


def test_one_example_per_signature_and_locale_and_a_reason_for_every_other_signature(catalogue: Context) -> None:
    counts = run(catalogue, BuildTrainingSet(base=BASE))
    rows = catalogue.tables.read(TRAINING_EXAMPLES).orderBy("locale").collect()
    assert [(r["signature"], r["locale"]) for r in rows] == [("a", "de"), ("a", "en")]
    assert (counts.rows_in, counts.kept, dict(counts.dropped)) == (3, 1, {"too_few_queries": 2})
    assert counts.produced["examples"] == counts.produced["train"] + counts.produced["held_out"] == 2


def test_an_answer_is_in_the_language_of_its_locale_and_fit_to_be_taught(catalogue: Context) -> None:
    run(catalogue, BuildTrainingSet(base=BASE))
    rows = catalogue.tables.read(TRAINING_EXAMPLES).collect()
    taught = {r["locale"]: {*r["description"], *r["style"], *r["use_case"]} for r in rows}
    assert not taught["en"] & {query.lower() for query in GERMAN}
    assert taught["de"] & {query.lower() for query in GERMAN}
    assert UNSAFE not in taught["en"] | taught["de"]


def test_an_answer_holds_each_categorys_queries_and_the_shortfall_is_reported(catalogue: Context) -> None:
    counts = run(catalogue, BuildTrainingSet(base=BASE))
    row = catalogue.tables.read(TRAINING_EXAMPLES).where("locale = 'en'").collect()[0]
    answer: Mapping[str, list[str]] = json.loads(row["response"])
    assert answer == {c: row[c] for c in ("description", "style", "use_case")}
    assert set(answer["use_case"]) < set(QUERIES)
    assert len(answer["use_case"]) == 3
    answers = [json.loads(r["response"]) for r in catalogue.tables.read(TRAINING_EXAMPLES).collect()]
    for category, quota in (("description", 2), ("style", 2), ("use_case", 3)):
        given = sum(len(a[category]) for a in answers)
        assert counts.produced[f"{category}_queries"] == given
        assert counts.produced[f"{category}_shortfall"] == len(answers) * quota - given


def test_tokens_are_counted_and_what_does_not_fit_is_dropped_and_not_cut(catalogue: Context) -> None:
    run(catalogue, BuildTrainingSet(base=BASE))
    row = catalogue.tables.read(TRAINING_EXAMPLES).where("locale = 'en'").collect()[0]
    total = row["visual_tokens"] + row["text_tokens"] + row["response_tokens"]
    assert row["visual_tokens"] == 20
    tight = run(catalogue, BuildTrainingSet(base=BASE, max_sequence_tokens=total - 1))
    assert dict(tight.dropped) == {"too_few_queries": 2, "too_long": 1}
    assert catalogue.tables.read(TRAINING_EXAMPLES).isEmpty()


def test_bounds_of_the_configuration_change_what_an_image_costs(catalogue: Context) -> None:
    run(catalogue, BuildTrainingSet(base=BASE, min_pixels=28 * 28 * 30, max_pixels=28 * 28 * 40))
    row = catalogue.tables.read(TRAINING_EXAMPLES).collect()[0]
    assert row["visual_tokens"] >= 30


def test_building_it_again_changes_no_table(catalogue: Context) -> None:
    run(catalogue, BuildTrainingSet(base=BASE))
    before = catalogue.tables.version(TRAINING_EXAMPLES)
    run(catalogue, BuildTrainingSet(base=BASE))
    assert catalogue.tables.version(TRAINING_EXAMPLES) == before
