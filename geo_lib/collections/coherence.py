"""Whether the images of a collection have anything in common. Pure, but for a sample that the driver keeps.

People arrive at pages by mistake: "free wallpaper" is searched, lands anywhere, and some landings pass every bar of
the console. What gives such a query away is that its images are no more like each other than images drawn at random.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.embeddings.vectors import Vectors, stacked

_SAMPLE = 2_000
"""Images per locale that stand for all of it."""


@dataclass(frozen=True, slots=True)
class Background:
    """What images of a locale have in common by themselves."""

    centre: Vectors
    """Mean of their unit vectors, shape (dimension,)."""
    variance: float
    """Mean squared cosine of two of them around the centre."""
    images: int

    @staticmethod
    def of(vectors: Vectors, images: int) -> "Background":
        centre = vectors.mean(axis=0)
        around = _around(vectors, centre)
        n = len(around)
        squares = float(np.sum((around @ around.T) ** 2))
        return Background(centre, (squares - n) / (n * (n - 1)) if n > 1 else 0.0, images)

    def coherence(self, vectors: Vectors) -> float | None:
        """Standard deviations by which these images are more alike than as many drawn at random; null if untellable.

        The mean cosine of all pairs, over its standard deviation for a draw without replacement (a degenerate
        U-statistic).
        """
        around = _around(vectors, self.centre)
        n, of_all = len(around), self.images
        if n < 2 or of_all < 4 or n >= of_all:
            return None
        mean = (float(np.sum(around.sum(axis=0) ** 2)) - n) / (n * (n - 1))
        finite = (of_all - n) * (of_all - n - 1) / ((of_all - 2) * (of_all - 3))
        deviation = (2 * self.variance * finite / (n * (n - 1))) ** 0.5
        return round(mean / deviation, 3) if deviation > 0 else None


def backgrounds(vectors: DataFrame) -> dict[str, Background]:
    """By locale, from at most ``_SAMPLE`` images each, on the driver. ``vectors``: signature, locale, embedding."""
    drawn = Window.partitionBy("locale").orderBy(F.xxhash64("signature"), "signature")
    sample = (
        vectors.withColumns(
            {"nth": F.row_number().over(drawn), "images": F.count("*").over(Window.partitionBy("locale"))}
        )
        .where(F.col("nth") <= _SAMPLE)
        .select("locale", "images", "embedding")
        .toPandas()
    )
    return {
        str(locale): Background.of(stacked(rows["embedding"]), int(rows["images"].iloc[0]))
        for locale, rows in sample.groupby("locale")
    }


def coherence(items: DataFrame, vectors: DataFrame, backgrounds: Mapping[str, Background]) -> DataFrame:
    """``collection_id, coherence`` of every collection; see ``Background.coherence``.

    ``items``: collection_id, locale, signature; ``vectors``: signature, locale, embedding.
    """

    def of_one(rows: pd.DataFrame) -> pd.DataFrame:
        background = backgrounds[str(rows["locale"].iloc[0])]
        value = background.coherence(stacked(rows["embedding"]))
        return pd.DataFrame({"collection_id": rows["collection_id"].iloc[:1], "coherence": [value]}).astype(
            {"coherence": "float64"}
        )

    with_vectors = items.select("collection_id", "locale", "signature").join(
        vectors.select("signature", "locale", "embedding"), on=["signature", "locale"], how="inner"
    )
    return with_vectors.groupBy("collection_id").applyInPandas(of_one, "collection_id string, coherence double")


def _around(vectors: Vectors, centre: Vectors) -> Vectors:
    """The directions of the vectors seen from the centre; what lies on it points nowhere."""
    away = vectors - centre
    lengths = np.linalg.norm(away, axis=1, keepdims=True)
    directions: Vectors = np.divide(away, lengths, out=np.zeros_like(away), where=lengths > 1e-6)
    return directions
