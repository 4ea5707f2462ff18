"""A prompt as the model's own chat template renders it, and how many tokens that is."""

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def conversation(prompt: str, *, images: int = 1) -> list[dict[str, object]]:
    """Messages for the chat template of a model: the images, then the prompt."""
    content: list[dict[str, object]] = [{"type": "image"} for _ in range(images)]
    return [{"role": "user", "content": [*content, {"type": "text", "text": prompt}]}]


def chat(tokenizer: "PreTrainedTokenizerBase", prompt: str, *, images: int = 1) -> str:
    """The conversation in the model's own template, up to where the answer begins; a placeholder per image."""
    messages = conversation(prompt, images=images)
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def text_tokens(tokenizer: "PreTrainedTokenizerBase", prompt: str) -> int:
    """Tokens of the chat about one image up to where the answer begins, the image's own tokens not among them."""
    return len(tokenizer(chat(tokenizer, prompt), add_special_tokens=False)["input_ids"]) - 1


def response_tokens(tokenizer: "PreTrainedTokenizerBase", response: str) -> int:
    """Tokens of the answer with its end of turn."""
    return len(tokenizer(response + str(tokenizer.eos_token), add_special_tokens=False)["input_ids"])


@lru_cache(maxsize=2)
def load_tokenizer(path: str) -> "PreTrainedTokenizerBase":
    """The tokenizer that is saved with a model; a test holds its counts to the processor's.

    Not ``AutoTokenizer``: to find a class that adds nothing to the saved file it imports torch, 20 s of a worker's CPU.
    """
    from transformers import PreTrainedTokenizerFast

    tokenizer: PreTrainedTokenizerBase = PreTrainedTokenizerFast.from_pretrained(path)
    return tokenizer
