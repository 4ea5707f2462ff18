"""What the link graph gives each page: weighted PageRank, degrees and click depth.

One machine and scipy: 5 million links take a second. All links come to the driver, so its memory and
``spark.driver.maxResultSize`` bound the graph.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import DataFrame
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from geo_lib.addresses import HOME
from geo_lib.errors import GeoError
from geo_lib.spark import local_frame

_AUTHORITY = "page string, kind string, id string, pagerank double, in_links bigint, out_links bigint, click_depth int"


class LinkGraphError(GeoError):
    """The planned links are no graph over the planned pages."""


def page_authority(pages: DataFrame, links: DataFrame, *, damping: float, max_links_per_page: int) -> DataFrame:
    """``page, kind, id, pagerank, in_links, out_links, click_depth`` of every page.

    Links of several kinds between the same pages are one link with the sum of their weights. Raises
    ``LinkGraphError`` with exact counts when pages and links do not fit together.
    """
    nodes = pages.select("page", "kind", "id").toPandas().sort_values("page", ignore_index=True)
    edges = links.select("source", "target", "kind", "weight").toPandas()
    edges = edges.sort_values(["source", "target", "kind"], ignore_index=True)
    check(nodes["page"], edges, max_links_per_page=max_links_per_page)
    graph = adjacency(nodes["page"], edges)
    depth = click_depth(graph, start=int(nodes["page"].searchsorted(HOME))) if len(nodes) else np.empty(0)
    authority = nodes.assign(
        pagerank=np.round(pagerank(graph, damping=damping), 9),
        in_links=np.bincount(graph.indices, minlength=len(nodes)),
        out_links=np.diff(graph.indptr),
    )
    rows = [
        (*row, None if np.isinf(clicks) else int(clicks))
        for row, clicks in zip(authority.itertuples(index=False, name=None), depth, strict=True)
    ]
    return local_frame(pages.sparkSession, rows, _AUTHORITY)


def check(pages: "pd.Series[str]", links: pd.DataFrame, *, max_links_per_page: int) -> None:
    """Raise ``LinkGraphError`` unless pages are unique, links join two different known pages, and none is twice."""
    known = set(pages)
    degrees = links.groupby("source")["target"].nunique()
    problems = {
        "pages named more than once": int(pages.duplicated().sum()),
        "links that occur more than once": int(links.duplicated(["source", "target", "kind"]).sum()),
        "links from a page that is not planned": int((~links["source"].isin(known)).sum()),
        "links to a page that is not planned": int((~links["target"].isin(known)).sum()),
        "links from a page to itself": int((links["source"] == links["target"]).sum()),
        "links without a positive weight": int((~(links["weight"] > 0)).sum()),
        f"pages with more than {max_links_per_page} links, {_fullest(degrees)}: raise plan_links.max_links_per_page, "
        "or publish fewer collections (build_collections.min_demand)": int((degrees > max_links_per_page).sum()),
    }
    if found := [f"{count:,} {what}" for what, count in problems.items() if count]:
        raise LinkGraphError(f"of {len(pages):,} pages and {len(links):,} links: " + "; ".join(found))


def _fullest(degrees: "pd.Series[int]") -> str:
    """The page with most links, of equals the first by address."""
    return f"most on {degrees.idxmax()} ({degrees.max():,})" if len(degrees) else "on none"


def adjacency(pages: "pd.Series[str]", links: pd.DataFrame) -> csr_matrix:
    """Rows link to columns; both in the order of ``pages``, which is sorted."""
    source = pages.searchsorted(links["source"])
    target = pages.searchsorted(links["target"])
    shape = (len(pages), len(pages))
    graph = csr_matrix((links["weight"].to_numpy(np.float64), (source, target)), shape=shape)
    graph.sum_duplicates()
    return graph


def pagerank(
    graph: csr_matrix, *, damping: float = 0.85, tolerance: float = 1e-12, max_rounds: int = 1000
) -> npt.NDArray[np.float64]:
    """Stationary share of a surfer who follows links by weight and, with ``1 - damping``, starts anywhere.

    A page without links sends its share to all pages alike (Page et al. 1999; as networkx does). Sums to 1.
    Stops when a round moves less than ``tolerance`` in all; each round shrinks that by ``damping``.
    """
    pages = graph.shape[0]
    out_weight = np.asarray(graph.sum(axis=1)).ravel()
    is_dangling = out_weight == 0
    scale = np.divide(1.0, out_weight, out=np.zeros(pages), where=~is_dangling)
    arrivals = graph.T.tocsr()
    rank: npt.NDArray[np.float64] = np.full(pages, 1.0 / max(pages, 1))
    for _ in range(max_rounds):
        before = rank
        everywhere = damping * before[is_dangling].sum() + (1.0 - damping)
        rank = damping * (arrivals @ (before * scale)) + everywhere / max(pages, 1)
        if np.abs(rank - before).sum() < tolerance:
            return rank
    raise LinkGraphError(f"PageRank did not settle to {tolerance} in {max_rounds} rounds at damping {damping}")


def click_depth(graph: csr_matrix, *, start: int) -> npt.NDArray[np.float64]:
    """Fewest links from ``start`` to each page; infinite where no path leads."""
    depth: npt.NDArray[np.float64] = dijkstra(graph, unweighted=True, indices=start)
    return depth
