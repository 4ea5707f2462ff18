"""One vector for several texts."""

from collections.abc import Sequence

import numpy as np

from geo_lib.embeddings.encoder import TextEncoder
from geo_lib.embeddings.vectors import Vectors
from geo_lib.errors import ModelError


def pooled(encoder: TextEncoder, texts: Sequence[Sequence[str]]) -> Vectors:
    """One unit vector per list of texts: the direction of the mean of their unit vectors.

    Of the two ways to pool (one joined text, or a mean) the mean lets every text count alike, whatever its
    length and place, cuts nothing off at the model's window, and encodes a text that many images share once.
    The cosine of a query with an image is then, up to a factor of the image, its mean cosine with the texts.
    """
    distinct = sorted({text for several in texts for text in several})
    position = {text: row for row, text in enumerate(distinct)}
    vectors = _checked(encoder.encode(distinct), distinct)
    means = np.stack([vectors[[position[text] for text in several]].mean(axis=0) for several in texts])
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    if (lengths < 1e-6).any():
        row = int(np.argmin(lengths))
        raise ModelError(f"the vectors of {list(texts[row])} cancel out, so that no direction stands for them")
    unit: Vectors = (means / lengths).astype(np.float32)
    return unit


def _checked(vectors: Vectors, texts: Sequence[str]) -> Vectors:
    """The encoder's answer, if it is one finite unit vector per text."""
    if vectors.ndim != 2 or len(vectors) != len(texts):
        raise ModelError(f"{len(texts)} texts were given to the encoder, and an array of {vectors.shape} came back")
    off = np.abs(np.linalg.norm(vectors, axis=1) - 1.0)
    if len(texts) and not (off < 1e-3).all():
        row = int(np.nanargmax(np.where(np.isnan(off), np.inf, off)))
        raise ModelError(f"the vector of {texts[row]!r} is {off[row]:.3g} off unit length; the encoder is broken")
    return vectors
