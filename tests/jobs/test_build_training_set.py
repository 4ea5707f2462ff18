"""Every signature that comes in is an example or has a reason not to be one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

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
from schemas.oracle_queries import ORACLE_QUERIES
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
THOUGHT_OF = (("armchair next to the window", "description"), ("cottage reading nook style", "style"),
              ("gift for a friend who reads", "use_case"), ("make a cosy corner for the cat", "use_case"))  # fmt: skip
KNOBS = BuildTrainingSet(vlm=BaseVlm(BASE), min_queries=3)


@dataclass(frozen=True, slots=True)
class Built:
    """A training set, what its making counted, and its rows."""

    context: Context
    counts: Counts
    rows: Mapping[tuple[str, str], Row]
    """By signature and locale."""


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Three signatures: one in two locales with queries in both languages, one with two queries that an oracle adds to,
    one with none."""
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
    told = enumerate(THOUGHT_OF, 1)
    labels = [{"signature": "b", "locale": "en", "query": q, "category": c, "position": n} for n, (q, c) in told]
    tables.write(ORACLE_QUERIES, build(ORACLE_QUERIES, spark, *labels))
    counts = context.run(JOB, KNOBS)
    rows_of = {(r["signature"], r["locale"]): r for r in tables.read(TRAINING_EXAMPLES).collect()}
    return Built(context, counts, rows_of)


def test_one_example_per_signature_and_locale_and_a_reason_for_every_other_signature(built: Built) -> None:
    counts = built.counts
    assert built.rows.keys() == {("a", "de"), ("a", "en"), ("b", "en")}
    assert (counts.rows_in, counts.kept, dict(counts.dropped)) == (3, 2, {"too_few_queries": 1})
    assert counts.produced["examples"] == counts.produced["train"] + counts.produced["held_out"] == 3


def test_an_oracle_adds_to_what_was_searched_and_each_query_says_whose_it_is(built: Built) -> None:
    whole = {key: {query for c in CATEGORIES for query in row[c]} for key, row in built.rows.items()}
    assert whole["b", "en"] & set(ENGLISH[:2]), "what was searched comes first"
    assert {key: set(row["from_oracle"]) for key, row in built.rows.items()} == {
        key: queries & {query for query, _ in THOUGHT_OF} for key, queries in whole.items()
    }
    assert built.counts.produced["from_oracle"] == len(built.rows["b", "en"]["from_oracle"]) > 0


def test_an_answer_is_in_the_language_of_its_locale_and_fit_to_be_taught(built: Built) -> None:
    taught = {key: {q for c in CATEGORIES for q in r[c]} for key, r in built.rows.items()}
    assert taught["a", "en"] <= set(ENGLISH)
    assert taught["a", "de"] <= {query.lower() for query in (*GERMAN, "boho chair style")}
    assert min(map(len, taught.values())) >= KNOBS.min_queries


def test_an_answer_holds_each_categorys_queries_and_the_shortfall_is_reported(built: Built) -> None:
    answers = [json.loads(r["response"]) for r in built.rows.values()]
    produced = built.counts.produced
    for row, answer in zip(built.rows.values(), answers, strict=True):
        assert answer == {c: row[c] for c in CATEGORIES}
    for category, quota in (("description", 2), ("style", 2), ("use_case", 3)):
        given = sum(len(a[category]) for a in answers)
        assert produced[f"{category}_queries"] == given
        assert given + produced[f"{category}_given_up"] + produced[f"{category}_shortfall"] == len(answers) * quota
    assert sum(produced[f"{category}_given_up"] for category in CATEGORIES) > 0


def test_building_it_again_changes_no_table(built: Built) -> None:
    before = built.context.tables.version(TRAINING_EXAMPLES)
    built.context.run(JOB, KNOBS)
    assert built.context.tables.version(TRAINING_EXAMPLES) == before


def test_tokens_are_counted_and_what_does_not_fit_is_dropped_and_not_cut(built: Built) -> None:
    longest = max(r["visual_tokens"] + r["text_tokens"] + r["response_tokens"] for r in built.rows.values())
    assert {r["visual_tokens"] for r in built.rows.values()} == {20}
    assert built.counts.produced["longest_in_tokens"] == longest
    assert {r["dropped"] for r in built.rows.values()} == {None}
    tight = built.context.run(JOB, replace(KNOBS, vlm=BaseVlm(BASE, max_sequence_tokens=100)))
    assert dict(tight.dropped) == {"too_few_queries": 1, "too_long": 2}
    stored = built.context.tables.read(TRAINING_EXAMPLES)
    assert taught(stored).isEmpty()
    assert {r["response"] for r in stored.collect()} == {r["response"] for r in built.rows.values()}, "not one is cut"


def test_bounds_of_the_configuration_change_what_an_image_costs(built: Built) -> None:
    bounds = BaseVlm(BASE, min_pixels=28 * 28 * 30, max_pixels=28 * 28 * 40)
    built.context.run(JOB, replace(KNOBS, vlm=bounds))
    row = built.context.tables.read(TRAINING_EXAMPLES).collect()[0]
    assert row["visual_tokens"] >= 30
