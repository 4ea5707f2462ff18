"""Vectors in columns and as arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import Column
from pyspark.sql import functions as F

Vectors = npt.NDArray[np.float32]
"""One vector per row."""
Positions = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]


def stacked(embeddings: "pd.Series[Any]") -> Vectors:
    """A pandas column of vectors as one array: shape (rows, dimension)."""
    return np.stack(embeddings.to_list()).astype(np.float32)


def unit_dot(left: Column, right: Column) -> Column:
    """Cosine of two columns of unit vectors, as a double; null where either is null."""
    products = F.zip_with(left, right, lambda a, b: a.cast("double") * b.cast("double"))
    return F.aggregate(products, F.lit(0.0), lambda total, product: total + product)


def vector_sum(vectors: Column) -> Column:
    """The sum of an array of vectors of one dimension, as doubles; null for an empty one."""
    first = F.transform(F.get(vectors, F.lit(0)), lambda value: value.cast("double"))
    return F.aggregate(F.slice(vectors, 2, F.size(vectors)), first, lambda total, one: F.zip_with(total, one, _plus))


def _plus(total: Column, value: Column) -> Column:
    return total + value.cast("double")


def exact_top_k(vectors: Vectors, queries: Vectors, *, k: int) -> tuple[Positions, Scores]:
    """Positions and cosines of the ``k`` nearest of each query, both (queries, min(k, rows)), best first: brute force.

    Both of unit vectors; equal cosines come in the order of the rows.
    """
    cosines = (queries @ vectors.T).astype(np.float32)
    best = np.argsort(-cosines, axis=1, kind="stable")[:, : min(k, len(vectors))]
    return best, np.take_along_axis(cosines, best, axis=1)
