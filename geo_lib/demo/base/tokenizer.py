"""Tokenizer, chat template and processor of the tiny base model: Qwen2-VL's classes, trained on the demo's words."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from geo_lib.demo.base.pretraining import FEWEST_PIXELS, PIXELS
from geo_lib.demo.base.reading import lines, named, query_list
from geo_lib.demo.truth.intents import caption
from geo_lib.demo.truth.latent import Latent, every_latent, stream_seed
from geo_lib.demo.truth.worlds import vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, Qwen2VLProcessor

END, START, STOP = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VISION_START, VISION_END, IMAGE, VIDEO = "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"
SPECIAL = (END, START, STOP, VISION_START, VISION_END, "<|vision_pad|>", IMAGE, VIDEO)

SYSTEM = "You are a helpful assistant."
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}<|im_start|>system\n" + SYSTEM + "<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n"
    "{% else %}{% for content in message['content'] %}"
    "{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}"
    "<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif content['type'] == 'video' or 'video' in content %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif 'text' in content %}{{ content['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Qwen2-VL's template without its numbering of pictures."""

INSTRUCTION = (
    "Write up to 7 search queries that should lead to this image, in the language of its locale, "
    "as JSON with the keys description, style and use_case."
)
"""Word for word what images are annotated with; the simulation does not know the module that says it."""
TITLED, DESCRIBED = 0.75, 0.3
"""Share of the prompts that name a title, and a description."""

PROMPT_WORDS = (
    "Describe the image. Locale: en",
    "Describe the image. Locale: de",
    INSTRUCTION + "\ntask: queries\nlocale: en\ntitle: inspo\ndescription: inspo\nboard: inspo\ncreator category: home",
    "system user assistant " + SYSTEM,
    "\nuser\n",
    "\nassistant\n",
)


def caption_prompt(locale: str) -> str:
    return f"Describe the image. Locale: {locale}"


def text_prompt(locale: str) -> str:
    return f"Write up to 7 search queries\nlocale: {locale}"


def query_prompt(latent: Latent, locale: str, seed: int) -> str:
    """The prompt that images are annotated with, with metadata that tells nothing: one of a few thousand."""
    rng = np.random.default_rng(stream_seed("query_prompt", seed, locale))

    def pick(options: Sequence[str]) -> str:
        return options[int(rng.integers(len(options)))]

    world = vocabulary().worlds[latent.world]
    known = {
        "task": "queries",
        "locale": locale,
        "title": pick(vocabulary().titles["vague"][locale]) if rng.random() < TITLED else None,
        "description": pick(vocabulary().descriptions[locale]) if rng.random() < DESCRIBED else None,
        "board": pick(world.boards[locale]),
        "creator category": pick(world.creators),
    }
    return "\n".join([INSTRUCTION, *(f"{name}: {value}" for name, value in known.items() if value)])


def caption_text(latent: Latent, locale: str) -> str:
    """The caption as the model learns it: in lower case, as people type."""
    return caption(latent, locale).lower()


def _corpus() -> Iterator[str]:
    """Captions, names, what there is to read and what prompts say: nothing that people type for an image."""
    for locale in vocabulary().locales:
        yield from (*lines(locale), *vocabulary().titles["vague"][locale], *vocabulary().descriptions[locale])
    latents = every_latent()[::11]
    for index, latent in enumerate(latents):
        yield from PROMPT_WORDS
        for locale in vocabulary().locales:
            yield caption_text(latent, locale)
            yield named(latent, locale, index)
            if index % 3 == 0:
                yield query_list(index, locale)
    for world in vocabulary().worlds.values():
        yield from world.creators
        for boards in world.boards.values():
            yield from boards


def build_tokenizer(size: int) -> "PreTrainedTokenizerBase":
    """Train a byte-level BPE of ``size`` tokens, the special ones included, on what the demo says."""
    from tokenizers import models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

    blank = Qwen2Tokenizer(vocab={END: 0}, merges=[])
    inner = blank.backend_tokenizer
    inner.model = models.BPE()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=2,
        show_progress=False,
    )
    inner.train_from_iterator(_corpus(), trainer=trainer)
    model = json.loads(inner.to_str())["model"]
    merges = [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in model["merges"]]
    return Qwen2Tokenizer(
        vocab=model["vocab"],
        merges=merges,
        eos_token=STOP,
        pad_token=END,
        additional_special_tokens=list(SPECIAL[1:]),
        model_max_length=2048,
        chat_template=CHAT_TEMPLATE,
    )


def build_processor(tokenizer: "PreTrainedTokenizerBase") -> "Qwen2VLProcessor":
    """Qwen2-VL's processor with the pixel bounds that the model was trained in."""
    from transformers import Qwen2VLImageProcessor, Qwen2VLProcessor, Qwen2VLVideoProcessor

    size = {"shortest_edge": FEWEST_PIXELS, "longest_edge": PIXELS}
    return Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(size=size),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(size=size),
        chat_template=CHAT_TEMPLATE,
    )
