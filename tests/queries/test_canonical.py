"""What a query has when others go by it."""

import pytest
from pyspark.sql import DataFrame, SparkSession

from geo_lib.queries.canonical import canonical_annotations, canonical_queries, goes_by
from schemas.annotations import ANNOTATIONS
from schemas.queries import QUERIES
from schemas.query_merges import QUERY_MERGES
from tests.builders import build

pytestmark = pytest.mark.transform


@pytest.fixture(scope="module")
def tables(spark: SparkSession) -> tuple[DataFrame, DataFrame, DataFrame]:
    """queries, annotations, query_merges: two go by vase; one by a query that is no more; one is new."""
    texts = {"vase": 5, "vases": 3, "vaze": 0, "rug": 1, "sofa": 2}
    queries = build(
        QUERIES,
        spark,
        *(
            {"query_id": text, "query": text, "demand": demand, "aliases": [f"a {text}"]}
            for text, demand in texts.items()
        ),
        locale="en",
        images=2,
    )
    said = [
        ("s1", "vase", 2, ["vlm"]),
        ("s1", "vases", 1, ["console", "vlm"]),
        ("s2", "vaze", 1, ["vlm"]),
        ("s2", "rug", 2, ["vlm"]),
    ]
    annotations = build(
        ANNOTATIONS,
        spark,
        *(
            {"signature": s, "query_id": q, "query": q, "position": n, "sources": of, "confirmed": "console" in of}
            | {"category": "style" if q == "vases" else "description"}
            for s, q, n, of in said
        ),
        locale="en",
    )
    merges = build(
        QUERY_MERGES,
        spark,
        *(
            {"query_id": own, "canonical_id": canonical}
            for own, canonical in {"vase": "vase", "vases": "vase", "vaze": "vase", "rug": "carpet"}.items()
        ),
    )
    return queries, annotations, merges


def test_demand_aliases_and_images_add_up_and_no_query_is_lost(
    tables: tuple[DataFrame, DataFrame, DataFrame],
) -> None:
    queries, annotations, merges = tables
    by = goes_by(queries, merges)
    assert {tuple(it) for it in by.collect()} == {
        *(("vase", "vase"), ("vases", "vase"), ("vaze", "vase"), ("rug", "rug"), ("sofa", "sofa"))
    }
    found = {
        it.query_id: it
        for it in canonical_queries(queries, by, canonical_annotations(annotations, queries, by)).collect()
    }
    assert set(found) == {"vase", "rug", "sofa"}
    assert (found["vase"].demand, found["vase"].images) == (8, 2)
    assert found["vase"].aliases == ["a vase", "a vases", "a vaze", "vases", "vaze"]
    assert sum(it.demand for it in found.values()) == 11


def test_evidence_of_an_alias_is_evidence_of_the_query_that_it_goes_by(
    tables: tuple[DataFrame, DataFrame, DataFrame],
) -> None:
    queries, annotations, merges = tables
    found = {
        (it.signature, it.query_id): it
        for it in canonical_annotations(annotations, queries, goes_by(queries, merges)).collect()
    }
    assert set(found) == {("s1", "vase"), ("s2", "vase"), ("s2", "rug")}
    both = found["s1", "vase"]
    assert (both.query, both.sources, both.confirmed, both.position, both.category) == (
        *("vase", ["console", "vlm"], True, 1, "style"),
    )
