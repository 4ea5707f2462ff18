"""Encoding over partitions: what is new or changed, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from geo_lib.counts import Counts
from geo_lib.embeddings import refresh
from geo_lib.embeddings.family import EntityEncoder, Family, MeanOfTexts
from geo_lib.embeddings.texts import image_texts, query_texts
from geo_lib.embeddings.vectors import Vectors
from schemas.annotations import ANNOTATIONS
from schemas.images import IMAGES
from schemas.queries import QUERIES
from schemas.query_embeddings import QUERY_EMBEDDINGS
from tests.builders import build


class Letters:
    """A text model that needs no file: how often each letter occurs, as a direction."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        counts = np.array([[text.count(chr(97 + n)) for n in range(26)] for text in texts], dtype=np.float32)
        vectors: Vectors = counts / np.linalg.norm(counts, axis=1, keepdims=True)
        return vectors


OF_QUERIES = EntityEncoder(
    model_version="v1",
    inputs=("texts",),
    gathered=lambda tables: query_texts(tables["queries"]),
    load=lambda: MeanOfTexts(Letters()),
)
FAMILY = Family("minilm_text", {"queries": OF_QUERIES})


def refreshed(tables: Mapping[str, DataFrame], stored: DataFrame, *families: Family, entity: str) -> DataFrame:
    return refresh.refreshed(tables, stored, families, entity=entity, tasks=1).persist()


def test_only_new_or_changed_texts_reach_the_model_and_the_rest_keep_their_vectors(spark: SparkSession) -> None:
    old = [{"query_id": "q1", "query": "oak table"}, {"query_id": "q2", "query": "desk"}]
    hashes = {r.id: r.input_hash for r in query_texts(build(QUERIES, spark, *old, locale="en")).collect()}
    vector = {"family": "minilm_text", "model_version": "v1", "embedding": [1.0, 0.0]}
    stored = build(QUERY_EMBEDDINGS, spark, *({"id": i, "input_hash": h} | vector for i, h in hashes.items()))
    now = [old[0], {"query_id": "q2", "query": "standing desk"}, {"query_id": "q3", "query": "lamp"}]
    tables = {"queries": build(QUERIES, spark, *now, locale="en")}

    # another name and another model: two spaces that share nothing with what is stored
    other = replace(FAMILY, name="other", encoders={"queries": replace(OF_QUERIES, model_version="v2")})
    rows = refreshed(tables, stored, FAMILY, other, entity="queries")
    fresh = {(row.family, row.id): row.is_fresh for row in rows.collect()}
    assert fresh == {
        ("minilm_text", "q1"): False,
        ("minilm_text", "q2"): True,
        ("minilm_text", "q3"): True,
        **{("other", q): True for q in ("q1", "q2", "q3")},
    }
    assert refresh.counts_of(rows, rows_in=6) == Counts(rows_in=6, kept=6, produced={"encoded": 5})
    embedded = {(r.family, r.id): r for r in QUERY_EMBEDDINGS.conform(refresh.embeddings(rows)).collect()}
    assert embedded["minilm_text", "q1"].embedding == [1.0, 0.0]
    assert embedded["other", "q1"].model_version == "v2"
    assert np.linalg.norm(embedded["minilm_text", "q3"].embedding) == pytest.approx(1.0, abs=1e-5)


def test_what_cannot_be_encoded_has_a_reason_and_no_row(spark: SparkSession) -> None:
    encoder = replace(OF_QUERIES, gathered=lambda tables: image_texts(tables["images"], tables["annotations"]))
    shown = [{"image_id": "a", "signature": "s1", "title": "Oak lamp"}, {"image_id": "b", "signature": "s2"}]
    tables = {"images": build(IMAGES, spark, *shown, locale="en"), "annotations": build(ANNOTATIONS, spark)}
    family = Family("minilm_text", {"images": encoder})
    rows = refreshed(tables, build(QUERY_EMBEDDINGS, spark), family, entity="images")
    assert [row.id for row in refresh.embeddings(rows).collect()] == ["s1"]
    assert refresh.counts_of(rows, rows_in=2) == Counts(
        rows_in=2, kept=1, dropped={"no_text": 1}, produced={"encoded": 1}
    )
