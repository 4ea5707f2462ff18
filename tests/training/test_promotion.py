"""The same model is trained once, and the champion moves only to one that is no worse."""

from pathlib import Path

import pytest

from geo_lib.models import ModelFiles, Models, TrainingRun, made_from, preferred_version
from geo_lib.training.promotion import Promotion, promoted

LOSSES = {"first": 2.0, "worse": 3.0, "better": 1.0, "equal": 1.0}


def have(models: Models, version: str, trained: list[str], losses: dict[str, float] = LOSSES) -> Promotion:
    """Ask for a version whose training writes its name, and whose loss is in ``losses``."""

    def train(run: TrainingRun, folder: Path) -> None:
        trained.append(version)
        run.record({"loss": LOSSES[version]}, 1)
        (folder / "weights").write_text(version)

    def loss(files: ModelFiles) -> float | None:
        return losses.get(Path(files.path, "weights").read_text())

    return promoted(models, "ranker", version, parameters={"rank": 4}, train=train, loss=loss)


def test_the_champion_moves_to_what_is_no_worse_and_stays_with_the_better_of_two(models: Models) -> None:
    trained: list[str] = []
    moved = {version: have(models, version, trained).has_moved for version in ("first", "worse", "better", "equal")}
    assert moved == {"first": True, "worse": False, "better": True, "equal": True}
    assert models.resolve("ranker@champion").model_version == "equal"
    assert trained == ["first", "worse", "better", "equal"]


def test_a_champion_is_not_trained_again_and_a_model_left_behind_is_only_compared_again(models: Models) -> None:
    trained: list[str] = []
    first = have(models, "first", trained)
    again = have(models, "first", trained, losses={})
    assert (again.model, again.is_trained, again.is_champion, again.has_moved) == (first.model, False, True, False)
    have(models, "worse", trained)
    mended = have(models, "worse", trained, losses={"first": 2.0, "worse": 1.5})
    assert (mended.is_trained, mended.is_champion) == (False, True)
    assert models.resolve("ranker@champion").model_version == "worse"
    assert trained == ["first", "worse"]


def test_where_nothing_can_be_measured_the_newest_wins(models: Models) -> None:
    for version in ("first", "worse"):
        assert have(models, version, [], losses={}).is_champion


def test_what_was_made_from_a_model_and_serves_in_its_place_is_left_there(models: Models) -> None:
    have(models, "first", [])
    preferred = preferred_version("first", "recipe")
    assert made_from(preferred) == "first"
    files = have(models, "first", []).model
    models.register("ranker", ModelFiles(preferred, files.path, files.digest))
    models.point("ranker@champion", preferred)
    again = have(models, "first", [])
    assert (again.model.model_version, again.is_champion, again.has_moved) == (preferred, True, False)
    assert models.resolve("ranker@champion").model_version == preferred
    assert have(models, "better", []).has_moved, "another tuned model is compared with it"


def test_a_model_may_be_made_for_another_alias_than_the_champion(models: Models) -> None:
    have(models, "first", [])

    def train(run: TrainingRun, folder: Path) -> None:
        (folder / "weights").write_text("other")

    other = promoted(
        models,
        "ranker",
        "other",
        parameters={},
        train=train,
        loss=lambda files: None,
        tag="preferred",
    )
    assert other.has_moved
    assert models.resolve("ranker@preferred").model_version == "other"
    assert models.resolve("ranker@champion").model_version == "first"


def test_a_training_that_breaks_leaves_the_champion_and_registers_nothing(models: Models) -> None:
    have(models, "first", [])

    def broken(run: TrainingRun, folder: Path) -> None:
        (folder / "weights").write_text("half")
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        promoted(models, "ranker", "second", parameters={}, train=broken, loss=lambda files: 0.0)
    assert models.known("ranker", "second") is None
    assert models.resolve("ranker@champion").model_version == "first"
