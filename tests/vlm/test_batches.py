"""What the loss sees, and that training asks exactly as serving does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_lib.errors import ModelError
from geo_lib.pictures import upright
from geo_lib.serving.chat import chat, response_tokens, text_tokens
from geo_lib.serving.processor import bounds_of, load_processor
from geo_lib.vlm.batches import IGNORED, Example, VisualFeatures, bucketed, collate, encode
from geo_lib.vlm.finetune import load
from tests.kit import PROMPT, TINY_BASE, drawn

EXAMPLE = Example("s", PROMPT, '{"description":["grüne Vase"],"style":[],"use_case":["a \\"gift\\""]}', 20)


def test_the_labels_decode_to_exactly_the_answer_and_its_end_of_turn() -> None:
    processor = load_processor(str(TINY_BASE))
    encoded = encode(processor, EXAMPLE)
    labelled = [label for label in encoded.labels if label != IGNORED]
    assert processor.tokenizer.decode(labelled) == EXAMPLE.response + "<|im_end|>"
    assert encoded.input_ids[-len(labelled) :] == labelled
    assert encoded.labels[: -len(labelled)] == [IGNORED] * (len(encoded.labels) - len(labelled))


def test_the_budget_is_the_length_that_is_trained_on() -> None:
    processor = load_processor(str(TINY_BASE))
    counted = EXAMPLE.visual_tokens + text_tokens(processor.tokenizer, PROMPT)
    counted += response_tokens(processor.tokenizer, EXAMPLE.response)
    assert counted == len(encode(processor, EXAMPLE).input_ids)


def test_the_question_is_token_for_token_what_the_processor_makes_of_text_and_image() -> None:
    processor = load_processor(str(TINY_BASE))
    picture = drawn(1)[0]
    visual = bounds_of(processor).visual_tokens(picture.width, picture.height)
    asked = processor(text=[chat(processor.tokenizer, PROMPT)], images=[upright(picture.content)])["input_ids"][0]
    encoded = encode(processor, Example("s", PROMPT, "{}", visual))
    assert encoded.input_ids[: len(encoded.input_ids) - encoded.answer_tokens] == list(asked)


def test_a_batch_is_padded_on_the_right_and_padding_is_not_learned() -> None:
    processor, model = load_processor(str(TINY_BASE)), load(str(TINY_BASE))
    pictures = drawn(2)
    bounds = bounds_of(processor)
    examples = [
        encode(processor, Example(p.signature, PROMPT, answer, bounds.visual_tokens(p.width, p.height)))
        for p, answer in zip(pictures, ("{}", EXAMPLE.response), strict=True)
    ]
    features = VisualFeatures(model, processor, {p.signature: p.content for p in pictures}, keep=True)
    pad = processor.tokenizer.pad_token_id
    batch = collate(examples, features, pad=pad, image_token=processor.image_token_id)
    for row, example in enumerate(examples):
        length = len(example.input_ids)
        assert batch["input_ids"][row].tolist() == example.input_ids + [pad] * (batch["labels"].shape[1] - length)
        assert set(batch["labels"][row, length:].tolist()) <= {IGNORED}


def test_features_are_the_same_kept_or_not_alone_or_in_company() -> None:
    processor, model = load_processor(str(TINY_BASE)), load(str(TINY_BASE))
    pictures = drawn(3)
    images = {p.signature: p.content for p in pictures}
    together = VisualFeatures(model, processor, images, keep=True).of(list(images))[0]
    alone = [VisualFeatures(model, processor, images, keep=False).of([s])[0][0] for s in images]
    for one, other in zip(together, alone, strict=True):
        assert (one - other).abs().max() < 1e-4


def test_a_training_set_counted_under_other_bounds_is_refused() -> None:
    processor, model = load_processor(str(TINY_BASE)), load(str(TINY_BASE))
    picture = drawn(1)[0]
    features = VisualFeatures(model, processor, {picture.signature: picture.content}, keep=False)
    with pytest.raises(ModelError, match="counted 225; give build_training_set and finetune_vlm the same base"):
        features.check([Example(picture.signature, PROMPT, "{}", 225)])


def test_bounds_given_to_the_processor_are_saved_with_it(tmp_path: pytest.TempPathFactory) -> None:
    load_processor(str(TINY_BASE), min_pixels=3136, max_pixels=6272).save_pretrained(tmp_path)
    bounds = bounds_of(load_processor(str(tmp_path)))
    assert (bounds.min_pixels, bounds.max_pixels) == (3136, 6272)


@settings(deadline=None)
@given(st.lists(st.integers(1, 50), max_size=80), st.integers(1, 7), st.integers(0, 3))
def test_every_example_is_in_exactly_one_batch_and_no_batch_is_too_large(
    lengths: list[int], batch_size: int, seed: int
) -> None:
    batches = bucketed(lengths, batch_size=batch_size, seed=seed)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert all(0 < len(batch) <= batch_size for batch in batches)
    assert bucketed(lengths, batch_size=batch_size, seed=seed) == batches


def test_batches_hold_examples_of_like_length() -> None:
    lengths = [10] * 32 + [90] * 32
    assert all(len({lengths[i] for i in batch}) == 1 for batch in bucketed(lengths, batch_size=8, seed=0))
