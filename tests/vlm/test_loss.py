"""The loss is Eq. 2: the answers' negative log-likelihood, whatever stands beside them in a batch."""

from dataclasses import replace

import pytest
import torch

from geo_lib.serving.processor import load_processor
from geo_lib.vlm.batches import IGNORED, Encoding, encode
from geo_lib.vlm.features import VisualFeatures
from geo_lib.vlm.finetune import Recipe, adapted, load, loss_of
from geo_lib.vlm.loss import nats_of
from tests.kit import TINY_BASE, drawn
from tests.vlm.training import as_examples, contents, inputs


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
    batch = inputs(encoded, features, processor)
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
    nats_of(model, inputs(encoded, features, processor)).backward()
    spared = {name: p.grad.clone() for name, p in model.named_parameters() if p.requires_grad}
    model.zero_grad(set_to_none=True)
    batch = inputs(encoded, features, processor)
    labels = batch.pop("labels")
    logits = model(**batch, use_cache=False).logits[:, :-1]
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), reduction="sum").backward()
    for name, gradient in spared.items():
        whole = dict(model.named_parameters())[name].grad
        torch.testing.assert_close(gradient, whole, rtol=1e-3, atol=1e-4 * float(whole.abs().max()))


def test_a_muted_example_adds_nothing_to_the_loss_and_nothing_to_the_gradients() -> None:
    processor, pictures = load_processor(str(TINY_BASE)), drawn(1)
    model = adapted(load(str(TINY_BASE)), Recipe(lora_rank=4))
    features = VisualFeatures(model.get_base_model(), processor, contents(pictures), keep=True)
    muted = Encoding(processor, as_examples(pictures))[1]
    loss = nats_of(model, inputs([muted], features, processor))
    loss.backward()
    assert float(loss.detach()) == 0
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())
