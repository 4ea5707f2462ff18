"""A real LLaMA of tiny size is tuned, kept, found again, and gives verdicts as linear heads do."""

from pathlib import Path

import pytest

from geo_lib.queries.eligibility.labels import Label
from geo_lib.queries.eligibility.llama import LlamaHeads, LlamaRecipe, fit_llama
from geo_lib.queries.eligibility.model import eligibility_model, objections
from geo_lib.training.linear import HeadRecipe

pytestmark = pytest.mark.slow

THINGS, BAD = ("vase", "sofa", "lamp", "rug", "mirror", "quilt"), ("casino", "vape", "pistol", "poker")


def label(text: str, *kinds: str) -> Label:
    return Label("en", text, frozenset(kinds), text, "train")


FIT = [label(f"{look} {thing}") for look in ("red", "boho", "small", "old") for thing in THINGS]
GREY = [label(f"{bad} {thing}", "grey") for bad in BAD for thing in THINGS]


def tiny_llama(folder: Path) -> str:
    """A base of random weights whose tokenizer knows the words of these tests."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = ["<pad>", "<unk>", *sorted({word for it in (*FIT, *GREY) for word in it.text.split()})]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>")
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return str(folder)


def test_a_tuned_llama_is_kept_and_sure_where_it_was_measured_to_be_right(tmp_path: Path) -> None:
    (made := tmp_path / "made").mkdir()
    fit_llama(
        [*FIT[::2], *GREY[::2]],
        [*FIT[1::2], *GREY[1::2]],
        made,
        base=tiny_llama(tmp_path / "base"),
        heads=("grey", "brand"),
        recipe=LlamaRecipe(epochs=30, learning_rate=1e-2, batch_size=8, lora_rank=8),
        sure=HeadRecipe(least_precision=0.9),
    )
    model = eligibility_model(str(made))
    assert isinstance(model, LlamaHeads)
    assert model.model.config.architectures == ["LlamaForSequenceClassification"]
    assert 0.4 < model.thresholds["grey"]["en"]["grey"] <= 1
    assert "brand" not in model.thresholds["brand"].get("en", {}), "nobody was of that kind"
    asked = [("en", "casino vase"), ("en", "boho rug"), ("de", "casino vase")]
    assert objections(model, asked) == ["grey", None, None]
