"""Shards over arrays: no Spark here."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_lib.ann.search import merged_top_k
from geo_lib.ann.shard import Hnsw, build_shard, checksum, ids_path, load, recall, save
from geo_lib.embeddings.vectors import Vectors, exact_top_k
from geo_lib.errors import InputError, ModelError


def unit(rows: int, dimension: int = 16, seed: int = 0) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(rows, dimension)).astype(np.float32)
    unit_vectors: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit_vectors


def names(rows: int) -> list[str]:
    return [f"id{i:04d}" for i in range(rows)]


def test_more_neighbours_than_rows_gives_every_row_once() -> None:
    shard = build_shard(names(3), unit(3), Hnsw())
    positions, scores = shard.search(unit(2, seed=1), k=10, ef=64)
    assert [sorted(row) for row in positions.tolist()] == [[0, 1, 2], [0, 1, 2]]
    assert (np.diff(scores, axis=1) <= 0).all()


def test_a_shard_of_one_row_answers() -> None:
    positions, scores = build_shard(["only"], unit(1), Hnsw()).search(unit(1), k=5, ef=64)
    assert positions.tolist() == [[0]]
    assert scores[0, 0] == pytest.approx(1.0, abs=1e-6)


def test_the_order_of_the_rows_changes_nothing_not_even_the_file(tmp_path: Path) -> None:
    ids, vectors = names(200), unit(200)
    shuffled = np.random.default_rng(5).permutation(200)
    one = save(build_shard(ids, vectors, Hnsw()), tmp_path / "one.hnsw")
    other = save(build_shard([ids[i] for i in shuffled], vectors[shuffled], Hnsw()), tmp_path / "other.hnsw")
    assert one == other


def test_the_graph_finds_nearly_all_of_what_brute_force_finds() -> None:
    shard = build_shard(names(2000), unit(2000, 32), Hnsw())
    assert recall(shard, unit(50, 32, seed=9), k=10, ef=64) >= 0.95


def test_recall_counts_what_is_missed() -> None:
    shard = build_shard(names(2000), unit(2000, 64), Hnsw(m=6, ef_construction=8))
    queries = unit(50, 64, seed=9)
    positions, _ = shard.search(queries, k=10, ef=10)
    exact, _ = exact_top_k(unit(2000, 64), queries, k=10)
    by_hand = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(positions.tolist(), exact.tolist(), strict=True)])
    assert recall(shard, queries, k=10, ef=10) == pytest.approx(by_hand, abs=1e-6)
    assert by_hand < 0.9


def test_a_query_from_which_the_graph_cannot_be_walked_is_searched_exactly_and_no_other_with_it() -> None:
    queries = unit(50, 64, seed=9)
    shard = build_shard(names(2000), unit(2000, 64), Hnsw(m=2, ef_construction=2))
    positions, scores = shard.search(queries, k=10, ef=10)
    stuck = []
    for n, query in enumerate(np.split(queries, 50)):
        try:
            shard.graph.knn_query(query, k=10)
        except RuntimeError:
            stuck.append(n)
        alone = shard.search(query, k=10, ef=10)
        np.testing.assert_array_equal(positions[n : n + 1], alone[0], "whatever the batch")
        np.testing.assert_array_equal(scores[n : n + 1], alone[1])
    assert 0 < len(stuck) < 50
    np.testing.assert_array_equal(positions[stuck], exact_top_k(shard.vectors(), queries[stuck], k=10)[0])


def test_images_with_the_same_vector_are_as_good_as_each_other() -> None:
    same = np.repeat(unit(1), 30, axis=0)
    assert recall(build_shard(names(30), same, Hnsw()), unit(3, seed=2), k=10, ef=64) == 1.0


def test_many_images_of_one_vector_hide_no_others(tmp_path: Path) -> None:
    distinct = unit(100)
    vectors = np.repeat(distinct, 100, axis=0)
    shard = build_shard([f"id{i:05d}" for i in range(10_000)], vectors, Hnsw())
    saved = load(tmp_path / "s.hnsw", dimension=16, expected=save(shard, tmp_path / "s.hnsw"))
    for index in (shard, saved):
        positions, scores = index.search(distinct, k=150, ef=64)
        own = [[f"id{i:05d}" for i in range(100 * n, 100 * n + 100)] for n in range(100)]
        assert index.ids[positions[:, :100]].tolist() == own
        assert (np.diff(scores, axis=1) <= 0).all()
        assert recall(index, distinct, k=10, ef=64) == 1.0
        np.testing.assert_allclose(index.vectors(), vectors, atol=1e-6)


def test_a_saved_shard_comes_back_and_a_damaged_one_does_not(tmp_path: Path) -> None:
    shard, path, queries = build_shard(names(50), unit(50), Hnsw()), tmp_path / "en-000.hnsw", unit(4, seed=3)
    digest = save(shard, path)
    again = load(path, dimension=16, expected=digest)
    assert again.ids.tolist() == shard.ids.tolist()
    for ours, theirs in zip(again.search(queries, k=5, ef=64), shard.search(queries, k=5, ef=64), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    ids_path(path).write_text("swapped\nids")
    assert checksum(path) != digest
    with pytest.raises(ModelError, match="does not have the checksum"):
        load(path, dimension=16, expected=digest)
    with pytest.raises(ModelError, match="is missing"):
        load(tmp_path / "gone.hnsw", dimension=16, expected=digest)


def test_an_id_that_occurs_twice_is_refused() -> None:
    with pytest.raises(InputError, match="2 ids, 1 of them distinct"):
        build_shard(["a", "a"], unit(2), Hnsw())


@settings(deadline=None, max_examples=40)
@given(rows=st.integers(1, 30), shards=st.integers(1, 5), k=st.integers(1, 40), seed=st.integers(0, 99))
def test_shards_merged_are_the_exact_top_k_of_all_rows_whatever_the_cut(
    rows: int, shards: int, k: int, seed: int
) -> None:
    ids, vectors, queries = names(rows), unit(rows, seed=seed), unit(3, seed=seed + 100)
    cut = np.arange(rows) % shards
    parts = [
        build_shard([ids[i] for i in np.flatnonzero(cut == s)], vectors[cut == s], Hnsw())
        for s in range(shards)
        if (cut == s).any()
    ]
    merged = merged_top_k(["q0", "q1", "q2"], queries, parts, k=k, ef=64)
    positions, _ = exact_top_k(vectors, queries, k=k)
    assert merged["id"].tolist() == [ids[p] for row in positions for p in row]
    assert merged["rank"].tolist() == [r + 1 for _ in range(3) for r in range(min(k, rows))]


def test_equal_scores_are_ranked_by_id() -> None:
    same = np.repeat(unit(1), 3, axis=0)
    parts = [build_shard(["b", "d"], same[:2], Hnsw()), build_shard(["a"], same[:1], Hnsw())]
    assert merged_top_k(["q"], same[:1], parts, k=2, ef=64)["id"].tolist() == ["a", "b"]
