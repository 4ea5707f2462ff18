"""LoRA where it belongs, a loss that is Eq. 2, and a merged model that serving can use."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from geo_lib import config
from geo_lib.errors import ConfigError, ModelError
from geo_lib.models import ModelFiles
from geo_lib.serving.processor import bounds_of, load_processor
from geo_lib.vlm.batches import IGNORED, Example, VisualFeatures, collate, encode
from geo_lib.vlm.finetune import (
    Recipe,
    Record,
    _inputs,
    _nats,
    adapted,
    finetune,
    load,
    loss_of,
    refuse_visual_adapters,
)
from tests.kit import PROMPT, TINY_BASE, Drawn, drawn


def as_examples(pictures: list[Drawn]) -> list[Example]:
    bounds = bounds_of(load_processor(str(TINY_BASE)))
    return [Example(p.signature, PROMPT, p.response, bounds.visual_tokens(p.width, p.height)) for p in pictures]


def contents(pictures: list[Drawn]) -> dict[str, bytes]:
    return {p.signature: p.content for p in pictures}


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


def test_the_loss_of_a_batch_is_that_of_its_examples_one_by_one() -> None:
    model, processor = load(str(TINY_BASE)), load_processor(str(TINY_BASE))
    pictures = drawn(5)
    features = VisualFeatures(model, processor, contents(pictures), keep=True)
    together = loss_of(model, processor, as_examples(pictures), features, 5)
    alone = loss_of(model, processor, as_examples(pictures), features, 1)
    assert together.per_token == pytest.approx(alone.per_token, rel=1e-4)
    assert together.per_example == pytest.approx(alone.per_example, rel=1e-4)


def test_the_loss_is_the_negative_log_likelihood_of_every_answer_token_given_all_before_it() -> None:
    """Eq. 2, from the logits of all positions."""
    model, processor = load(str(TINY_BASE)), load_processor(str(TINY_BASE))
    pictures = drawn(3)
    features = VisualFeatures(model, processor, contents(pictures), keep=True)
    encoded = [encode(processor, example) for example in as_examples(pictures)]
    batch = collate(encoded, features, pad=processor.tokenizer.pad_token_id, image_token=processor.image_token_id)
    labels = batch.pop("labels")
    with torch.no_grad():
        likelihood = model(**batch, use_cache=False).logits.log_softmax(dim=-1)
    nats = -sum(
        float(likelihood[row, place - 1, token])
        for row, answer in enumerate(labels.tolist())
        for place, token in enumerate(answer)
        if token != IGNORED
    )
    loss = loss_of(model, processor, as_examples(pictures), features, 3)
    assert loss.per_example == pytest.approx(nats / 3, rel=1e-4)
    assert loss.per_token == pytest.approx(nats / sum(e.answer_tokens for e in encoded), rel=1e-4)


def test_padding_is_not_seen() -> None:
    """The likelihood of the shorter answer is what it is without a longer one beside it."""
    model, processor, pictures = load(str(TINY_BASE)), load_processor(str(TINY_BASE)), drawn(2)
    one, other = as_examples(pictures)
    short, long = replace(one, response="{}"), replace(other, response="x" * 300)
    features = VisualFeatures(model, processor, contents(pictures), keep=True)
    apart = [loss_of(model, processor, [e], features, 1).per_example for e in (short, long)]
    assert loss_of(model, processor, [short, long], features, 2).per_example == pytest.approx(sum(apart) / 2, rel=1e-5)


def test_the_gradients_are_those_of_the_logits_of_all_positions() -> None:
    """What the loss leaves out (positions before the answers, in the last layer and after) it has no gradient of."""
    processor, pictures = load_processor(str(TINY_BASE)), drawn(2)
    model = adapted(load(str(TINY_BASE)), Recipe(lora_rank=4))
    features = VisualFeatures(model.get_base_model(), processor, contents(pictures), keep=True)
    encoded = [encode(processor, example) for example in as_examples(pictures)]
    _nats(model, _inputs(encoded, features, processor)).backward()
    spared = {name: p.grad.clone() for name, p in model.named_parameters() if p.requires_grad}
    model.zero_grad(set_to_none=True)
    batch = _inputs(encoded, features, processor)
    labels = batch.pop("labels")
    logits = model(**batch, use_cache=False).logits[:, :-1]
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), reduction="sum").backward()
    for name, gradient in spared.items():
        whole = dict(model.named_parameters())[name].grad
        torch.testing.assert_close(gradient, whole, rtol=1e-3, atol=1e-4 * float(whole.abs().max()))


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
