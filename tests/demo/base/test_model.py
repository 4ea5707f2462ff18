"""The committed tiny base model, and the code that made it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoProcessor, PreTrainedTokenizerBase, Qwen2VLForConditionalGeneration, Qwen2VLProcessor

from geo_lib.demo.base.accuracy import ATTRIBUTES, accuracy, describe
from geo_lib.demo.base.batches import Collator, augment, patches, prompt_of, shuffled_batches
from geo_lib.demo.base.model import LARGEST_FOLDER, TINY_VLM, Pretraining, check_apart, load, novel_pictures, pretrain
from geo_lib.demo.base.pretraining import Picture, picture, pictures, pretraining_seed
from geo_lib.demo.base.reading import query_list
from geo_lib.demo.base.tokenizer import STOP, caption_prompt, caption_text
from geo_lib.demo.base.training import Training, batch_attention, train
from geo_lib.demo.feeds.catalogue import platform_seed
from geo_lib.demo.truth.latent import every_latent
from jobs.simulate_platform import SIZES, SimulatePlatform

PICTURES = [picture("tests", index) for index in range(24)]


@pytest.fixture(scope="module")
def model() -> Qwen2VLForConditionalGeneration:
    return load(TINY_VLM)[0]


@pytest.fixture(scope="module")
def processor() -> Qwen2VLProcessor:
    return AutoProcessor.from_pretrained(TINY_VLM, local_files_only=True)


@pytest.fixture(scope="module")
def tokenizer(processor: Qwen2VLProcessor) -> PreTrainedTokenizerBase:
    return processor.tokenizer


def delivered(processor: Qwen2VLProcessor, shown: Picture) -> dict[str, torch.Tensor]:
    """What the committed processor makes of a picture and a caption prompt."""
    content = [{"type": "image"}, {"type": "text", "text": caption_prompt("de")}]
    text = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
    )
    return dict(processor(text=[text], images=[Image.fromarray(shown.pixels)], return_tensors="pt"))


def test_the_folder_is_small_enough_to_be_committed_and_names_no_place_of_its_making() -> None:
    assert sum(file.stat().st_size for file in TINY_VLM.iterdir()) <= LARGEST_FOLDER
    for name in ("config.json", "tokenizer_config.json", "processor_config.json"):
        assert "/tmp" not in (TINY_VLM / name).read_text()
        assert "_name_or_path" not in json.loads((TINY_VLM / name).read_text())


def test_it_says_what_it_sees_in_the_language_it_is_asked_in(
    model: Qwen2VLForConditionalGeneration, tokenizer: PreTrainedTokenizerBase
) -> None:
    for locale, shares in accuracy(model, tokenizer, PICTURES).items():
        assert min(shares["kind"], shares["colour"], shares["setting"]) > 0.8, (locale, shares)
        assert min(shares["pattern"], shares["material"]) > 0.4, (locale, shares)


def test_it_names_things_in_colours_that_it_never_saw_them_in(
    model: Qwen2VLForConditionalGeneration, tokenizer: PreTrainedTokenizerBase
) -> None:
    novel = novel_pictures(12)
    assert all(shown.latent.reserved for shown in novel)
    assert accuracy(model, tokenizer, novel)["en"]["colour"] > 0.6


def test_training_batches_are_laid_out_as_the_processor_lays_out_a_request(
    model: Qwen2VLForConditionalGeneration, processor: Qwen2VLProcessor, tokenizer: PreTrainedTokenizerBase
) -> None:
    for shown in PICTURES[:4]:
        expected = delivered(processor, shown)
        prompt = prompt_of(tokenizer, shown.grid, caption_prompt("de"))
        assert prompt.ids == expected["input_ids"][0].tolist()
        positions, _ = model.model.get_rope_index(
            expected["input_ids"], expected["mm_token_type_ids"], expected["image_grid_thw"]
        )
        assert (positions[:, 0].numpy() == prompt.positions).all()
        own = torch.from_numpy(patches(augment(shown.pixels[None], None)))
        torch.testing.assert_close(own, expected["pixel_values"], atol=1e-4, rtol=0)


def test_attending_in_one_call_changes_nothing(processor: Qwen2VLProcessor) -> None:
    inputs = delivered(processor, PICTURES[0])
    one, _ = load(TINY_VLM)
    with torch.no_grad():
        before = one(**inputs).logits
        batch_attention(one)
        after = one(**inputs).logits
    torch.testing.assert_close(before, after, atol=1e-3, rtol=1e-3)


def test_the_loss_is_due_on_the_answer_and_its_end_alone(tokenizer: PreTrainedTokenizerBase) -> None:
    rows = [(caption_prompt("en"), "a red vase"), (caption_prompt("de"), "eine rote gepunktete vase aus samt")]
    batch = Collator(tokenizer)((5, 4), rows)
    for labels, (_, answer) in zip(batch.labels, rows, strict=True):
        assert tokenizer.decode(labels[labels >= 0].tolist()) == answer + STOP


def test_whatever_people_type_can_be_written_and_read_back(tokenizer: PreTrainedTokenizerBase) -> None:
    for index, latent in enumerate(every_latent()[::501]):
        for locale in ("en", "de"):
            for text in (caption_text(latent, locale), query_list(index, locale)):
                ids = tokenizer(text).input_ids
                assert tokenizer.decode(ids) == text
                assert len(ids) < len(text) / 2


def test_every_picture_comes_once_an_epoch_in_batches_of_one_shape() -> None:
    rng = np.random.default_rng(0)
    grids = {shown.grid for shown in PICTURES}
    endless = shuffled_batches(PICTURES, 1, rng)
    epoch = [next(endless)[0] for _ in PICTURES]
    assert sorted(epoch) == list(range(len(PICTURES)))
    assert len(grids) > 1
    batches = shuffled_batches(PICTURES, 4, rng)
    assert all(len({PICTURES[i].grid for i in next(batches)}) == 1 for _ in range(10))


def test_pictures_are_drawn_once_and_kept(tmp_path: Path) -> None:
    first = pictures("tests", 3, tmp_path, processes=1)
    kept = [file.stat().st_mtime_ns for file in tmp_path.iterdir()]
    second = pictures("tests", 3, tmp_path, processes=1)
    assert [file.stat().st_mtime_ns for file in tmp_path.iterdir()] == kept
    assert [p.latent for p in second] == [p.latent for p in PICTURES[:3]] == [p.latent for p in first]
    assert all((a.pixels == b.pixels).all() for a, b in zip(first, PICTURES, strict=False))


def test_no_picture_of_the_demo_is_one_that_the_base_was_trained_on() -> None:
    """Drawn from seeds that the largest platform does not use, a reserved combination's redraws included."""
    trained_on = {pretraining_seed("train", index) for index in range(Pretraining(Training()).pictures)}
    assert trained_on.isdisjoint(platform_seed(SimulatePlatform().seed, index) for index in range(max(SIZES.values())))


def test_a_picture_of_a_reserved_combination_stops_the_training() -> None:
    check_apart(PICTURES)
    with pytest.raises(ValueError, match="reserved combinations"):
        check_apart([*PICTURES, *novel_pictures(1)])


def test_a_few_steps_teach_a_model_to_say_what_it_was_shown(tokenizer: PreTrainedTokenizerBase) -> None:
    """Both phases run, and the loss falls: enough to know that the script still trains."""
    one, _ = load(TINY_VLM)
    curve = train(one, tokenizer, PICTURES, Training(steps=14, batch_size=4, seeing_share=0.4), every=7)
    assert {"heads_loss"} <= curve[0].keys()
    assert {"caption_loss", "named_loss", "text_loss"} <= curve[-1].keys()
    assert curve[-1]["heads_loss"] < curve[0]["heads_loss"]
    assert all(np.isfinite(value) for row in curve for value in row.values())


def test_the_whole_script_leaves_a_folder_that_loads_and_tells_what_it_is(tmp_path: Path) -> None:
    knobs = Pretraining(Training(steps=2, batch_size=2), pictures=6, checked=4, vocabulary=900, processes=1, threads=1)
    report = pretrain(tmp_path / "model", tmp_path / "cache", knobs)
    assert set(report) == {"unseen pictures", "unseen combinations"}
    assert set(report["unseen pictures"]["de"]) == {"exact", *ATTRIBUTES}
    again, words = load(tmp_path / "model")
    assert len(describe(again, words, PICTURES[:2], "en")) == 2
    assert "Data (simulated)" in (tmp_path / "model" / "README.md").read_text()
