"""The likeliest answer to a question, token by token: as transformers writes it, and as vLLM does."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
from pyspark.sql import SparkSession

from geo_lib.pictures import upright
from geo_lib.serving.requests import BadRequestError, Request
from geo_lib.serving.settings import Decoding
from geo_lib.serving.vllm import VllmServer
from geo_lib.spark import local_frame
from geo_lib.vlm.batches import IGNORED, Example, encode
from geo_lib.vlm.parity import Answer, Question

if TYPE_CHECKING:
    from transformers import Qwen2VLProcessor

_AT_ONCE = 16


def greedy(decoding: Decoding) -> Decoding:
    """The decoding, with nothing drawn."""
    return replace(decoding, top_k=1)


def written(
    model: Any,
    processor: "Qwen2VLProcessor",
    examples: Sequence[Example],
    images: Mapping[str, bytes],
    *,
    decoding: Decoding,
    precision: str,
) -> list[Answer]:
    """What a model of transformers, with adapters or without, answers to the prompts of examples, as training has them.

    ``model`` computes in ``precision``, its adapters in their own, and has its own again afterwards.
    """
    answers: list[Answer] = []
    with _computing_in(model, precision):
        for start in range(0, len(examples), _AT_ONCE):
            some = examples[start : start + _AT_ONCE]
            answers += _batch(model, processor, some, [images[e.signature] for e in some], decoding)
    return answers


def _batch(
    model: Any, processor: "Qwen2VLProcessor", examples: Sequence[Example], images: Sequence[bytes], decoding: Decoding
) -> list[Answer]:
    import torch

    encoded = [encode(processor, example) for example in examples]
    prompts = [e.input_ids[: e.labels.count(IGNORED)] for e in encoded]
    longest = max(map(len, prompts))
    # padded on the left, so that all answers begin at one place; what pads is masked
    input_ids = torch.full((len(prompts), longest), processor.tokenizer.pad_token_id)
    mask = torch.zeros_like(input_ids)
    for row, prompt in enumerate(prompts):
        input_ids[row, longest - len(prompt) :] = torch.tensor(prompt)
        mask[row, longest - len(prompt) :] = 1
    pixels = processor.image_processor(images=[upright(image) for image in images], return_tensors="pt")
    asked = {
        "input_ids": input_ids,
        "attention_mask": mask,
        "mm_token_type_ids": (input_ids == processor.image_token_id).int(),
        "image_grid_thw": pixels["image_grid_thw"],
        "pixel_values": pixels["pixel_values"].to(next(model.parameters()).dtype),
    }
    with torch.no_grad():
        tokens = model.generate(
            **{name: tensor.to(model.device) for name, tensor in asked.items()},
            do_sample=False,
            repetition_penalty=decoding.repetition_penalty,
            max_new_tokens=decoding.max_new_tokens,
            use_cache=True,
        )
    texts = processor.tokenizer.batch_decode(
        tokens[:, longest:], skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    return [Answer(prompt, text) for prompt, text in zip(prompts, texts, strict=True)]


@contextmanager
def _computing_in(model: Any, precision: str) -> Iterator[None]:
    """The frozen weights in another precision for a while; what a narrower one would round away is kept."""
    import torch

    dtype = getattr(torch, precision)
    others = [p for name, p in model.named_parameters() if "lora_" not in name and p.dtype != dtype]
    before = [(p.dtype, p.data if p.dtype.itemsize > dtype.itemsize else None) for p in others]
    for parameter in others:
        parameter.data = parameter.data.to(dtype)
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        for parameter, (own, data) in zip(others, before, strict=True):
            parameter.data = parameter.data.to(own) if data is None else data
        model.train(was_training)


def served(
    spark: SparkSession,
    questions: Sequence[Question],
    images: Mapping[str, bytes],
    *,
    load: Callable[[], VllmServer],
) -> list[Answer | str]:
    """What the engine that ``load`` has on a worker answers to the same questions; an error's message where it cannot.

    The engine stays with the worker: whoever asks for the same one next finds it there.
    """

    def answer(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            asked = zip(batch["id"], batch["prompt"], map(tuple, batch["images"]), strict=True)
            answers = _answers(load(), [Request(*row) for row in asked])
            rows = [(None, None, a) if isinstance(a, str) else (a.prompt_ids, a.text, None) for a in answers]
            yield pd.concat(
                [batch[["id"]], pd.DataFrame(rows, columns=["prompt_ids", "text", "error"])], axis="columns"
            )

    rows = [(f"{n}", q.prompt, [bytearray(images[q.signature])]) for n, q in enumerate(questions)]
    asked = local_frame(spark, rows, "id string, prompt string, images array<binary>").repartition(1)
    answered = asked.mapInPandas(answer, "id string, prompt_ids array<int>, text string, error string").collect()
    by_id = {row["id"]: row["error"] or Answer(list(row["prompt_ids"]), row["text"]) for row in answered}
    return [by_id[f"{n}"] for n in range(len(questions))]


def _answers(server: VllmServer, requests: Sequence[Request]) -> list[Answer | str]:
    answers: dict[str, Answer | str] = {}
    prepared: dict[str, Any] = {}
    for request in requests:
        try:
            prepared[request.id] = server.prepare(request)
        except BadRequestError as bad:
            answers[request.id] = str(bad)
    for request_id, output in zip(prepared, server.outputs(list(prepared.values())), strict=True):
        stalled = "it got no further"
        answers[request_id] = (
            stalled if output is None else Answer(list(output.prompt_token_ids), output.outputs[0].text)
        )
    return [answers[request.id] for request in requests]
