"""Ranks of images in vectors that lack the query, against what can be counted by hand and a plain search."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_lib.embeddings.leave_one_out import ALONE, ranks


def unit(*vector: float) -> np.ndarray:
    return np.array(vector, np.float64) / np.linalg.norm(vector)


def test_a_query_does_not_find_an_image_by_its_own_words() -> None:
    query, other = unit(1, 0), unit(0, 1)
    # image 0 has the query and something else; image 1 only leans towards the query
    images = np.stack([3 * query + other, query + 2 * other])
    found = ranks(query[None], other[None], np.array([0]), np.array([0]), images)
    assert found.tolist() == [2]


def test_other_images_that_carry_the_query_are_seen_without_it_too() -> None:
    query, other, near = unit(1, 0), unit(0, 1), unit(1, 1)
    rest = np.stack([near, other])
    images = np.stack([near + query, other + 5 * query])
    found = ranks(query[None], rest, np.array([0, 0]), np.array([0, 1]), images)
    assert found.tolist() == [1, 2]


def test_an_image_of_which_nothing_else_is_known_has_no_rank() -> None:
    query = unit(1, 0)
    found = ranks(query[None], np.zeros((1, 2)), np.array([0]), np.array([0]), np.stack([query, unit(0, 1)]))
    assert found.tolist() == [ALONE]


def test_an_image_that_is_not_compared_is_ranked_all_the_same() -> None:
    query = unit(1, 0)
    images = np.stack([unit(1, 0.1), unit(1, 0.2), unit(0, 1)])
    found = ranks(query[None], unit(1, 0.15)[None], np.array([0]), np.array([-1]), images)
    assert found.tolist() == [2]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), images=st.integers(2, 12), queries=st.integers(1, 5))
def test_ranks_are_those_of_a_plain_search_of_each_pair(seed: int, images: int, queries: int) -> None:
    rng = np.random.default_rng(seed)
    texts = rng.normal(size=(queries + 3, 6))
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    carries = rng.random((images, queries + 3)) < 0.5
    sums = carries.astype(float) @ texts
    pairs = [(q, i) for q in range(queries) for i in range(images) if carries[i, q]]
    if not pairs:
        return
    pair_of, image_of = (np.array(side) for side in zip(*pairs, strict=True))
    rest = np.stack([sums[i] - texts[q] for q, i in pairs])
    found = ranks(texts[:queries], rest, pair_of, image_of, sums)
    for rank, (q, i) in zip(found.tolist(), pairs, strict=True):
        without = [sums[j] - (texts[q] if carries[j, q] else 0) for j in range(images)]
        lengths = [np.linalg.norm(it) for it in without]
        if lengths[i] < 1e-6:
            assert rank == ALONE
            continue
        cosines = [float(it @ texts[q] / n) if n > 1e-6 else -np.inf for it, n in zip(without, lengths, strict=True)]
        assert rank == 1 + sum(np.round(c, 6) > np.round(cosines[i], 6) for c in cosines)
