"""What production is told is what the paper says: its Table 1, and the image bounds and the decoding of 3.1.1."""

from pathlib import Path

from geo_lib import config
from geo_lib.serving.settings import Decoding
from jobs.annotate_images import AnnotateImages
from jobs.build_training_set import BuildTrainingSet
from jobs.evaluate_vlm import EvaluateVlm
from jobs.finetune_vlm import FinetuneVlm
from jobs.validate_queries import ValidateQueries

PRODUCTION = config.load(Path(__file__).parents[2] / "conf" / "prod.yml")


def test_the_recipe_is_the_papers_table_1() -> None:
    knobs = PRODUCTION.knobs("finetune_vlm", FinetuneVlm)
    recipe = knobs.recipe
    assert recipe.batch_size == 2
    assert knobs.processes * recipe.batch_size * recipe.gradient_accumulation == 8 * 2 * 8, "examples a step"
    assert recipe.learning_rate == 2e-5
    assert 1 <= recipe.epochs <= 3
    assert (recipe.lora_rank, recipe.lora_alpha) == (64, 128)


def test_pictures_and_sequences_are_bounded_as_in_the_paper() -> None:
    training_set = PRODUCTION.knobs("build_training_set", BuildTrainingSet)
    assert training_set.vlm.max_sequence_tokens == 1024
    for vlm in (training_set.vlm, PRODUCTION.knobs("finetune_vlm", FinetuneVlm).vlm):
        assert (vlm.min_pixels, vlm.max_pixels) == (175_616, 602_112)
        assert vlm.base.startswith("Qwen/Qwen2-VL-7B-Instruct@")


def test_answers_are_drawn_as_in_the_paper_by_whoever_asks_and_found_again_by_whoever_reads() -> None:
    paper = Decoding(temperature=0.1, top_p=0.001, top_k=1, repetition_penalty=1.05, max_new_tokens=256)
    asking = PRODUCTION.knobs("annotate_images", AnnotateImages).vlm
    assert asking.decoding == paper
    assert asking.max_model_len >= 1024 + 256
    assert PRODUCTION.knobs("evaluate_vlm", EvaluateVlm).vlm.decoding == paper
    assert PRODUCTION.knobs("validate_queries", ValidateQueries).vlm.decoding == paper
