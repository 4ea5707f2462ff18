"""What is served must write what was trained, and where it does not the sentence says what lies between them."""

import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from geo_lib import config
from geo_lib.errors import ConfigError
from geo_lib.models import ModelFiles
from geo_lib.serving.processor import load_processor
from geo_lib.serving.settings import AskedVlm, Decoding
from geo_lib.serving.visual_tokens import PixelBounds
from geo_lib.serving.vllm import engine, spec_of
from geo_lib.vlm import greedy
from geo_lib.vlm.finetune import load
from geo_lib.vlm.parity import (
    BFLOAT16,
    FLOAT32,
    Answer,
    Parity,
    Question,
    Served,
    TrainingAnswers,
    Verdict,
    report,
    verdict,
)
from tests.kit import TINY_BASE, drawn
from tests.vlm.training import as_examples, contents

PICTURE, BOUNDS = 9, PixelBounds(784, 50_176)
PROMPT = [1, PICTURE, PICTURE, 2, 3]


def held_against(
    *served: Answer | str,
    bounds: PixelBounds = BOUNDS,
    precision: str = FLOAT32,
    merged: tuple[str, ...] | None = None,
    parity: Parity | None = None,
) -> Verdict:
    """``served`` against as many times "oak" in training; ``merged``: what merged weights write, where it is asked."""
    trained = TrainingAnswers(
        precision,
        Decoding(),
        BOUNDS,
        [Question(f"{n:064}", "prompt") for n in range(len(served))],
        [Answer(PROMPT, "oak") for _ in served],
    )

    def by_merged_weights() -> tuple[str, ...]:
        assert merged is not None, "nothing is asked of the merged weights where another difference says it all"
        return merged

    return verdict(
        trained,
        Served(bounds, list(served)),
        parity=parity or Parity(),
        image_token=PICTURE,
        decode=lambda ids: " ".join(map(str, ids)),
        merged=by_merged_weights,
    )


SAME, OTHER = Answer(PROMPT, "oak"), Answer(PROMPT, "ash")


def test_fifteen_of_sixteen_are_enough_and_fourteen_are_not() -> None:
    assert held_against(*[SAME] * 15, OTHER) == Verdict(16, 15, None)
    found = held_against(*[SAME] * 14, OTHER, OTHER, merged=("oak",) * 16)
    assert (found.asked, found.equal) == (16, 14)
    assert found.difference is not None
    assert "14 of 16 answers are the same, where 94% are wanted" in found.difference


def test_bfloat16_has_a_share_of_its_own() -> None:
    half = [SAME] * 8 + [OTHER] * 8
    assert held_against(*half, precision=BFLOAT16).difference is None
    own = Parity(min_equal_bfloat16=0.75)
    assert held_against(*half, precision=BFLOAT16, parity=own, merged=("oak",) * 16).difference


def test_a_picture_of_other_tokens_names_the_pixel_bounds_even_where_the_answers_are_the_same() -> None:
    found = held_against(SAME, Answer([1, PICTURE, 2, 3], "oak"), bounds=PixelBounds(784, 9_000))
    assert found.equal == 2
    assert found.difference is not None
    assert (
        "the pixel bounds differ: picture 000000000000 is 2 tokens in training, within 784 to 50,176"
        in found.difference
    )
    assert "and 1 in vLLM, within 784 to 9,000 pixels" in found.difference


def test_bounds_that_no_compared_picture_meets_are_a_difference_too() -> None:
    assert "the pixel bounds differ, if for none" in str(held_against(SAME, bounds=PixelBounds(784, 60_000)).difference)


def test_a_prompt_of_other_words_names_the_template_and_the_first_of_them() -> None:
    longer = held_against(SAME, Answer([1, PICTURE, PICTURE, 2, 7, 3], "ash"))
    assert "the templates differ" in str(longer.difference)
    assert "from token 2 of the text on, the training read '1 2 3' and vLLM '1 2 7 3'" in str(longer.difference)
    assert "the templates differ" in str(held_against(Answer(PROMPT[:-1], "oak")).difference), (
        "a prompt that ends early"
    )


def test_of_equal_prompts_the_merged_weights_tell_a_lost_merge_from_another_computation() -> None:
    lost = str(held_against(SAME, OTHER, OTHER, merged=("oak", "ash", "ash")).difference)
    assert "the merge differs: transformers writes 1 of 3 answers" in lost
    assert "the training wrote 'oak', vLLM 'ash'" in lost
    other = str(held_against(SAME, OTHER, OTHER, merged=("oak",) * 3).difference)
    assert "the computation differs: transformers writes 3 of 3 answers" in other
    assert "vLLM in float32" in other


def test_an_error_is_no_answer_and_is_quoted() -> None:
    found = held_against("there is room for 3", merged=("oak",))
    assert found.equal == 0
    assert "vLLM nothing (there is room for 3)" in str(found.difference)


def test_fewer_examples_than_asked_for_are_compared_and_said_and_none_is_no_difference() -> None:
    assert held_against() == Verdict(0, 0, None)
    assert report(Verdict(3, 3, None), 16).endswith("3 of 3 (16 were asked for)")
    assert report(Verdict(16, 15, None), 16).endswith("15 of 16")


def test_what_training_wrote_lies_beside_the_weights_and_is_read_as_it_was(tmp_path: Path) -> None:
    kept = TrainingAnswers(FLOAT32, Decoding(), BOUNDS, [Question("s", "für wen?")], [Answer([1, 2], "Wände")])
    assert TrainingAnswers.load(tmp_path) is None
    kept.save(tmp_path)
    assert TrainingAnswers.load(tmp_path) == kept
    assert not kept.first(0).questions
    assert not kept.first(0).answers


@pytest.mark.parametrize(
    ("knob", "sentence"),
    [
        ({"precision": "float16"}, "parity.precision must be float32 or bfloat16, not float16"),
        ({"min_equal": 1.5}, r"min_equal must lie in \[0, 1\], not 1.5"),
        ({"examples": -1}, "parity.examples must not be negative, but it is -1"),
    ],
)
def test_a_knob_that_cannot_be_is_named(knob: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        config.build(Parity, knob, what="finetune_vlm.parity")


def other_bounds(folder: Path) -> None:
    load_processor(str(folder), min_pixels=19_600).save_pretrained(folder)


def another_template(folder: Path) -> None:
    template = folder / "chat_template.jinja"
    text = template.read_text()
    template.write_text(text.replace("<|im_start|>assistant", "<|im_start|>user", 1))
    assert template.read_text() != text


def no_adapters(folder: Path) -> None:
    load(str(TINY_BASE)).save_pretrained(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("break_it", "difference"),
    [
        (lambda folder: None, None),
        (
            other_bounds,
            r"the pixel bounds differ: picture \w{12} is 16 tokens in .* and 25 in vLLM, within 19,600 to 19,600",
        ),
        (another_template, "the templates differ: .*the training read .*assistant.* and vLLM .*user"),
        (no_adapters, "the merge differs: transformers writes 0 of 4 answers"),
    ],
    ids=["as it was trained", "other bounds", "another template", "no adapters"],
)
def test_each_way_to_serve_another_model_than_was_trained_is_called_by_its_name(
    spark: SparkSession,
    tuned_vlm: ModelFiles,
    tmp_path: Path,
    break_it: Callable[[Path], None],
    difference: str | None,
) -> None:
    folder = tmp_path / "files"
    shutil.copytree(tuned_vlm.path, folder)
    break_it(folder)
    trained = TrainingAnswers.load(folder)
    assert trained is not None
    images, examples = contents(drawn(4)), as_examples(drawn(4))
    spec = spec_of(ModelFiles(folder.parent.name, str(folder), "digest"), AskedVlm(), log_file=str(tmp_path / "log"))
    processor = load_processor(str(folder))

    def by_merged_weights() -> list[str]:
        by = greedy.written(load(str(folder)), processor, examples, images, decoding=Decoding(), precision=FLOAT32)
        return [answer.text for answer in by]

    found = verdict(
        trained,
        Served(spec.bounds, greedy.served(spark, trained.questions, images, load=partial(engine, spec))),
        parity=Parity(),
        image_token=processor.image_token_id,
        decode=processor.tokenizer.decode,
        merged=by_merged_weights,
    )
    if difference is None:
        assert found == Verdict(4, 4, None)
        assert [json.loads(answer.text).keys() for answer in trained.answers], "answers, and no empty ones"
    else:
        assert re.search(difference, str(found.difference)), found.difference
