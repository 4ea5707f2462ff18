"""PageRank and click depth against closed forms, a dense solution and networkx."""

import networkx
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_lib.links.authority import LinkGraphError, adjacency, check, click_depth, pagerank

Edges = list[tuple[str, str, float]]


def graph(pages: list[str], edges: Edges) -> object:
    return adjacency(pd.Series(pages), pd.DataFrame(edges, columns=["source", "target", "weight"]))


def solved(pages: list[str], edges: Edges, damping: float) -> npt.NDArray[np.float64]:
    """The same ranks from the linear system (1 - d S') r = (1 - d) / n, dangling rows of S being uniform."""
    n = len(pages)
    steps = np.zeros((n, n))
    for source, target, weight in edges:
        steps[pages.index(source), pages.index(target)] += weight
    sums = steps.sum(axis=1, keepdims=True)
    steps = np.where(sums > 0, steps / np.where(sums > 0, sums, 1), 1 / n)
    return np.linalg.solve(np.eye(n) - damping * steps.T, np.full(n, (1 - damping) / n))


def test_a_ring_shares_alike() -> None:
    ring: Edges = [("a", "b", 1.0), ("b", "c", 1.0), ("c", "a", 1.0)]
    assert pagerank(graph(["a", "b", "c"], ring)) == pytest.approx([1 / 3] * 3, abs=1e-9)


def test_a_page_without_links_gives_its_share_to_all() -> None:
    ranks = pagerank(graph(["a", "b"], [("a", "b", 1.0)]), damping=0.85)
    # r_a = (0.15 + 0.85 r_b) / 2 and r_a + r_b = 1, so r_a = 1 / 2.85
    assert ranks == pytest.approx([1 / 2.85, 1.85 / 2.85], abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 12),
    edges=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.sampled_from([0.25, 1.0, 3.0])), max_size=40),
    damping=st.sampled_from([0.5, 0.85, 0.95]),
)
def test_ranks_sum_to_one_and_agree_with_the_linear_system_and_networkx(
    n: int, edges: list[tuple[int, int, float]], damping: float
) -> None:
    pages = [f"p{i:02d}" for i in range(n)]
    named = [(pages[a], pages[b], w) for a, b, w in edges if a < n and b < n and a != b]
    ranks = pagerank(graph(pages, named), damping=damping)
    assert ranks.sum() == pytest.approx(1.0, abs=1e-9)
    assert ranks == pytest.approx(solved(pages, named, damping), abs=1e-8)

    peer = networkx.DiGraph()
    peer.add_nodes_from(pages)
    for source, target, weight in named:
        before = peer.get_edge_data(source, target, {"weight": 0.0})["weight"]
        peer.add_edge(source, target, weight=before + weight)
    theirs = networkx.pagerank(peer, alpha=damping, tol=1e-12, max_iter=2000)
    assert ranks == pytest.approx([theirs[page] for page in pages], abs=1e-6)


def test_click_depth_is_the_fewest_clicks_and_infinite_where_nothing_leads() -> None:
    edges: Edges = [("a", "b", 9.0), ("b", "c", 9.0), ("a", "c", 0.1), ("c", "d", 1.0), ("e", "a", 1.0)]
    depth = click_depth(graph(["a", "b", "c", "d", "e"], edges), start=0)
    assert depth.tolist() == [0, 1, 1, 2, np.inf]


def test_everything_that_is_wrong_with_a_graph_is_counted_at_once() -> None:
    links = pd.DataFrame(
        [
            ("a", "b", "item", 1.0),
            ("a", "b", "item", 1.0),
            ("a", "a", "up", 1.0),
            ("a", "x", "up", 0.0),
            ("y", "b", "up", 1.0),
        ],
        columns=["source", "target", "kind", "weight"],
    )
    with pytest.raises(LinkGraphError) as caught:
        check(pd.Series(["a", "b", "b"]), links, max_links_per_page=2)
    assert str(caught.value) == (
        "of 3 pages and 5 links: 1 pages named more than once; 1 links that occur more than once; "
        "1 links from a page that is not planned; 1 links to a page that is not planned; "
        "1 links from a page to itself; 1 links without a positive weight; "
        "1 pages with more than 2 links, most on a (3): raise plan_links.max_links_per_page, or publish fewer "
        "collections (build_collections.min_demand)"
    )
