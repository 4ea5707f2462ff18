"""LoRA where it belongs, a loss that is Eq. 2, and a merged model that serving can use."""

from pathlib import Path

import pytest

from geo_lib import config
from geo_lib.errors import ConfigError, ModelError
from geo_lib.models import ModelFiles
from geo_lib.serving.processor import load_processor
from geo_lib.vlm.features import VisualFeatures
from geo_lib.vlm.finetune import Recipe, adapted, finetune, load, loss_of, refuse_visual_adapters
from geo_lib.vlm.trainer import Record
from tests.kit import TINY_BASE, drawn
from tests.vlm.training import as_examples, contents


def _steps_into(steps: list[int]) -> Record:
    return lambda metrics, step: steps.append(step)


def test_adapters_sit_on_every_linear_of_the_language_part_and_on_nothing_else() -> None:
    tuned = adapted(load(str(TINY_BASE)), Recipe(lora_rank=2))
    trained = {name for name, parameter in tuned.named_parameters() if parameter.requires_grad}
    layers = tuned.config.get_text_config().num_hidden_layers
    assert len(trained) == layers * 7 * 2
    assert all(".language_model." in name and "lora_" in name for name in trained)


def test_an_adapter_in_the_vision_tower_is_refused_because_serving_would_leave_it_out() -> None:
    from peft import LoraConfig, get_peft_model

    everywhere = get_peft_model(load(str(TINY_BASE)), LoraConfig(r=2, target_modules="all-linear"))
    with pytest.raises(ModelError, match="in the vision tower"):
        refuse_visual_adapters(everywhere)


def test_tuning_changes_the_language_part_alone_and_leaves_no_adapter_behind(tuned_vlm: ModelFiles) -> None:
    before, after = load(str(TINY_BASE)).state_dict(), load(tuned_vlm.path).state_dict()
    assert before.keys() == after.keys()
    changed = {name for name in before if not before[name].equal(after[name])}
    assert changed
    assert all(".language_model." in name and name.endswith("_proj.weight") for name in changed)


def test_tuning_learns_its_examples(tuned_vlm: ModelFiles) -> None:
    pictures = drawn(24)
    losses = []
    for path in (str(TINY_BASE), tuned_vlm.path):
        model, processor = load(path), load_processor(path)
        features = VisualFeatures(model, processor, contents(pictures), keep=False)
        losses.append(loss_of(model, processor, as_examples(pictures), features, 8).per_token)
    assert losses[1] < 0.5 * losses[0]


def test_the_same_seed_gives_the_same_losses_with_features_kept_or_not() -> None:
    pictures = drawn(9)
    examples, images = as_examples(pictures), contents(pictures)
    losses: list[list[float]] = []
    for keep in (True, False):
        steps: list[int] = []
        _, history = finetune(
            load(str(TINY_BASE)),
            load_processor(str(TINY_BASE)),
            train=examples[:7],
            held_out=examples[7:],
            images=images,
            recipe=Recipe(epochs=2, batch_size=4, gradient_accumulation=2, lora_rank=4, keep_visual_features=keep),
            record=_steps_into(steps),
        )
        losses.append([loss for e in history if e.held_out for loss in (e.train.per_token, e.held_out.per_token)])
        assert steps == [1, 1, 2, 2], "two batches make one step, and each epoch closes with its own losses"
    assert len(losses[0]) == 4
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_no_examples_is_an_error_that_points_to_the_training_set(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="build-training-set"):
        finetune(
            load(str(TINY_BASE)), load_processor(str(TINY_BASE)), train=(), held_out=(), images={}, recipe=Recipe()
        )


def test_a_recipe_that_cannot_be_is_named() -> None:
    with pytest.raises(ConfigError, match=r"finetune_vlm.recipe: epochs must be at least 1, not 0"):
        config.build(Recipe, {"epochs": 0}, what="finetune_vlm.recipe")


def test_a_base_of_another_architecture_is_named_with_what_it_should_be(tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    tiny = LlamaConfig(vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)
    LlamaForCausalLM(tiny).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"is a llama, and what is tuned here is a qwen2_vl; give settings\.vlm\.base"):
        load(str(tmp_path))
