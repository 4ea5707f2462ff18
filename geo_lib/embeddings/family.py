"""An embedding family: one space, and for each kind of entity what is encoded of it and by which model.

A configuration lists families; every job loops over them. The first one founds the pages: its images decide which
collections are published. The others are embedded, indexed and retrieved beside it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.embeddings.encoder import PACKAGED, TextEncoder, text_model
from geo_lib.embeddings.pooling import pooled
from geo_lib.embeddings.texts import image_texts, query_texts
from geo_lib.embeddings.vectors import Vectors
from geo_lib.errors import ConfigError

QUERIES = "queries"
IMAGES = "images"


@dataclass(frozen=True, slots=True)
class FamilySettings:
    """One of ``settings: families:``."""

    name: str = "minilm_text"
    encoder: str = PACKAGED
    """``packaged``, or the folder of a sentence-transformers model."""


Families = tuple[FamilySettings, ...]


def default_families() -> Families:
    return (FamilySettings(),)


class Encoder(Protocol):
    """A loaded model that encodes one kind of entity."""

    def encode(self, rows: pd.DataFrame) -> Vectors:
        """One unit vector per row, in order: shape (rows, dimension). The rows have ``EntityEncoder.inputs``."""
        ...


@dataclass(frozen=True, slots=True)
class EntityEncoder:
    """How a family sees one kind of entity."""

    model_version: str
    """Digest of the model's files: other weights are another model."""
    inputs: tuple[str, ...]
    """Columns that the model is shown of each row."""
    gathered: Callable[[Mapping[str, DataFrame]], DataFrame]
    """From tables by their names: a row per entity with ``id, locale, reason, input_hash`` and the inputs. ``reason``
    says why it cannot be encoded, null where it can."""
    load: Callable[[], Encoder]
    """Runs on workers and caches: Spark gives one worker many partitions in turn."""


@dataclass(frozen=True, slots=True)
class Family:
    """One embedding space; vectors of different families are never compared."""

    name: str
    encoders: Mapping[str, EntityEncoder]
    """By the kind of entity: ``queries``, ``images``."""


def family(settings: FamilySettings) -> Family:
    """The family of a text encoder: a query is its text, an image the direction of its queries and title.

    Raises ``ModelError`` when there is no such model.
    """
    model = text_model(settings.encoder)
    texts = partial(EntityEncoder, model.model_version, ("texts",), load=partial(MeanOfTexts.loaded, model.load))
    of_images = texts(gathered=lambda tables: image_texts(tables["images"], tables["annotations"]))
    of_queries = texts(gathered=lambda tables: query_texts(tables["queries"]))
    return Family(settings.name, {QUERIES: of_queries, IMAGES: of_images})


@dataclass(frozen=True, slots=True)
class MeanOfTexts:
    """Encodes rows of ``texts``: one vector for all the texts of a row."""

    model: TextEncoder

    @staticmethod
    def loaded(load: Callable[[], TextEncoder]) -> "MeanOfTexts":
        return MeanOfTexts(load())

    def encode(self, rows: pd.DataFrame) -> Vectors:
        return pooled(self.model, [list(texts) for texts in rows["texts"]])


def refuse_unlike_families(families: Families) -> None:
    """Raise ``ValueError`` unless there is a family and no name stands for two."""
    names = [settings.name for settings in families]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"families must be one or more of different names, not {', '.join(names) or 'none'}")


def founding(families: Families) -> str:
    """The family whose images decide which collections are published, and which the pages show: the first."""
    return families[0].name


def encoder_folders(families: Families) -> tuple[str, ...]:
    """The folders that the families' models lie in."""
    return tuple(settings.encoder for settings in families if settings.encoder != PACKAGED)


def vectors_of(embeddings: DataFrame, *, family: str, id_as: str) -> DataFrame:
    """``<id_as>, locale, model_version, embedding``: what one family has in a table of embeddings."""
    of_family = embeddings.where(F.col("family") == family)
    return of_family.select(F.col("id").alias(id_as), "locale", "model_version", "embedding")


def models_of(vectors: DataFrame) -> list[str | None]:
    """The ``model_version`` of the vectors, each once."""
    return [row["model_version"] for row in vectors.select("model_version").distinct().collect()]


def same_model(family: str, *, images: Collection[str | None], queries: Collection[str | None]) -> str | None:
    """The model that the vectors on both sides come from, or of the one that has any; null when neither has.

    Raises ``ConfigError`` when there is more than one: vectors of different encoders have no cosine.
    """
    versions = {*images, *queries}
    if len(versions) > 1:
        of_images, of_queries = (
            ", ".join(sorted(version or "no known model" for version in side)) or "no model"
            for side in (images, queries)
        )
        raise ConfigError(
            f"vectors of family {family} come from several models, which cannot be compared: those of images from "
            f"{of_images}, those of queries from {of_queries}. Both sides have the encoder that settings: families: "
            "names; run geo embed-queries, geo embed-images and geo build-index again."
        )
    return versions.pop() if versions else None
