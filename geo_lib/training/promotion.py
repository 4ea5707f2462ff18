"""From a recipe to a champion: the same model is trained once, and the alias moves only to one that is no worse."""

import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from geo_lib.models import CHAMPION, ModelFiles, Models, TrainingRun, made_from

log = logging.getLogger(__name__)

Train = Callable[[TrainingRun, Path], None]
"""Train, record into the run, and leave the model's files in the folder."""
HeldOutLoss = Callable[[ModelFiles], float | None]
"""What a registered model loses on the held-out examples of this training; null when there are none."""
Check = Callable[[ModelFiles], None]
"""Raise ``ModelError`` where a registered model is no worse, and yet must not serve."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """How a training ended."""

    model: ModelFiles
    is_trained: bool
    """False: the same model was there already."""
    is_champion: bool
    has_moved: bool
    """The alias names this model from now on, and named another one before or none."""


def promoted(
    models: Models,
    name: str,
    version: str,
    *,
    parameters: Mapping[str, object],
    train: Train,
    loss: HeldOutLoss,
    check: Check = lambda files: None,
    tag: str = CHAMPION,
) -> Promotion:
    """Have the model ``version`` of ``name``, and let ``<name>@<tag>`` name it unless it is worse than the present.

    ``version`` is a hash of all that makes the model: base, content, knobs and the trainer's own version. A model
    of that version is not trained again, only compared: it may have been found worse then, or the run stopped
    before it was. Where nothing can be measured, the newest wins. Whatever would be the champion is checked before:
    where ``check`` raises, the alias stays, and the model stays registered. One that was made from ``version`` and
    stands in its place is left there. ``parameters`` may be nested once.
    """
    alias = f"{name}@{tag}"
    champion, registered = models.find(alias), models.known(name, version)
    if (
        registered is not None
        and champion is not None
        and version in (champion.model_version, made_from(champion.model_version))
    ):
        log.info("%s is %s already", champion.model_version, alias)
        return Promotion(champion, is_trained=False, is_champion=True, has_moved=False)
    model = registered or _trained(models, name, version, parameters, train)
    is_champion = champion is None or _is_no_worse(loss(model), loss(champion))
    if is_champion:
        check(model)
        models.point(alias, version)
    return Promotion(model, is_trained=registered is None, is_champion=is_champion, has_moved=is_champion)


def _trained(models: Models, name: str, version: str, parameters: Mapping[str, object], train: Train) -> ModelFiles:
    """Train inside an MLflow run, and keep what came of it there."""
    with models.training(name, version, _flat(parameters)) as run, tempfile.TemporaryDirectory() as folder:
        train(run, Path(folder))
        return models.keep(name, version, Path(folder), run=run)


def _flat(settings: Mapping[str, object]) -> dict[str, object]:
    """Nested settings under dotted names, as MLflow's parameter table wants them."""
    flat: dict[str, object] = {}
    for name, value in settings.items():
        nested = {f"{name}.{k}": v for k, v in value.items()} if isinstance(value, Mapping) else {name: value}
        flat |= nested
    return flat


def _is_no_worse(new: float | None, old: float | None) -> bool:
    return new is None or old is None or new <= old
