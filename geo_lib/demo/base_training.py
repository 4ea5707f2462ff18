"""Pretrain the tiny base model: first to see, then to say what it sees.

Phase 1 teaches the vision part alone to tell which words a caption uses, one linear head per attribute over the mean of
its visual tokens. Phase 2 trains the whole model on captions, with the heads as a lesser aim; one batch in ``TEXT_EVERY``
is text without a picture, so that the decoder has read every word that the platform's people type. The heads are thrown
away. Every picture is seen in both locales; the prompt says which one is asked for.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geo_lib.demo.base_tokenizer import IMAGE, STOP, caption_prompt, caption_text, query_list, text_prompt
from geo_lib.demo.latent import Latent, stream_seed
from geo_lib.demo.pretraining import CELL, Grid, Picture
from geo_lib.demo.worlds import vocabulary

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase, Qwen2VLForConditionalGeneration

log = logging.getLogger(__name__)

ATTRIBUTES = ("kind", "colour", "pattern", "material", "setting")
TEXT_EVERY = 6
PATCH, MERGE = 14, 2
MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True)
class Training:
    """Knobs of one pretraining run."""

    steps: int = 6000
    minutes: float = 45.0
    """Whichever of steps and minutes ends first ends the run; the learning rate falls along whichever is nearer."""
    batch_size: int = 48
    seeing_share: float = 0.45
    """Share of the run spent in phase 1."""
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warmup: float = 0.03
    head_weight: float = 0.3
    """Weight of the attribute heads in phase 2."""
    seed: int = 20261101


def build_model(tokenizer: "PreTrainedTokenizerBase", *, seed: int) -> "Qwen2VLForConditionalGeneration":
    """A fresh Qwen2-VL of about 3.6 million parameters."""
    import torch
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

    def token(text: str) -> int:
        found = tokenizer.convert_tokens_to_ids(text)
        assert isinstance(found, int)
        return found

    hidden = 192
    config = Qwen2VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": hidden,
            "intermediate_size": 512,
            "num_hidden_layers": 4,
            "num_attention_heads": 6,
            "num_key_value_heads": 2,
            "max_position_embeddings": 2048,
            "initializer_range": 0.04,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 6, 6]},
            "tie_word_embeddings": True,
            "bos_token_id": None,
            "eos_token_id": token(STOP),
            "pad_token_id": tokenizer.pad_token_id,
        },
        vision_config={
            "depth": 4,
            "embed_dim": 160,
            "hidden_size": hidden,
            "num_heads": 5,
            "mlp_ratio": 3,
            "patch_size": PATCH,
            "spatial_merge_size": MERGE,
            "temporal_patch_size": 2,
            "initializer_range": 0.04,
        },
        image_token_id=token(IMAGE),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=True,
    )
    torch.manual_seed(seed)
    model = Qwen2VLForConditionalGeneration(config)
    model.generation_config.eos_token_id = token(STOP)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.do_sample = False
    return model


def batch_attention(model: "Qwen2VLForConditionalGeneration") -> None:
    """Let equal-sized pictures attend in one call, and embed patches by a matrix product: on a CPU several times faster.

    Holds for batches of one grid only, as this module makes them; a saved model is untouched.
    """
    import torch
    from torch.nn import functional as nn
    from transformers.models.qwen2_vl.modeling_qwen2_vl import apply_rotary_pos_emb_vision

    def attend(layer: Any) -> Callable[..., "torch.Tensor"]:
        def forward(
            hidden_states: "torch.Tensor", cu_seqlens: "torch.Tensor", position_embeddings: Any = None, **_: object
        ) -> "torch.Tensor":
            length, pictures = hidden_states.shape[0], cu_seqlens.shape[0] - 1
            q, k, v = layer.qkv(hidden_states).reshape(length, 3, layer.num_heads, -1).permute(1, 0, 2, 3).unbind(0)
            q, k = apply_rotary_pos_emb_vision(q, k, *position_embeddings)
            q, k, v = (x.view(pictures, -1, layer.num_heads, layer.head_dim).transpose(1, 2) for x in (q, k, v))
            seen = nn.scaled_dot_product_attention(q, k, v)
            projected: torch.Tensor = layer.proj(seen.transpose(1, 2).reshape(length, -1))
            return projected

        return forward

    visual = model.model.visual
    embed = visual.patch_embed.proj
    visual.patch_embed.forward = lambda patches: nn.linear(patches, embed.weight.view(embed.weight.shape[0], -1))
    for block in visual.blocks:
        block.attn.forward = attend(block.attn)


def patches(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """What Qwen2-VL's processor makes of normalised pictures (n, height, width, 3): rows of 2 x 3 x 14 x 14 values."""
    n, height, width, _ = pixels.shape
    rows, columns = height // CELL, width // CELL
    cut = pixels.reshape(n, rows, MERGE, PATCH, columns, MERGE, PATCH, 3)
    ordered = cut.transpose(0, 1, 4, 2, 5, 7, 3, 6)[:, :, :, :, :, :, None]
    twice = np.repeat(ordered, 2, axis=6)
    return np.ascontiguousarray(twice.reshape(n * rows * columns * MERGE * MERGE, -1))


def augment(pixels: NDArray[np.uint8], rng: np.random.Generator | None) -> NDArray[np.float32]:
    """Normalise; with an ``rng``, also mirror, shift by a few pixels and change brightness and contrast a little."""
    batch = pixels.astype(np.float32) / 255
    if rng is not None:
        n = len(batch)
        mirrored = rng.random(n) < 0.5
        batch[mirrored] = batch[mirrored, :, ::-1]
        down, across = rng.integers(-7, 8, 2)
        batch = np.roll(batch, (int(down), int(across)), axis=(1, 2))
        contrast = rng.uniform(0.9, 1.1, (n, 1, 1, 1)).astype(np.float32)
        brightness = rng.uniform(-0.04, 0.04, (n, 1, 1, 1)).astype(np.float32)
        batch = (batch - 0.5) * contrast + 0.5 + brightness
    normalised: NDArray[np.float32] = (batch - np.float32(MEAN)) / np.float32(DEVIATION)
    return normalised


@dataclass(frozen=True, slots=True)
class Prompt:
    """A caption prompt up to the assistant's turn, with its three rows of positions."""

    ids: list[int]
    positions: NDArray[np.int64]


def prompt_of(tokenizer: "PreTrainedTokenizerBase", grid: Grid | None, text: str) -> Prompt:
    """The prompt for a picture of ``grid``, or for none, as the processor and the model's own position rule build it."""
    content: list[dict[str, str]] = [{"type": "text", "text": text}]
    if grid is not None:
        content.insert(0, {"type": "image"})
    rendered = str(
        tokenizer.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False)
    )
    ids: list[int] = list(tokenizer(rendered).input_ids)
    if grid is None:
        return Prompt(ids, np.tile(np.arange(len(ids)), (3, 1)))
    rows, columns = grid
    place = ids.index(int(tokenizer.convert_tokens_to_ids(IMAGE)))  # type: ignore[arg-type]
    ids[place : place + 1] = [ids[place]] * (rows * columns)
    down, across = np.divmod(np.arange(rows * columns), columns)
    seen = np.stack([np.zeros_like(down), down, across]) + place
    after = np.arange(len(ids) - place - rows * columns) + place + max(rows, columns)
    positions = np.concatenate([np.tile(np.arange(place), (3, 1)), seen, np.tile(after, (3, 1))], axis=1)
    return Prompt(ids, positions)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows padded on the right; ``labels`` is -100 wherever no loss is due."""

    ids: "torch.Tensor"
    labels: "torch.Tensor"
    positions: "torch.Tensor"


class Collator:
    """Prompts and answers into batches; prompts are built once per grid and text."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._tokenizer = tokenizer
        self._prompts: dict[tuple[Grid | None, str], Prompt] = {}
        self._end = [int(tokenizer.convert_tokens_to_ids(STOP))]  # type: ignore[arg-type]

    def prompt(self, grid: Grid | None, text: str) -> Prompt:
        if (grid, text) not in self._prompts:
            self._prompts[grid, text] = prompt_of(self._tokenizer, grid, text)
        return self._prompts[grid, text]

    def __call__(self, grid: Grid | None, rows: Sequence[tuple[str, str]]) -> Batch:
        """Batch (prompt text, answer) pairs; the loss is due on the answer and its end mark."""
        import torch

        prompts = [self.prompt(grid, text) for text, _ in rows]
        answers = [list(self._tokenizer(answer).input_ids) + self._end for _, answer in rows]
        longest = max(len(p.ids) + len(a) for p, a in zip(prompts, answers, strict=True))
        ids = np.full((len(rows), longest), self._tokenizer.pad_token_id, dtype=np.int64)
        labels = np.full((len(rows), longest), -100, dtype=np.int64)
        positions = np.zeros((3, len(rows), longest), dtype=np.int64)
        for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
            start = len(prompt.ids)
            ids[row, : start + len(answer)] = prompt.ids + answer
            labels[row, start : start + len(answer)] = answer
            positions[:, row, :start] = prompt.positions
            positions[:, row, start:] = prompt.positions[0, -1] + 1 + np.arange(longest - start)
        return Batch(torch.from_numpy(ids), torch.from_numpy(labels), torch.from_numpy(positions))


def _options() -> dict[str, list[str]]:
    vocab = vocabulary()
    return {
        "kind": [kind for world in vocab.worlds.values() for kind in world.kinds],
        "colour": list(vocab.colours),
        "pattern": list(vocab.patterns),
        "material": list(vocab.materials),
        "setting": [setting for world in vocab.worlds.values() for setting in world.settings],
    }


def _shuffled_batches(pictures: Sequence[Picture], size: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Endless batches of indices, each of one grid; every picture once per epoch, but for what fills no batch."""
    grids: dict[Grid, list[int]] = {}
    for index, picture in enumerate(pictures):
        grids.setdefault(picture.grid, []).append(index)
    while True:
        batches = []
        for members in grids.values():
            order = rng.permutation(members)
            batches += [order[start : start + size].tolist() for start in range(0, len(order) - size + 1, size)]
        yield from (batches[i] for i in rng.permutation(len(batches)))


def train(
    model: "Qwen2VLForConditionalGeneration",
    tokenizer: "PreTrainedTokenizerBase",
    pictures: Sequence[Picture],
    knobs: Training,
    *,
    checkpoint: Callable[[float], None] = lambda done: None,
    every: int = 100,
) -> list[dict[str, float]]:
    """Train in place; returns the logged curve. ``checkpoint`` is called now and then with the share done."""
    import torch
    from torch.nn import functional as nn

    torch.manual_seed(knobs.seed)
    rng = np.random.default_rng(knobs.seed)
    options = _options()
    targets = torch.tensor(
        [[options[name].index(getattr(p.latent, name)) for name in ATTRIBUTES] for p in pictures], dtype=torch.long
    )
    width = model.config.text_config.hidden_size
    heads = torch.nn.Linear(width, sum(map(len, options.values())))
    batch_attention(model)
    collate = Collator(tokenizer)
    parameters = [*model.parameters(), *heads.parameters()]
    matrices = [p for p in parameters if p.ndim > 1]
    rest = [p for p in parameters if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": knobs.weight_decay}, {"params": rest, "weight_decay": 0.0}],
        lr=knobs.learning_rate,
        betas=(0.9, 0.98),
    )
    batches = _shuffled_batches(pictures, knobs.batch_size, rng)
    locales = list(vocabulary().locales)
    curve: list[dict[str, float]] = []
    begun = time.monotonic()
    sums: dict[str, float] = {}
    model.train()
    step, done = 0, 0.0
    while done < 1.0:
        seeing = done < knobs.seeing_share
        span = (0.0, knobs.seeing_share) if seeing else (knobs.seeing_share, 1.0)
        within = (done - span[0]) / (span[1] - span[0])
        rate = min(1.0, within / knobs.warmup + 0.01) * (0.5 + 0.5 * math.cos(math.pi * within) * 0.97 + 0.015)
        for group in optimizer.param_groups:
            group["lr"] = knobs.learning_rate * rate
        losses: dict[str, torch.Tensor] = {}
        if not seeing and step % TEXT_EVERY == 0:
            rows = [
                (text_prompt(locale := locales[i % len(locales)]), query_list(stream_seed("text", step, i), locale))
                for i in range(knobs.batch_size // 3)
            ]
            batch = collate(None, rows)
            logits = model(input_ids=batch.ids, position_ids=batch.positions).logits
            losses["text"] = nn.cross_entropy(logits[:, :-1].flatten(0, 1), batch.labels[:, 1:].flatten())
            loss = 0.5 * losses["text"]
        else:
            members = next(batches)
            grid = pictures[members[0]].grid
            pixels = torch.from_numpy(patches(augment(np.stack([pictures[i].pixels for i in members]), rng)))
            shape = torch.tensor([[1, grid[0] * MERGE, grid[1] * MERGE]] * len(members))
            seen = model.model.get_image_features(pixels, shape, return_dict=True)
            pooled = torch.stack(seen.pooler_output).mean(dim=1)
            parts = heads(pooled).split([len(found) for found in options.values()], dim=1)
            losses["heads"] = torch.stack(
                [nn.cross_entropy(part, targets[members, i]) for i, part in enumerate(parts)]
            ).sum()
            loss = losses["heads"]
            if not seeing:
                asked = [locales[int(i)] for i in rng.integers(len(locales), size=len(members))]
                batch = collate(
                    grid,
                    [(caption_prompt(locale), caption_text(pictures[i].latent, locale)) for i, locale in zip(members, asked, strict=True)],
                )
                first = min(int((row >= 0).nonzero()[0]) for row in batch.labels)
                out = model.model(
                    input_ids=batch.ids, position_ids=batch.positions, mm_encoder_outputs={"image": seen}
                ).last_hidden_state
                logits = model.lm_head(out[:, first - 1 : -1])
                losses["caption"] = nn.cross_entropy(logits.flatten(0, 1), batch.labels[:, first:].flatten())
                loss = losses["caption"] + knobs.head_weight * losses["heads"]
            for i, name in enumerate(ATTRIBUTES):
                hit = (parts[i].argmax(dim=1) == targets[members, i]).float().mean()
                sums[name] = sums.get(name, 0.0) + float(hit)
            sums["pictures"] = sums.get("pictures", 0.0) + 1
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        for name, value in losses.items():
            sums[name + "_loss"] = sums.get(name + "_loss", 0.0) + float(value.detach())
            sums[name + "_count"] = sums.get(name + "_count", 0.0) + 1
        step += 1
        elapsed = time.monotonic() - begun
        done = max(step / knobs.steps, elapsed / (60 * knobs.minutes))
        if step % every == 0 or done >= 1.0:
            row = {"step": float(step), "seconds": round(elapsed, 1), "rate": rate}
            row |= {n: round(sums[n] / sums["pictures"], 3) for n in ATTRIBUTES if n in sums}
            row |= {n: round(sums[n] / sums[n[:-5] + "_count"], 4) for n in sums if n.endswith("_loss")}
            curve.append(row)
            log.info("%s", row)
            sums = {}
            checkpoint(done)
    model.eval()
    return curve


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
            answers = model.generate(  # type: ignore[operator]
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                mm_token_type_ids=(ids == model.config.image_token_id).int(),
                pixel_values=torch.from_numpy(patches(augment(np.stack([pictures[i].pixels for i in chunk]), None))),
                image_grid_thw=torch.tensor([[1, grid[0] * MERGE, grid[1] * MERGE]] * len(chunk)),
                max_new_tokens=32,
                do_sample=False,
            )
            for i, text in zip(chunk, tokenizer.batch_decode(answers[:, ids.shape[1] :], skip_special_tokens=True), strict=True):
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
            named = [f" {spoken(p.latent, locale)[name]}" in f" {text}" for text, p in zip(texts, pictures, strict=True)]
            found[locale][name] = float(np.mean(named))
    return found
