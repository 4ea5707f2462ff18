"""What the tiny base model says of a picture, and how much of it is right."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from geo_lib.demo.base.batches import MERGE, Collator, augment, patches
from geo_lib.demo.base.pretraining import Picture
from geo_lib.demo.base.tokenizer import caption_prompt, caption_text
from geo_lib.demo.truth.latent import Latent
from geo_lib.demo.truth.worlds import vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, Qwen2VLForConditionalGeneration

ATTRIBUTES = ("kind", "colour", "pattern", "material", "setting")


def spoken(latent: Latent, locale: str) -> Mapping[str, str]:
    """The words by which a caption names each attribute."""
    words = vocabulary()
    world = words.worlds[latent.world]
    adjective = {"en": 0}.get(locale, 1)
    return {
        "kind": world.kinds[latent.kind].nouns[locale].lower(),
        "colour": words.colours[latent.colour].words[locale].lower(),
        "pattern": words.patterns[latent.pattern][locale][0].lower(),
        "material": words.materials[latent.material][locale][adjective].lower(),
        "setting": world.settings[latent.setting].words[locale]["where"].lower(),
    }


def describe(
    model: "Qwen2VLForConditionalGeneration",
    tokenizer: "PreTrainedTokenizerBase",
    pictures: Sequence[Picture],
    locale: str,
    *,
    size: int = 64,
) -> list[str]:
    """Greedy captions, in order."""
    import torch

    collate = Collator(tokenizer)
    texts: dict[int, str] = {}
    grids = sorted({p.grid for p in pictures})
    for grid in grids:
        members = [i for i, p in enumerate(pictures) if p.grid == grid]
        prompt = collate.prompt(grid, caption_prompt(locale))
        for start in range(0, len(members), size):
            chunk = members[start : start + size]
            ids = torch.tensor([prompt.ids] * len(chunk))
            answers = model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                mm_token_type_ids=(ids == model.config.image_token_id).int(),
                pixel_values=torch.from_numpy(patches(augment(np.stack([pictures[i].pixels for i in chunk]), None))),
                image_grid_thw=torch.tensor([[1, grid[0] * MERGE, grid[1] * MERGE]] * len(chunk)),
                max_new_tokens=32,
                do_sample=False,
            )
            for i, text in zip(
                chunk, tokenizer.batch_decode(answers[:, ids.shape[1] :], skip_special_tokens=True), strict=True
            ):
                texts[i] = text
    return [texts[i] for i in range(len(pictures))]


def accuracy(
    model: "Qwen2VLForConditionalGeneration",
    tokenizer: "PreTrainedTokenizerBase",
    pictures: Sequence[Picture],
) -> dict[str, dict[str, float]]:
    """Share of captions that are exact, and that name each attribute rightly, per locale."""
    found: dict[str, dict[str, float]] = {}
    for locale in vocabulary().locales:
        texts = describe(model, tokenizer, pictures, locale)
        exact = [text == caption_text(p.latent, locale) for text, p in zip(texts, pictures, strict=True)]
        found[locale] = {"exact": float(np.mean(exact))}
        for name in ATTRIBUTES:
            named = [
                f" {spoken(p.latent, locale)[name]}" in f" {text}" for text, p in zip(texts, pictures, strict=True)
            ]
            found[locale][name] = float(np.mean(named))
    return found
