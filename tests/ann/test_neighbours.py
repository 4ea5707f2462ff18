"""Neighbours of each of a set: what an index finds is what brute force finds, whatever the blocks."""

import numpy as np

from geo_lib.ann.neighbours import neighbours
from geo_lib.ann.shard import Hnsw


def test_an_index_finds_the_neighbours_that_brute_force_finds() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(1_500, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"{n:04}" for n in random.permutation(1_500)]
    exact, found = (neighbours(ids, vectors, k=5, exact_up_to=most, hnsw=Hnsw()) for most in (1_500, 1_499))
    assert exact.shape == found.shape == (1_500, 6)
    assert (exact[:, 0] == np.arange(1_500)).all()
    assert np.mean([len(set(a) & set(b)) / 6 for a, b in zip(exact, found, strict=True)]) > 0.99


def test_a_set_smaller_than_the_neighbours_asked_for_is_found_whole() -> None:
    assert neighbours(["a", "b"], np.eye(2, dtype=np.float32), k=9, exact_up_to=10, hnsw=Hnsw()).tolist() == [
        [0, 1],
        [1, 0],
    ]
