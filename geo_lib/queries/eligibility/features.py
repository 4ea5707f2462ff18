"""What heads see of a text: what it means, and how it is written.

A sentence embedding knows words that no label had; hashed words and pieces of words know the telling ones, and those of
languages that the encoder hardly reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from geo_lib.embeddings.encoder import TextEncoder

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import HashingVectorizer

FEATURES_VERSION = 2
"""Raised when the same text would come out as other features."""
PLACES = 2**16
"""Of either kind of hash."""


@dataclass(frozen=True, slots=True)
class Features:
    """A text encoder and the hashes beside it."""

    encoder: TextEncoder

    def of(self, texts: Sequence[str]) -> Any:
        """SciPy's sparse rows, shape (texts, dimension of the encoder + 2 × ``PLACES``); the three parts of a row have
        length 1 each."""
        from scipy.sparse import csr_matrix, hstack

        words, pieces = _hashes()
        framed = [f"^ {text} $" for text in texts]  # where a text begins and ends is told by its words, too
        parts = [csr_matrix(self.encoder.encode(texts)), words.transform(framed), pieces.transform(texts)]
        return hstack(parts, format="csr")


@cache
def _hashes() -> "tuple[HashingVectorizer, HashingVectorizer]":
    from sklearn.feature_extraction.text import HashingVectorizer

    alike = {"n_features": PLACES, "norm": "l2", "alternate_sign": False}
    return (
        HashingVectorizer(analyzer="word", token_pattern=r"\S+", ngram_range=(1, 2), **alike),  # noqa: S106 - no password
        HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), **alike),
    )
