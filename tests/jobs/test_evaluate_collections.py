"""What the pages show is measured against truth, or against a second source and by that name."""

from collections.abc import Mapping

import pytest

from jobs.evaluate_collections import JOB, EvaluateCollections
from jobs.run.job import Context
from schemas.annotations import ANNOTATIONS
from schemas.collection_items import COLLECTION_ITEMS
from schemas.collections import COLLECTIONS, PUBLISH
from schemas.evaluations import EVALUATIONS
from schemas.images import IMAGES
from schemas.queries import QUERIES
from schemas.truth_intents import TRUTH_INTENTS
from tests.builders import build

VASE, DESK = "vase", "desk"


@pytest.fixture
def published(context: Context) -> Context:
    """Page vase shows four images, of which three are of vases; page desk shows one, which is no desk."""
    spark, tables = context.spark, context.tables
    pages = [{"collection_id": q, "query_id": q, "title": q.title(), "slug": q, "locale": "en", "url": q,
              "state": PUBLISH, "family": "text", "items": n} for q, n in ((VASE, 4), (DESK, 1))]  # fmt: skip
    tables.write(COLLECTIONS, build(COLLECTIONS, spark, *pages))
    queries = [{"query_id": q, "query": q, "words": q, "locale": "en", "category": "description"} for q in (VASE, DESK)]
    tables.write(QUERIES, build(QUERIES, spark, *queries))
    items = [(VASE, "a"), (VASE, "b"), (VASE, "c"), (VASE, "d"), (DESK, "d")]
    shown = [{"collection_id": page, "family": "text", "image_id": image, "rank": 1} for page, image in items]
    tables.write(COLLECTION_ITEMS, build(COLLECTION_ITEMS, spark, *shown))
    tables.write(IMAGES, build(IMAGES, spark, *({"image_id": s, "signature": s, "locale": "en"} for s in "abcd")))
    sources = [("a", ["console", "vlm"]), ("b", ["vlm"])]
    said = [{"signature": s, "query_id": VASE, "query": VASE, "locale": "en", "category": "description", "sources": by}
            for s, by in sources]  # fmt: skip
    tables.write(ANNOTATIONS, build(ANNOTATIONS, spark, *said))
    return context


def test_pages_are_right_as_far_as_people_would_ask_for_their_images_so(published: Context) -> None:
    wanted = [{"signature": s, "locale": "en", "category": "description", "intent": "look", "head": "vases",
               "paraphrases": ["vases"]} for s in "abc"]  # fmt: skip
    published.tables.truth.write(TRUTH_INTENTS, build(TRUTH_INTENTS, published.spark, *wanted))
    counts = published.run(JOB, EvaluateCollections(min_images=3))
    assert (counts.rows_in, counts.kept, counts.produced["items"]) == (2, 2, 5)
    assert _measured(published, "collections") == {
        ("items_right", "overall"): (0.6, 2), ("items_right", "description"): (0.6, 2),
        ("items_right", "locale:en"): (0.6, 2),
        ("items_right", "page:desk"): (0.0, 1), ("items_right", "page:vase"): (0.75, 4),
        ("wishes_with_page", "overall"): (1.0, 1), ("pages_repeating_a_wish", "overall"): (0.0, 2),
        ("pages_nobody_wants", "overall"): (0.5, 2), ("pages_below_half", "overall"): (0.5, 2),
    }  # fmt: skip
    assert "worst  0 of 1 right  en  Desk\nworst  3 of 4 right  en  Vase" in counts.report


def test_without_a_truth_the_second_source_is_named(published: Context) -> None:
    published.run(JOB, EvaluateCollections())
    figures = _measured(published, "collections_second_source")
    assert figures["items_right", "overall"] == (0.2, 2)
    assert figures["items_right", "page:vase"] == (0.25, 4)
    assert published.tables.read(EVALUATIONS).where("evaluation = 'collections'").isEmpty()


def _measured(context: Context, evaluation: str) -> Mapping[tuple[str, str], tuple[float, int]]:
    rows = context.tables.read(EVALUATIONS).where(f"evaluation = '{evaluation}'").collect()
    return {(row["metric"], row["segment"]): (row["value"], row["n"]) for row in rows}
