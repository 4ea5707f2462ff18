"""Folded or beside the weights, adapters are the same model: loss, gradients and what training makes of them."""

from typing import Any

import pytest
import torch

from geo_lib.serving.processor import load_processor
from geo_lib.vlm.batches import encode
from geo_lib.vlm.features import VisualFeatures
from geo_lib.vlm.finetune import Recipe, adapted, load
from geo_lib.vlm.folding import folded, is_cheaper
from geo_lib.vlm.loss import nats_of
from tests.kit import TINY_BASE, drawn
from tests.vlm.training import as_examples, contents, inputs


@pytest.fixture
def tuned() -> Any:
    """The tiny base with adapters that do something: fresh ones have a B of zeros."""
    model = adapted(load(str(TINY_BASE)), Recipe())
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.01)
    return model


def gradients(model: Any) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters() if "lora_" in name}


def test_loss_and_gradients_are_those_of_adapters_beside_their_weights(tuned: Any) -> None:
    processor, pictures = load_processor(str(TINY_BASE)), drawn(2)
    features = VisualFeatures(tuned.get_base_model(), processor, contents(pictures), keep=True)
    encoded = [encode(processor, example) for example in as_examples(pictures)]
    beside = nats_of(tuned, inputs(encoded, features, processor))
    beside.backward()
    expected = gradients(tuned)
    tuned.zero_grad(set_to_none=True)
    with folded(tuned) as fold:
        assert fold is not None, "rank 64 is near the tiny model's width"
        loss = nats_of(tuned, inputs(encoded, features, processor))
        loss.backward()
        fold.pass_gradients()
        actual = gradients(tuned)
        assert all(p.grad is None for n, p in tuned.named_parameters() if "lora_" not in n)
    assert float(loss) == pytest.approx(float(beside), rel=1e-5)
    assert actual.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(actual[name], gradient, rtol=1e-3, atol=1e-4 * float(gradient.abs().max()))


def test_after_it_the_weights_are_bit_for_bit_what_they_were_and_frozen(tuned: Any) -> None:
    before = {n: p.clone() for n, p in tuned.named_parameters()}
    trainable = {n for n, p in tuned.named_parameters() if p.requires_grad}
    with folded(tuned):
        pass
    assert all(p.equal(before[n]) for n, p in tuned.named_parameters())
    assert {n for n, p in tuned.named_parameters() if p.requires_grad} == trainable


@pytest.mark.parametrize(("width", "rank", "pays"), [(192, 64, True), (3584, 64, False), (192, 8, False)])
def test_folding_pays_where_the_rank_is_near_the_width(width: int, rank: int, pays: bool) -> None:
    assert is_cheaper(layer(width, rank)) is pays


def test_dropout_and_half_precision_are_never_folded() -> None:
    assert not is_cheaper(layer(192, 64, dropout=0.1))
    assert not is_cheaper(layer(192, 64, dtype=torch.bfloat16))


def layer(width: int, rank: int, *, dropout: float = 0.0, dtype: torch.dtype = torch.float32) -> Any:
    from peft import LoraConfig, get_peft_model

    one = torch.nn.Sequential(torch.nn.Linear(width, width, dtype=dtype))
    config = LoraConfig(r=rank, lora_dropout=dropout, target_modules=["0"])
    return get_peft_model(one, config).base_model.model[0]
