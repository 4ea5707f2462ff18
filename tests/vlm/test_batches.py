"""What the loss sees, and that training asks exactly as serving does."""

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_lib.pictures import upright
from geo_lib.serving.chat import chat, response_tokens, text_tokens
from geo_lib.serving.processor import bounds_of, load_processor
from geo_lib.vlm.batches import IGNORED, Batches, Encoding, Example, StoredExamples, bucketed, encode, padded
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
    processor, pictures = load_processor(str(TINY_BASE)), drawn(2)
    bounds = bounds_of(processor)
    examples = [
        encode(processor, Example(p.signature, PROMPT, answer, bounds.visual_tokens(p.width, p.height)))
        for p, answer in zip(pictures, ("{}", EXAMPLE.response), strict=True)
    ]
    pad = processor.tokenizer.pad_token_id
    batch = padded(examples, pad=pad, image_token=processor.image_token_id)
    for row, example in enumerate(examples):
        length = len(example.input_ids)
        assert batch["input_ids"][row].tolist() == example.input_ids + [pad] * (batch["labels"].shape[1] - length)
        assert set(batch["labels"][row, length:].tolist()) <= {IGNORED}


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


@settings(deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(1, 7), st.integers(1, 9))
def test_every_process_takes_as_many_batches_and_what_fills_up_is_the_muted_example(
    lengths: list[int], batch_size: int, processes: int
) -> None:
    batches = Batches(lengths, batch_size=batch_size, seed=0, processes=processes, epoch=lambda: 3)
    taken = list(batches)
    muted = len(lengths)
    assert len(taken) == len(batches)
    assert len(taken) % processes == 0
    assert taken[: len(taken) - taken.count([muted])] == bucketed(lengths, batch_size=batch_size, seed=3)
    assert taken.count([muted]) < processes


def test_the_muted_example_has_no_label_and_behind_it_there_is_nothing() -> None:
    encoding = Encoding(load_processor(str(TINY_BASE)), [EXAMPLE])
    assert len(encoding) == len(encoding.lengths) == 1
    assert encoding[1].input_ids == encoding[0].input_ids
    assert encoding[1].answer_tokens == 0 < encoding[0].answer_tokens
    with pytest.raises(IndexError):
        encoding[2]


def test_stored_examples_are_those_that_were_stored() -> None:
    kept = {f"{n}": json.dumps(asdict(replace(EXAMPLE, signature=f"s{n}"))).encode() for n in range(3)}
    examples = StoredExamples(kept)
    assert [e.signature for e in examples] == ["s0", "s1", "s2"]
    assert examples[1:] == [replace(EXAMPLE, signature="s1"), replace(EXAMPLE, signature="s2")]
