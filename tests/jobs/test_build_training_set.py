"""Every signature that comes in is an example or has a reason not to be one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from pyspark.sql import Row, SparkSession

from geo_lib.counts import Counts
from geo_lib.models import Models
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.tables import Stamp, Tables
from geo_lib.vlm.settings import BaseVlm
from geo_lib.vlm.training_set import taught
from jobs.build_training_set import JOB, BuildTrainingSet
from jobs.run.job import Context
from schemas.image_bytes import IMAGE_BYTES
from schemas.images import IMAGES
from schemas.mined_queries import MINED_QUERIES
from schemas.training_examples import TRAINING_EXAMPLES
from tests.builders import build
from tests.conftest import AS_OF
from tests.kit import TINY_BASE, job_context

pytestmark = pytest.mark.slow

BASE = str(TINY_BASE)
ENGLISH = ("velvet armchair in red", "the chair with the wooden legs and the arms", "boho chair style",
           "what to put on the wall behind the sofa", "how to make the living room look bigger",
           "where to put the armchair in the bedroom", "what to put in the reading corner")  # fmt: skip
GERMAN = ("Geschenk für Bücherfreunde", "wohnzimmer ideen mit sessel", "gemütliche leseecke einrichten",
          "gemütliche ecke gestalten")  # fmt: skip
UNSAFE = "a$$hole armchair"


@dataclass(frozen=True, slots=True)
class Built:
    """A training set, what its making counted, and its rows by locale."""

    context: Context
    counts: Counts
    rows: Mapping[str, Row]


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Three signatures: one in two locales with queries in both languages, one with two queries, one with none."""
    lakehouse = str(tmp_path_factory.mktemp("taught") / "lakehouse")
    stamp = Stamp(run_id="test-run", as_of=AS_OF, code_commit="test", simulated=True)
    tables = Tables(spark, lakehouse=lakehouse, stamp=stamp)
    context = job_context(tables, Models(f"{lakehouse}/mlflow"))
    rows = [("a1", "a", "en"), ("a2", "a", "de"), ("a3", "a", "en"), ("b1", "b", "en"), ("c1", "c", "en")]
    images = [{"image_id": i, "signature": s, "split_key": s, "locale": locale} for i, s, locale in rows]
    tables.write(IMAGES, build(IMAGES, spark, *images))
    tables.write(IMAGE_BYTES, build(IMAGE_BYTES, spark, *({"signature": s} for s in "abc"), width=112, height=140))
    ranked = [("a", query, rank) for rank, query in enumerate((UNSAFE, *GERMAN, *ENGLISH), 1)]
    ranked += [("b", query, rank) for rank, query in enumerate(ENGLISH[:2], 1)]
    mined = [{"signature": s, "query": q, "rank": r, "retained_by": "position"} for s, q, r in ranked]
    tables.write(MINED_QUERIES, build(MINED_QUERIES, spark, *mined))
    counts = context.run(JOB, BuildTrainingSet(vlm=BaseVlm(BASE)))
    return Built(context, counts, {r["locale"]: r for r in tables.read(TRAINING_EXAMPLES).collect()})


def test_one_example_per_signature_and_locale_and_a_reason_for_every_other_signature(built: Built) -> None:
    counts = built.counts
    assert {(locale, r["signature"]) for locale, r in built.rows.items()} == {("de", "a"), ("en", "a")}
    assert (counts.rows_in, counts.kept, dict(counts.dropped)) == (3, 1, {"too_few_queries": 2})
    assert counts.produced["examples"] == counts.produced["train"] + counts.produced["held_out"] == 2


def test_an_answer_is_in_the_language_of_its_locale_and_fit_to_be_taught(built: Built) -> None:
    taught = {locale: {q for c in CATEGORIES for q in r[c]} for locale, r in built.rows.items()}
    assert taught["en"] <= set(ENGLISH)
    assert taught["de"] <= {query.lower() for query in (*GERMAN, "boho chair style")}
    assert len(taught["de"]) >= 3


def test_an_answer_holds_each_categorys_queries_and_the_shortfall_is_reported(built: Built) -> None:
    answers = [json.loads(r["response"]) for r in built.rows.values()]
    assert [len(built.rows["en"][c]) for c in CATEGORIES] == [2, 1, 3]
    for row, answer in zip(built.rows.values(), answers, strict=True):
        assert answer == {c: row[c] for c in CATEGORIES}
    for category, quota in (("description", 2), ("style", 2), ("use_case", 3)):
        given = sum(len(a[category]) for a in answers)
        assert built.counts.produced[f"{category}_queries"] == given
        assert built.counts.produced[f"{category}_shortfall"] == len(answers) * quota - given


def test_building_it_again_changes_no_table(built: Built) -> None:
    before = built.context.tables.version(TRAINING_EXAMPLES)
    built.context.run(JOB, BuildTrainingSet(vlm=BaseVlm(BASE)))
    assert built.context.tables.version(TRAINING_EXAMPLES) == before


def test_tokens_are_counted_and_what_does_not_fit_is_dropped_and_not_cut(built: Built) -> None:
    longest = max(r["visual_tokens"] + r["text_tokens"] + r["response_tokens"] for r in built.rows.values())
    assert {r["visual_tokens"] for r in built.rows.values()} == {20}
    assert built.counts.produced["longest_in_tokens"] == longest
    assert {r["dropped"] for r in built.rows.values()} == {None}
    tight = built.context.run(JOB, BuildTrainingSet(vlm=BaseVlm(BASE, max_sequence_tokens=100)))
    assert dict(tight.dropped) == {"too_few_queries": 2, "too_long": 1}
    stored = built.context.tables.read(TRAINING_EXAMPLES)
    assert taught(stored).isEmpty()
    assert {r["response"] for r in stored.collect()} == {r["response"] for r in built.rows.values()}, "not one is cut"


def test_bounds_of_the_configuration_change_what_an_image_costs(built: Built) -> None:
    built.context.run(JOB, BuildTrainingSet(vlm=BaseVlm(BASE, min_pixels=28 * 28 * 30, max_pixels=28 * 28 * 40)))
    row = built.context.tables.read(TRAINING_EXAMPLES).collect()[0]
    assert row["visual_tokens"] >= 30
