"""Which kind a query is, by a model that was trained on labels: believed where it is sure, else rules and prototypes.

A linear head on the vectors of a text encoder. Where there is no such model the rules tell all.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

from geo_lib.embeddings.encoder import TextEncoder, remembering, text_model
from geo_lib.errors import ModelError
from geo_lib.locales import language_of
from geo_lib.models import CATEGORIES_CHAMPION, ModelFiles
from geo_lib.queries.category import categories_of
from geo_lib.queries.text import normalise
from geo_lib.training.linear import LinearHead, Verdict

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """A query's category."""

    category: str
    confidence: float | None
    """Of the model that told it, 0 to 1; null where the rules did."""


@dataclass(frozen=True, slots=True)
class CategoryModel:
    """A head with the encoder whose vectors it reads."""

    head: LinearHead
    encoder: TextEncoder

    def verdicts(self, queries: Sequence[tuple[str, str]]) -> list[Verdict]:
        """What the head says of each (locale, raw query), in order, sure or not."""
        texts = [normalise(query, locale=locale) for locale, query in queries]
        return self.head.verdicts(self.encoder.encode(texts), [language_of(locale) for locale, _ in queries])


LoadCategories = Callable[[], CategoryModel]
"""Runs on workers and caches."""


@cache
def category_model(folder: str) -> CategoryModel:
    """The model in a folder. Raises ``ModelError`` when the encoder that it was trained with is another by now."""
    head = _fitting(folder)
    return CategoryModel(head, remembering(head.encoder))


def _fitting(folder: str) -> LinearHead:
    head = LinearHead.load(folder)
    encoder = text_model(head.encoder)
    if encoder.model_version != head.encoder_version:
        raise ModelError(
            f"{CATEGORIES_CHAMPION} was trained on vectors of {head.encoder} {head.encoder_version}, which is "
            f"{encoder.model_version} by now; run geo train-categories"
        )
    return head


def loader(files: ModelFiles | None) -> LoadCategories | None:
    """How a worker loads a registered model; null for none, and for one that does not fit its encoder any more: where
    no labels are left to train another, that would stop everything."""
    if files is None:
        return None
    try:
        _fitting(files.path)
    except ModelError as unfit:
        log.warning("rules alone tell categories: %s", unfit)
        return None
    return partial(category_model, files.path)


def told(queries: Sequence[tuple[str, str]], load: LoadCategories | None = None) -> list[Told]:
    """The category of each (locale, raw query), in order: by the model that ``load`` loads, where there is one and it
    is sure, else by the rules."""
    answers: list[Told | None] = [None] * len(queries)
    if load is not None and queries:
        said = load().verdicts(queries)
        answers = [Told(verdict.label, verdict.confidence) if verdict.is_sure else None for verdict in said]
    unsure = [place for place, answer in enumerate(answers) if answer is None]
    by_rules = dict(zip(unsure, categories_of([queries[place] for place in unsure]), strict=True))
    return [Told(by_rules[place], None) if answer is None else answer for place, answer in enumerate(answers)]
