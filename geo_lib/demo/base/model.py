"""The tiny base model's folder: pretrain and measure it, leave weights, processor and card where vLLM finds them."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo_lib.demo.base.accuracy import accuracy
from geo_lib.demo.base.pretraining import FEWEST_PIXELS, PIXELS, Picture, first_latent, picture, pictures
from geo_lib.demo.base.tokenizer import build_processor, build_tokenizer
from geo_lib.demo.base.training import NAMED_EVERY, Training, build_model, train
from geo_lib.demo.truth.latent import reserved_combinations

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, Qwen2VLForConditionalGeneration

log = logging.getLogger(__name__)

TINY_VLM = Path(__file__).parent.parent / "tiny_vlm"
LARGEST_FOLDER = 12 * 2**20
"""Bytes that the folder may hold: it is committed."""

Report = dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True, slots=True)
class Pretraining:
    """Knobs of the whole run."""

    training: Training
    pictures: int = 10_000
    checked: int = 400
    """Unseen pictures that accuracy is measured on, and as many again with combinations that no training shows."""
    vocabulary: int = 2560
    processes: int = 2
    threads: int = 2
    start: str | None = None
    """Folder of a model of this shape to go on from; null: from scratch."""


def save(model: "Qwen2VLForConditionalGeneration", tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    """Weights in bfloat16, tokenizer, processor and chat template."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    halves = {name: tensor.detach().to(torch.bfloat16) for name, tensor in model.state_dict().items()}
    config = model.config.dtype
    model.config.dtype = torch.bfloat16
    model.save_pretrained(folder, state_dict=halves)
    model.config.dtype = config
    build_processor(tokenizer).save_pretrained(folder)
    if (size := sum(file.stat().st_size for file in folder.iterdir())) > LARGEST_FOLDER:
        raise ValueError(f"{folder} holds {size:,} bytes and may hold {LARGEST_FOLDER:,}; make the model smaller")


def load(folder: Path) -> tuple["Qwen2VLForConditionalGeneration", "PreTrainedTokenizerBase"]:
    """Model in float32 and tokenizer, offline."""
    import torch
    from transformers import AutoTokenizer, Qwen2VLForConditionalGeneration

    model = Qwen2VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    return model.eval(), AutoTokenizer.from_pretrained(folder, local_files_only=True)


def check_apart(train_pictures: Sequence[Picture]) -> None:
    """No training picture shows a combination that is kept for testing."""
    reserved = reserved_combinations()
    if shown := {(p.latent.kind, p.latent.colour) for p in train_pictures} & reserved:
        raise ValueError(f"pretraining pictures show reserved combinations: {sorted(shown)}")


def novel_pictures(count: int) -> list[Picture]:
    """Unseen pictures of reserved combinations alone."""
    found: list[Picture] = []
    index = 0
    while len(found) < count:
        if first_latent("novel", index).reserved:
            found.append(picture("novel", index, reserved=True))
        index += 1
    return found


def pretrain(
    folder: Path,
    cache: Path,
    knobs: Pretraining,
    *,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> Report:
    """Draw, train, save and measure; the saved folder is read back before it is measured."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(knobs.threads)
    try:
        return _pretrain(folder, cache, knobs, progress)
    finally:
        torch.set_num_threads(threads)


def _pretrain(folder: Path, cache: Path, knobs: Pretraining, progress: Callable[[int, int, str], None]) -> Report:
    drawn = pictures(
        "train",
        knobs.pictures,
        cache,
        processes=knobs.processes,
        progress=lambda done: progress(done, knobs.pictures, "drawing"),
    )
    check_apart(drawn)
    if knobs.start is None:
        tokenizer = build_tokenizer(knobs.vocabulary)
        model = build_model(tokenizer, seed=knobs.training.seed)
    else:
        model, tokenizer = load(Path(knobs.start))
    parameters = sum(p.numel() for p in model.parameters())

    def checkpoint(done: float) -> None:
        progress(int(1000 * done), 1000, "training")
        if done > knobs.training.seeing_share:
            save(model, tokenizer, folder)  # a run that is cut short leaves the last of these

    curve = train(model, tokenizer, drawn, knobs.training, checkpoint=checkpoint)
    save(model, tokenizer, folder)
    report = measure(folder, cache, knobs)
    write_card(folder, knobs, parameters=parameters, report=report, curve=curve)
    return report


def measure(folder: Path, cache: Path, knobs: Pretraining) -> Report:
    """Accuracy of what stands in the folder, on unseen pictures and on unseen combinations."""
    model, tokenizer = load(folder)
    unseen = pictures("test", knobs.checked, cache, processes=knobs.processes)
    report = {
        "unseen pictures": accuracy(model, tokenizer, unseen),
        "unseen combinations": accuracy(model, tokenizer, novel_pictures(max(knobs.checked // 4, 1))),
    }
    log.info("%s", json.dumps(report))
    return report


def write_card(
    folder: Path, knobs: Pretraining, *, parameters: int, report: Report, curve: Sequence[dict[str, Any]]
) -> None:
    columns = ["exact", "kind", "colour", "pattern", "material", "setting"]
    rows = [
        f"| {name} | {locale} | " + " | ".join(f"{values[c]:.3f}" for c in columns) + " |"
        for name, locales in report.items()
        for locale, values in locales.items()
    ]
    last = curve[-1] if curve else {}
    text = f"""# Tiny base VLM

A Qwen2-VL of {parameters / 1e6:.1f} million parameters, pretrained from scratch on captions of simulated pictures by
`geo pretrain-tiny-vlm`. It stands in for Qwen2-VL-7B-Instruct where there is no GPU: same classes, same shape of chat
template, same processor, loaded by transformers and by vLLM alike. It knows nothing but the simulated platform.

**Data (simulated).** {knobs.pictures:,} pictures drawn by `geo_lib/demo` from a seed stream that no platform uses,
captioned in lower-case English and German; one batch of them in {NAMED_EVERY} is asked as `geo annotate-images` asks
and answered with what is seen, one attribute at a time. Without a picture the decoder reads lists of the lines in
`geo_lib/demo/base/reading`: they use every word of the platform's vocabulary and none of its people's wordings. No
picture shows one of the {len(reserved_combinations())} reserved (kind, colour) combinations.

**Bounds.** {FEWEST_PIXELS:,} to {PIXELS:,} pixels; one visual token per 28 x 28 pixels. Weights in bfloat16.

**Share of greedy captions that are exact, or name the attribute rightly**, after a reload from this folder:

| pictures | locale | {" | ".join(columns)} |
|---|---|{"---|" * len(columns)}
{chr(10).join(rows)}

**Run.** {int(last.get("step", 0)):,} steps of {knobs.training.batch_size} pictures in
{last.get("seconds", 0) / 60:.0f} minutes; knobs:

```json
{json.dumps(asdict(knobs), indent=2)}
```
"""
    (folder / "README.md").write_text(text, "utf-8")
