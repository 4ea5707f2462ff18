"""Where an image stands for a query in vectors that do not know of that query. Pure: arrays alone.

An image's vector is the direction of the sum of its texts' vectors. With the query itself among them the query would
find the image by its own words; so it is taken out, of the image and of every other that carries it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from geo_lib.embeddings.vectors import Positions

Doubles = npt.NDArray[np.float64]
ALONE = 0
"""In place of a rank: nothing is known of the image but the query."""
_EMPTY = 1e-6
"""Length below which nothing is left of a sum."""
_DECIMALS = 6
"""Cosines that agree so far are equal, whatever was summed in which order."""


def ranks(queries: Doubles, rest: Doubles, pair_of: Positions, image_of: Positions, images: Doubles) -> Positions:
    """The rank of each pair's image for its query, 1 the best: one more than the images that are nearer; or ``ALONE``.

    ``queries``: unit vectors (q, d). A pair is a query with an image that carries it: ``pair_of`` (p,) is the row of
    its query, ``rest`` (p, d) the sum of the image's other texts. ``images``: sums of all texts (n, d) of those that
    are compared; ``image_of`` (p,) is the pair's row there, or -1: an image that is not among them is ranked, and
    compared with nobody else's.
    """
    cosines = np.round(_unit(images) @ queries.T, _DECIMALS)  # (n, q)
    own = np.round(np.einsum("pd,pd->p", _unit(rest), queries[pair_of]), _DECIMALS)
    is_compared = image_of >= 0
    cosines[image_of[is_compared], pair_of[is_compared]] = own[is_compared]
    nearer = np.array([(cosines[:, query] > cosine).sum() for query, cosine in zip(pair_of, own, strict=True)])
    return np.where(np.isnan(own), ALONE, nearer + 1).astype(np.int64)


def _unit(vectors: Doubles) -> Doubles:
    """The directions of vectors; NaN, which is nearer than nothing, where there is none."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        directions: npt.NDArray[Any] = np.where(lengths > _EMPTY, vectors / lengths, np.nan)
    return directions
