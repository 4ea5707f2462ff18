"""Pretrain the tiny base model: first to see, then to say what it sees.

Phase 1 teaches the vision part alone to tell which words a caption uses, one linear head per attribute over the mean
of its visual tokens. Phase 2 trains the whole model on captions, with the heads as a lesser aim; one batch in
``TEXT_EVERY`` is text without a picture, so that the decoder has read every word that the platform's people type. The
heads are thrown away. Every picture is seen in both locales; the prompt says which one is asked for.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geo_lib.demo.base.accuracy import ATTRIBUTES
from geo_lib.demo.base.batches import MERGE, PATCH, Collator, augment, patches, shuffled_batches
from geo_lib.demo.base.pretraining import Picture
from geo_lib.demo.base.tokenizer import IMAGE, STOP, caption_prompt, caption_text, query_list, text_prompt
from geo_lib.demo.truth.latent import stream_seed
from geo_lib.demo.truth.worlds import vocabulary

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase, Qwen2VLForConditionalGeneration

log = logging.getLogger(__name__)

TEXT_EVERY = 6


@dataclass(frozen=True, slots=True)
class Training:
    """Knobs of one pretraining run."""

    steps: int = 4000
    minutes: float = 120.0
    """Whichever of steps and minutes ends first ends the run; the learning rate falls along whichever is nearer."""
    batch_size: int = 48
    seeing_share: float = 0.55
    """Share of the run spent in phase 1."""
    learning_rate: float = 1.5e-3
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
    batches = shuffled_batches(pictures, knobs.batch_size, rng)
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
                    [
                        (caption_prompt(locale), caption_text(pictures[i].latent, locale))
                        for i, locale in zip(members, asked, strict=True)
                    ],
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
