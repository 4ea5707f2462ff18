"""What is chosen becomes likelier beside what is rejected, and nothing else than the language part changes."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from geo_lib.errors import ModelError
from geo_lib.serving.processor import bounds_of, load_processor
from geo_lib.vlm.finetune import load, merged
from geo_lib.vlm.preference import Pair, PreferenceRecipe, prefer
from tests.kit import PROMPT, TINY_BASE, drawn
from tests.vlm.training import contents


def _pairs(count: int) -> tuple[list[Pair], dict[str, bytes]]:
    """The right answer of each picture above that of the next."""
    bounds = bounds_of(load_processor(str(TINY_BASE)))
    pictures = drawn(count)
    following = pictures[1:] + pictures[:1]
    return [
        Pair(p.signature, PROMPT, p.response, other.response, bounds.visual_tokens(p.width, p.height))
        for p, other in zip(pictures, following, strict=True)
    ], contents(pictures)


@pytest.mark.slow
def test_within_a_few_steps_the_chosen_answers_are_rewarded_above_the_rejected_ones() -> None:
    pairs, images = _pairs(4)
    recorded: list[Mapping[str, float]] = []
    tuned, found = prefer(
        load(str(TINY_BASE)),
        load_processor(str(TINY_BASE)),
        train=pairs,
        held_out=pairs[:2],
        images=images,
        recipe=PreferenceRecipe(epochs=3, batch_size=4, lora_rank=4, learning_rate=1e-3, warmup_share=0),
        record=lambda metrics, step: recorded.append(metrics),
    )
    assert found.margins[0] == pytest.approx(0.0, abs=1e-4), "without a step it is the reference"
    assert found.margins[2] > found.margins[1] > 0.01
    assert found.held_out_share == 1.0, "these two were learned"
    assert [metrics["reward_margin"] for metrics in recorded] == found.margins

    before, after = load(str(TINY_BASE)).state_dict(), merged(tuned).state_dict()
    changed = {name for name in before if not before[name].equal(after[name])}
    assert changed
    assert all(".language_model." in name and name.endswith("_proj.weight") for name in changed)


@pytest.mark.slow
def test_an_answer_weighs_what_it_weighs_in_tuning(tmp_path: Path) -> None:
    """TRL's log-likelihoods on our batches are those of Eq. 2, whatever the padding."""
    from geo_lib.vlm.batches import Encoding
    from geo_lib.vlm.features import VisualFeatures
    from geo_lib.vlm.loss import tallied
    from geo_lib.vlm.preference_trainer import Collating, trainer_of

    pairs, images = _pairs(3)
    model, processor = load(str(TINY_BASE)), load_processor(str(TINY_BASE))
    features = VisualFeatures(model, processor, images, keep=True)
    nats = [
        tallied(model, Encoding(processor, [pair.example(answer)]), features, batch_size=1).nats
        for pair in pairs
        for answer in (pair.chosen, pair.rejected)
    ]

    recipe = PreferenceRecipe(batch_size=3, lora_rank=4)
    collate = Collating(processor, features)
    trainer = trainer_of(
        model,
        processor,
        pairs,
        collate,
        recipe,
        str(tmp_path),
        record=lambda metrics, step: None,
        advance=lambda done, total, what: None,
    )
    found = trainer.measured(pairs)
    assert found["eval_logps/chosen"] == pytest.approx(-sum(nats[0::2]) / 3, rel=1e-4)
    assert found["eval_logps/rejected"] == pytest.approx(-sum(nats[1::2]) / 3, rel=1e-4)


def test_no_pair_is_an_error_that_says_what_lacks() -> None:
    with pytest.raises(ModelError, match="nobody clicked"):
        prefer(
            load(str(TINY_BASE)),
            load_processor(str(TINY_BASE)),
            train=(),
            held_out=(),
            images={},
            recipe=PreferenceRecipe(),
        )
