"""The same model is trained once, and the champion moves only to one that is no worse."""

import pytest

from geo_lib.errors import ModelError
from geo_lib.vlm import finetune as tuning
from geo_lib.vlm.finetune import Recipe
from geo_lib.vlm.parity import Parity
from geo_lib.vlm.settings import BaseVlm
from jobs.finetune_vlm import JOB, FinetuneVlm
from jobs.run.job import Context
from tests.jobs.teaching import teach
from tests.kit import TINY_BASE

pytestmark = pytest.mark.slow

NOTHING_COMPARED = {"parity_asked": 0, "parity_equal": 0}


@pytest.fixture
def examples(context: Context) -> Context:
    """Six training examples and three held-out ones."""
    teach(context, 9)
    return context


def knobs(*, compared: int = 0, **recipe: float | int) -> FinetuneVlm:
    """``compared``: examples that vLLM is asked as well, which takes an engine."""
    return FinetuneVlm(
        vlm=BaseVlm(str(TINY_BASE)),
        recipe=Recipe(**({"epochs": 2, "lora_rank": 4} | recipe)),  # type: ignore[arg-type]
        parity=Parity(examples=compared),
    )


def test_a_first_model_becomes_champion_and_the_same_one_is_not_trained_again(examples: Context) -> None:
    first = examples.run(JOB, knobs())
    champion = examples.models.resolve("vlm@champion")
    assert (first.rows_in, first.kept) == (9, 9)
    assert first.produced == {"trained": 1, "champion_moved": 1, "epochs": 2} | NOTHING_COMPARED
    assert "epoch 2: train" in first.report
    assert "held out" in first.report
    again = examples.run(JOB, knobs())
    assert again.produced == {"trained": 0, "champion_moved": 0, "epochs": 0} | NOTHING_COMPARED
    assert "reused" in again.report
    assert examples.models.resolve("vlm@champion") == champion


def test_the_base_is_registered_so_that_it_can_be_asked_untuned(examples: Context) -> None:
    examples.run(JOB, knobs(epochs=1))
    base = examples.models.resolve("vlm@base")
    assert base.path == str(TINY_BASE.absolute())
    assert base.model_version != examples.models.resolve("vlm@champion").model_version


def test_a_better_recipe_moves_the_champion_and_a_worse_one_is_kept_beside_it(examples: Context) -> None:
    examples.run(JOB, knobs(epochs=1, learning_rate=1e-5))
    weak = examples.models.resolve("vlm@champion")
    better = examples.run(JOB, knobs(epochs=6, learning_rate=2e-3))
    strong = examples.models.resolve("vlm@champion")
    assert better.produced["champion_moved"] == 1
    assert strong.model_version != weak.model_version
    worse = examples.run(JOB, knobs(epochs=1, learning_rate=1e-6))
    assert worse.produced["champion_moved"] == 0
    assert "not vlm@champion" in worse.report
    assert examples.models.resolve("vlm@champion") == strong


def test_parameters_and_losses_of_a_training_are_in_the_registry(examples: Context) -> None:
    examples.run(JOB, knobs())
    client = examples.models._client
    (found,) = client.search_runs([client.get_experiment_by_name("visual-geo").experiment_id])
    assert found.data.params["recipe.lora_rank"] == "4"
    assert found.data.params["train_examples"] == "6"
    assert [m.step for m in client.get_metric_history(found.info.run_id, "held_out_loss")] == [1, 2]


def test_a_model_that_lost_its_adapters_is_registered_and_no_champion_and_a_sound_one_moves_it(
    examples: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    strong = {"epochs": 8, "learning_rate": 2e-3}
    with monkeypatch.context() as lossy:
        lossy.setattr(tuning, "merged", lambda tuned: tuned.unload().eval())
        with pytest.raises(ModelError, match=r"the merge differs: .* of 3 answers") as lost:
            examples.run(JOB, knobs(compared=16, **strong))
    version = str(lost.value).partition(" ")[0]
    assert examples.models.known("vlm", version) is not None
    assert examples.models.find("vlm@champion") is None
    client = examples.models._client
    (found,) = client.search_runs([client.get_experiment_by_name("visual-geo").experiment_id])
    assert (found.data.metrics["parity_asked"], found.data.metrics["parity_equal"]) == (3, 0)

    sound = examples.run(JOB, knobs(compared=16, seed=1, **strong))
    assert sound.produced == {"trained": 1, "champion_moved": 1, "epochs": 8, "parity_asked": 3, "parity_equal": 3}
    assert "the same answer from vLLM as in training: 3 of 3 (16 were asked for)" in sound.report
