"""Vectors in columns and as arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import Column
from pyspark.sql import functions as F

Vectors = npt.NDArray[np.float32]
"""One vector per row."""


def stacked(embeddings: "pd.Series[Any]") -> Vectors:
    """A pandas column of vectors as one array: shape (rows, dimension)."""
    return np.stack(embeddings.to_list()).astype(np.float32)


def unit_dot(left: Column, right: Column) -> Column:
    """Cosine of two columns of unit vectors, as a double; null where either is null."""
    products = F.zip_with(left, right, lambda a, b: a.cast("double") * b.cast("double"))
    return F.aggregate(products, F.lit(0.0), lambda total, product: total + product)
