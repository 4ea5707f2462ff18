"""One vLLM engine per Python worker: on a GPU in production, on the CPU here, by the same code."""

import gc
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from geo_lib.errors import first_line
from geo_lib.models import ModelFiles
from geo_lib.pictures import UndecodableError, upright
from geo_lib.serving.chat import chat, load_tokenizer
from geo_lib.serving.processor import bounds_of, load_processor
from geo_lib.serving.requests import (
    STALLED,
    BadRequestError,
    BrokenServerError,
    Generation,
    Prepared,
    RefusedError,
    Request,
)
from geo_lib.serving.settings import AskedVlm, Decoding
from geo_lib.serving.visual_tokens import MAX_ASPECT_RATIO, PixelBounds
from geo_lib.serving.watchdog import watched

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase
    from vllm import LLM, RequestOutput, SamplingParams

log = logging.getLogger(__name__)

_HALF_A_CHARACTER = "\ufffd"

_ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "HUMMING_DISABLE_PARALLEL_BUILD": "1",  # or each import of vLLM starts two builds for CUDA, in vain without it
}
"""What vLLM reads when it is imported; measured in docs/decisions. What the environment says already wins."""


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """Everything that makes an engine the engine it is; a worker that has this one loads none."""

    model_path: str
    model_version: str
    bounds: PixelBounds
    asked: AskedVlm
    log_file: str | None = None
    """Where the engine's own output goes; null leaves it where the worker's output goes."""
    precision: str | None = None
    """As torch names it, as in ``float32``; null: float32 on the CPU, else that of the files."""


def spec_of(
    model: ModelFiles, asked: AskedVlm, *, log_file: str | None = None, precision: str | None = None
) -> EngineSpec:
    """The engine that serves these files, under the pixel bounds that were saved with them."""
    bounds = bounds_of(load_processor(model.path))
    return EngineSpec(model.path, model.model_version, bounds, asked, log_file, precision)


def sampling(decoding: Decoding) -> "SamplingParams":
    """The decoding in vLLM's words."""
    from vllm import SamplingParams

    return SamplingParams(
        temperature=decoding.temperature,
        top_p=decoding.top_p,
        top_k=decoding.top_k,
        repetition_penalty=decoding.repetition_penalty,
        max_tokens=decoding.max_new_tokens,
        logprobs=0,  # of the chosen token alone
    )


class VllmServer:
    """``Server`` on vLLM, in this process."""

    def __init__(self, spec: EngineSpec) -> None:
        # more than it answers at a time: a place that one answer leaves free is taken by the next request at once
        self.at_once = 4 * spec.asked.max_num_seqs
        self._spec = spec
        self._tokenizer = load_tokenizer(spec.model_path)
        with output_to(spec.log_file):
            self._llm = _load(spec)
        self._room = int(self._llm.model_config.max_model_len) - spec.asked.decoding.max_new_tokens

    def prepare(self, request: Request) -> Prepared:
        bounds = self._spec.bounds
        try:
            pictures = [upright(image) for image in request.images]
        except UndecodableError as bad:
            raise BadRequestError("undecodable_image", str(bad)) from bad
        for picture in pictures:
            if max(picture.size) > MAX_ASPECT_RATIO * min(picture.size):
                measures = f"{picture.width} x {picture.height}"
                raise BadRequestError("aspect_ratio", f"{measures} is beyond the aspect ratio of {MAX_ASPECT_RATIO}")
        text = chat(self._tokenizer, request.prompt, images=len(pictures))
        # each placeholder is one token, which the image's own tokens replace
        tokens = len(self._tokenizer(text, add_special_tokens=False)["input_ids"]) - len(pictures)
        tokens += sum(bounds.visual_tokens(*picture.size) for picture in pictures)
        if tokens > self._room:
            raise BadRequestError(
                "too_many_tokens", f"images and prompt take {tokens} tokens, and there is room for {self._room}"
            )
        if not pictures:
            return {"prompt": text}
        size = {"shortest_edge": bounds.min_pixels, "longest_edge": bounds.max_pixels}
        return {
            "prompt": text,
            "multi_modal_data": {"image": pictures},
            "mm_processor_kwargs": {"size": size},
        }

    def generate(self, prepared: Sequence[Prepared]) -> list[Generation]:
        return [self._generation(output) for output in self.outputs(prepared)]

    def outputs(self, prepared: Sequence[Prepared]) -> "list[RequestOutput | None]":
        """What vLLM says to every request, in order; null where it got no further.

        Raises ``RefusedError``, and ``BrokenServerError`` when the engine broke, which is dropped then.
        """
        from vllm.exceptions import VLLMValidationError

        asked = self._spec.asked
        is_sound = False
        try:
            with output_to(self._spec.log_file):
                requests = self._llm.enqueue(list(prepared), sampling(asked.decoding), use_tqdm=False)
                outputs = watched(self._llm.llm_engine, requests, seconds=asked.patience_seconds)
            is_sound = True
        except VLLMValidationError as refused:
            is_sound = True
            raise RefusedError(str(refused)) from refused
        except Exception as broken:
            raise BrokenServerError(f"the engine broke: {first_line(broken)}") from broken
        finally:
            if not is_sound:  # the task fails, and its next try must not meet a broken engine
                unload()
        return outputs

    def _generation(self, output: "RequestOutput | None") -> Generation:
        if output is None:
            said = f"it got no further for {self._spec.asked.patience_seconds:g} s"
            return Generation(error_class=STALLED, error_message=said)
        answer = output.outputs[0]
        tokens = list(answer.token_ids)
        return Generation(
            text=answer.text,
            finish_reason=answer.finish_reason,
            prompt_tokens=len(output.prompt_token_ids),
            output_tokens=len(tokens),
            token_ends=token_ends(self._tokenizer, tokens),
            token_logprobs=[chosen[token].logprob for token, chosen in zip(tokens, answer.logprobs, strict=True)],
        )


def token_ends(tokenizer: "PreTrainedTokenizerBase", tokens: Sequence[int]) -> list[int]:
    """How many characters are written after each token, by a tokenizer of bytes (as Qwen2's is).

    Decoding what stands before again for each token would take longer than the model for long answers. What ends within
    a character decodes to a mark that another token may replace, so only whole characters are left behind.
    """
    ends: list[int] = []
    begin = before = 0
    for end in range(1, len(tokens) + 1):
        piece = tokenizer.decode(tokens[begin:end], skip_special_tokens=True)
        ends.append(before + len(piece))
        if not piece.endswith(_HALF_A_CHARACTER):
            begin, before = end, ends[-1]
    return ends


_in_this_process: dict[EngineSpec, VllmServer] = {}


def engine(spec: EngineSpec) -> VllmServer:
    """The engine of this process, loaded once; another one than before replaces it: two do not fit a GPU."""
    if spec not in _in_this_process:
        unload()
        _take_the_tasks_gpu()
        _in_this_process[spec] = VllmServer(spec)
    return _in_this_process[spec]


def _take_the_tasks_gpu() -> None:
    """See only the device that Spark gave this task, where it gave one and the platform has not hidden the rest."""
    from pyspark import TaskContext

    task = TaskContext.get()
    if task is not None and (gpu := task.resources().get("gpu")) is not None:
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", gpu.addresses[0])


def unload() -> None:
    """Give back what the engine of this process holds, if there is one."""
    if not _in_this_process:
        return
    from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

    spec = next(iter(_in_this_process))
    with output_to(spec.log_file):
        _in_this_process.clear()
        gc.collect()
        cleanup_dist_env_and_memory()


def _load(spec: EngineSpec) -> "LLM":
    """Settings measured in docs/decisions: one process, and on the CPU every core and float32."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from transformers import AutoConfig
    from vllm import LLM
    from vllm.platforms import current_platform

    on_cpu = current_platform.is_cpu()
    longest = AutoConfig.from_pretrained(spec.model_path).get_text_config().max_position_embeddings
    return LLM(
        model=spec.model_path,
        dtype=spec.precision or ("float32" if on_cpu else "auto"),
        enforce_eager=on_cpu,
        max_model_len=min(spec.asked.max_model_len, longest),
        max_num_seqs=spec.asked.max_num_seqs,
        limit_mm_per_prompt={"image": 1, "video": 0},
        mm_processor_cache_gb=0,  # no image comes twice
        enable_prefix_caching=False,  # the image stands first, so no two prompts share a beginning
        seed=0,
        disable_log_stats=True,
    )


@contextmanager
def output_to(file: str | None) -> Iterator[None]:
    """Append to ``file`` what this process, C++ included, writes to its output meanwhile."""
    if file is None:
        yield
        return
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    originals = [os.dup(descriptor) for descriptor in (1, 2)]
    log_descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for descriptor in (1, 2):
            os.dup2(log_descriptor, descriptor)
        yield
    finally:
        for descriptor, original in zip((1, 2), originals, strict=True):
            os.dup2(original, descriptor)
            os.close(original)
        os.close(log_descriptor)
