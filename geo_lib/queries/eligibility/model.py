"""The model that judges whether a page may stand for a text: one sure yes of a head stops it.

Every head has a threshold per language, stored with it: where it was measured to be right often enough. A head that
never was has none, and stops nothing. Linear heads or a tuned LLaMA, behind one protocol.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol

from geo_lib.embeddings.encoder import TextModel, remembering, text_model
from geo_lib.errors import ModelError
from geo_lib.locales import language_of
from geo_lib.models import ELIGIBILITY_CHAMPION, ModelFiles
from geo_lib.queries.eligibility.features import FEATURES_VERSION, Features
from geo_lib.queries.eligibility.heads import FIT, HEADS
from geo_lib.queries.text import normalise
from geo_lib.training.linear import LinearHead, Scores, Thresholds, Verdict, verdicts_of

log = logging.getLogger(__name__)

LINEAR, LLAMA = "linear", "llama"
_KIND = "eligibility.json"


class EligibilityModel(Protocol):
    """Heads that can be asked."""

    @property
    def thresholds(self) -> Mapping[str, Thresholds]:
        """Those of each head, by its name."""
        ...

    def probabilities(self, texts: Sequence[str]) -> Mapping[str, Scores]:
        """For each head, of each normalised text, that it is fit and that it is of the kind: shape (texts, 2)."""
        ...


@dataclass(frozen=True, slots=True)
class LinearHeads:
    """A linear head each, on the same features."""

    heads: Mapping[str, LinearHead]
    features: Features

    @property
    def thresholds(self) -> Mapping[str, Thresholds]:
        return {name: head.thresholds for name, head in self.heads.items()}

    def probabilities(self, texts: Sequence[str]) -> Mapping[str, Scores]:
        vectors = self.features.of(texts)
        return {name: head.probabilities(vectors) for name, head in self.heads.items()}


Load = Callable[[], EligibilityModel]
"""Runs on workers and caches."""


def verdicts(model: EligibilityModel, queries: Sequence[tuple[str, str]]) -> dict[str, list[Verdict]]:
    """What each head says of each (locale, raw query), in order."""
    if not queries:
        return {}
    shares = model.probabilities([normalise(query, locale=locale) for locale, query in queries])
    languages = [language_of(locale) for locale, _ in queries]
    return {
        name: verdicts_of(of_head, (FIT, name), model.thresholds[name], languages) for name, of_head in shares.items()
    }


def objections(model: EligibilityModel, queries: Sequence[tuple[str, str]]) -> list[str | None]:
    """For each (locale, raw query) the first head that is sure of it; null where none is."""
    said = verdicts(model, queries)
    in_order = [(name, said[name]) for name in HEADS if name in said]
    return [
        next((name for name, of_it in in_order if of_it[place].label == name and of_it[place].is_sure), None)
        for place in range(len(queries))
    ]


def encoder_version(encoder: TextModel) -> str:
    """What linear heads were trained on: the encoder, and how its vectors are made features."""
    return f"{encoder.model_version}+{FEATURES_VERSION}"


def save_kind(folder: Path, kind: str, **rest: Any) -> None:
    (folder / _KIND).write_text(json.dumps({"kind": kind, **rest}, indent=2) + "\n", encoding="utf-8")


def kind_of(folder: str | Path) -> dict[str, Any]:
    """What ``save_kind`` wrote. Raises ``ModelError`` where it did not."""
    path = Path(folder, _KIND)
    if not path.is_file():
        raise ModelError(f"there is no eligibility model in {folder}: it would have {_KIND}; run geo train-eligibility")
    said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return said


def save_heads(heads: Mapping[str, LinearHead], folder: Path) -> None:
    save_kind(folder, LINEAR, heads=list(heads))
    for name, head in heads.items():
        (folder / name).mkdir()
        head.save(folder / name)


@cache
def eligibility_model(folder: str) -> EligibilityModel:
    """The model in a folder. Raises ``ModelError`` when its encoder is another by now."""
    said = kind_of(folder)
    if said["kind"] == LLAMA:
        from geo_lib.queries.eligibility.llama import load

        return load(folder)
    heads = _fitting(folder, said["heads"])
    encoder = next(iter(heads.values())).encoder
    return LinearHeads(heads, Features(remembering(encoder)))


def _fitting(folder: str, names: Sequence[str]) -> dict[str, LinearHead]:
    heads = {name: LinearHead.load(Path(folder, name)) for name in names}
    for head in heads.values():
        if (version := encoder_version(text_model(head.encoder))) != head.encoder_version:
            raise ModelError(
                f"{ELIGIBILITY_CHAMPION} was trained on features of {head.encoder} {head.encoder_version}, which is "
                f"{version} by now; run geo train-eligibility"
            )
    return heads


def loader(files: ModelFiles | None) -> Load | None:
    """How a worker loads a registered model; null for none, and for one that does not fit its encoder any more: lists
    judge alone then."""
    if files is None:
        return None
    try:
        said = kind_of(files.path)
        if said["kind"] == LINEAR:
            _fitting(files.path, said["heads"])
    except ModelError as unfit:
        log.warning("lists alone judge eligibility: %s", unfit)
        return None
    return partial(eligibility_model, files.path)
