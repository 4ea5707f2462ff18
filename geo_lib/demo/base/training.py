"""Pretrain the tiny base model: first to see, then to say what it sees.

Phase 1 teaches the vision part alone to tell which words a caption uses, one linear head per attribute over the mean
of its visual tokens. Phase 2 trains the whole model to answer, with the heads as a lesser aim. Most pictures are to be
captioned; one batch of them in ``NAMED_EVERY`` is asked as images are annotated and answered with what is seen, so that
the model has met the instruction, its metadata and its JSON. One batch in ``TEXT_EVERY`` is text without a picture, so
that the decoder has read every word of the platform's vocabulary; none of that text is what its people type. The heads
are thrown away. Every picture is seen in both locales; the prompt says which one is asked for.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from geo_lib.demo.base.accuracy import ATTRIBUTES
from geo_lib.demo.base.batches import MERGE, PATCH, Collator, augment, patches, shuffled_batches
from geo_lib.demo.base.pretraining import Picture
from geo_lib.demo.base.reading import named, query_list
from geo_lib.demo.base.tokenizer import IMAGE, STOP, caption_prompt, caption_text, query_prompt, text_prompt
from geo_lib.demo.truth.latent import stream_seed
from geo_lib.demo.truth.worlds import vocabulary

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase, Qwen2VLForConditionalGeneration

log = logging.getLogger(__name__)

TEXT_EVERY = 6
NAMED_EVERY = 3


@dataclass(frozen=True, slots=True)
class Training:
    """Knobs of one pretraining run."""

    steps: int = 4400
    minutes: float = 120.0
    """Whichever of steps and minutes ends first ends the run; the learning rate falls along whichever is nearer."""
    batch_size: int = 48
    seeing_share: float = 0.5
    """Share of the run spent in phase 1."""
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    warmup: float = 0.03
    head_weight: float = 0.3
    """Weight of the attribute heads in phase 2."""
    seed: int = 20261101


def build_model(tokenizer: "PreTrainedTokenizerBase", *, seed: int) -> "Qwen2VLForConditionalGeneration":
    """A fresh Qwen2-VL of about 3.8 million parameters."""
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
    """Let equal-sized pictures attend in one call, embed patches by a matrix product: on a CPU several times faster.

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


def _options() -> dict[str, list[str]]:
    vocab = vocabulary()
    return {
        "kind": [kind for world in vocab.worlds.values() for kind in world.kinds],
        "colour": list(vocab.colours),
        "pattern": list(vocab.patterns),
        "material": list(vocab.materials),
        "setting": [setting for world in vocab.worlds.values() for setting in world.settings],
    }


@dataclass
class _Run:
    """A model in training, with all that a step needs."""

    model: "Qwen2VLForConditionalGeneration"
    pictures: Sequence[Picture]
    knobs: Training
    rng: np.random.Generator
    options: dict[str, list[str]]
    targets: "torch.Tensor"
    """Place of each picture's attribute among its options, shape (pictures, attributes)."""
    heads: "torch.nn.Linear"
    collate: Collator
    batches: Iterator[list[int]]
    locales: list[str]
    asked: int = 0
    """Batches of pictures that phase 2 has asked about."""
    sums: dict[str, float] = field(default_factory=dict)
    """What was measured since the last row of the curve."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the vision part makes of a batch of equally large pictures."""

    members: Sequence[int]
    features: Any
    loss: "torch.Tensor"
    """Of the heads, one per attribute."""


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

    run = _begun(model, tokenizer, pictures, knobs)
    parameters = [*model.parameters(), *run.heads.parameters()]
    matrices = [p for p in parameters if p.ndim > 1]
    rest = [p for p in parameters if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": knobs.weight_decay}, {"params": rest, "weight_decay": 0.0}],
        lr=knobs.learning_rate,
        betas=(0.9, 0.98),
    )
    curve: list[dict[str, float]] = []
    begun = time.monotonic()
    model.train()
    step, done = 0, 0.0
    while done < 1.0:
        seeing = done < knobs.seeing_share
        rate = _rate(done, knobs)
        for group in optimizer.param_groups:
            group["lr"] = knobs.learning_rate * rate
        if seeing:
            seen = _see(run)
            loss, losses = seen.loss, {"heads": seen.loss}
        elif step % TEXT_EVERY == 0:
            text = _say_text(run, step)
            loss, losses = 0.5 * text, {"text": text}
        else:
            seen = _see(run)
            run.asked += 1
            what, rows = ("named", _names) if run.asked % NAMED_EVERY == 0 else ("caption", _captions)
            said = _say(run, seen, rows(run, seen))
            loss, losses = said + knobs.head_weight * seen.loss, {"heads": seen.loss, what: said}
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        for name, value in losses.items():
            run.sums[name + "_loss"] = run.sums.get(name + "_loss", 0.0) + float(value.detach())
            run.sums[name + "_count"] = run.sums.get(name + "_count", 0.0) + 1
        step += 1
        elapsed = time.monotonic() - begun
        done = max(step / knobs.steps, elapsed / (60 * knobs.minutes))
        if step % every == 0 or done >= 1.0:
            curve.append(_logged(run, step=step, elapsed=elapsed, rate=rate))
            checkpoint(done)
    model.eval()
    return curve


def _begun(
    model: "Qwen2VLForConditionalGeneration",
    tokenizer: "PreTrainedTokenizerBase",
    pictures: Sequence[Picture],
    knobs: Training,
) -> _Run:
    import torch

    torch.manual_seed(knobs.seed)
    rng = np.random.default_rng(knobs.seed)
    options = _options()
    targets = torch.tensor(
        [[options[name].index(getattr(p.latent, name)) for name in ATTRIBUTES] for p in pictures], dtype=torch.long
    )
    heads = torch.nn.Linear(model.config.text_config.hidden_size, sum(map(len, options.values())))
    batch_attention(model)
    return _Run(
        model,
        pictures,
        knobs,
        rng,
        options,
        targets,
        heads,
        Collator(tokenizer),
        shuffled_batches(pictures, knobs.batch_size, rng),
        list(vocabulary().locales),
    )


def _rate(done: float, knobs: Training) -> float:
    """Share of the learning rate: in each phase a short rise, then half a cosine down to 3 per cent."""
    span = (0.0, knobs.seeing_share) if done < knobs.seeing_share else (knobs.seeing_share, 1.0)
    within = (done - span[0]) / (span[1] - span[0])
    return min(1.0, within / knobs.warmup + 0.01) * (0.5 + 0.5 * math.cos(math.pi * within) * 0.97 + 0.015)


def _see(run: _Run) -> _Seen:
    """Look at the next batch of pictures and tell their attributes."""
    import torch
    from torch.nn import functional as nn

    members = next(run.batches)
    grid = run.pictures[members[0]].grid
    pixels = torch.from_numpy(patches(augment(np.stack([run.pictures[i].pixels for i in members]), run.rng)))
    shape = torch.tensor([[1, grid[0] * MERGE, grid[1] * MERGE]] * len(members))
    features = run.model.model.get_image_features(pixels, shape, return_dict=True)
    pooled = torch.stack(features.pooler_output).mean(dim=1)
    parts = run.heads(pooled).split([len(values) for values in run.options.values()], dim=1)
    wanted = run.targets[members]
    loss = torch.stack([nn.cross_entropy(part, wanted[:, i]) for i, part in enumerate(parts)]).sum()
    for i, name in enumerate(ATTRIBUTES):
        hit = (parts[i].argmax(dim=1) == wanted[:, i]).float().mean()
        run.sums[name] = run.sums.get(name, 0.0) + float(hit)
    run.sums["pictures"] = run.sums.get("pictures", 0.0) + 1
    return _Seen(members, features, loss)


def _captions(run: _Run, seen: _Seen) -> list[tuple[str, str]]:
    """Each picture's prompt and caption, in a locale drawn for it."""
    return [
        (caption_prompt(locale), caption_text(run.pictures[i].latent, locale))
        for i, locale in zip(seen.members, _drawn_locales(run, seen), strict=True)
    ]


def _names(run: _Run, seen: _Seen) -> list[tuple[str, str]]:
    """Each picture's prompt as annotation asks, and what is seen on it as the answer, in a locale drawn for it."""
    rows = []
    for i, locale in zip(seen.members, _drawn_locales(run, seen), strict=True):
        latent, seed = run.pictures[i].latent, stream_seed("named", run.asked, i)
        rows.append((query_prompt(latent, locale, seed), named(latent, locale, seed)))
    return rows


def _drawn_locales(run: _Run, seen: _Seen) -> list[str]:
    return [run.locales[int(i)] for i in run.rng.integers(len(run.locales), size=len(seen.members))]


def _say(run: _Run, seen: _Seen, rows: Sequence[tuple[str, str]]) -> "torch.Tensor":
    """The loss of answering about what was seen; ``rows`` are prompts and answers."""
    from torch.nn import functional as nn

    batch = run.collate(run.pictures[seen.members[0]].grid, rows)
    first = min(int((row >= 0).nonzero()[0]) for row in batch.labels)
    out = run.model.model(
        input_ids=batch.ids, position_ids=batch.positions, mm_encoder_outputs={"image": seen.features}
    ).last_hidden_state
    logits = run.model.lm_head(out[:, first - 1 : -1])
    return nn.cross_entropy(logits.flatten(0, 1), batch.labels[:, first:].flatten())


def _say_text(run: _Run, step: int) -> "torch.Tensor":
    """The loss of writing lists of what there is to read, without a picture."""
    from torch.nn import functional as nn

    rows = [
        (text_prompt(locale := run.locales[i % len(run.locales)]), query_list(stream_seed("text", step, i), locale))
        for i in range(run.knobs.batch_size // 3)
    ]
    batch = run.collate(None, rows)
    logits = run.model(input_ids=batch.ids, position_ids=batch.positions).logits
    return nn.cross_entropy(logits[:, :-1].flatten(0, 1), batch.labels[:, 1:].flatten())


def _logged(run: _Run, *, step: int, elapsed: float, rate: float) -> dict[str, float]:
    """A row of the curve: means since the last one."""
    sums = run.sums
    row = {"step": float(step), "seconds": round(elapsed, 1), "rate": rate}
    row |= {n: round(sums[n] / sums["pictures"], 3) for n in ATTRIBUTES if n in sums}
    row |= {n: round(sums[n] / sums[n[:-5] + "_count"], 4) for n in sums if n.endswith("_loss")}
    log.info("%s", row)
    run.sums = {}
    return row
