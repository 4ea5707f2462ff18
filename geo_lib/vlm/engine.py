"""One vLLM engine per Python worker: on a GPU in production, on the CPU here, by the same code."""

import gc
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from geo_lib.pictures import UndecodableError, upright
from geo_lib.provenance import version_of
from geo_lib.vlm.budget import MAX_ASPECT_RATIO, PixelBounds
from geo_lib.vlm.training_set import chat, load_tokenizer

if TYPE_CHECKING:
    from vllm import LLM

log = logging.getLogger(__name__)

Prompt = dict[str, Any]
"""What vLLM takes for one request: the text, the picture and the pixel bounds."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How an answer is drawn (paper, 3.1.1). With top_k 1 it is greedy, whatever the temperature says."""

    temperature: float = 0.1
    top_p: float = 0.001
    top_k: int = 1
    repetition_penalty: float = 1.05
    max_new_tokens: int = 256

    @property
    def version(self) -> str:
        return version_of(decoding=asdict(self))


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """Everything that makes an engine the engine it is; a worker that has this one loads none."""

    model_path: str
    model_version: str
    bounds: PixelBounds
    decoding: Decoding = field(default_factory=Decoding)
    max_model_len: int = 1280
    """Tokens of image, prompt and answer together; a smaller limit of the model itself wins."""
    max_num_seqs: int = 64
    """Requests that the engine answers at a time."""
    log_file: str | None = None
    """Where the engine's own output goes; null leaves it where the worker's output goes."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What the model wrote for one request, or why it could not."""

    text: str | None = None
    error_class: str | None = None
    error_message: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    output_tokens: int | None = None


class BadRequestError(ValueError):
    """This request, and not the model or the machine, is at fault."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class


class RefusedError(ValueError):
    """The engine refused a batch because of some request in it; the others would go through."""


class Generator(Protocol):
    """A loaded model. The real one wraps vLLM; a test may bring one that fails on demand."""

    def prepare(self, image: bytes, prompt: str) -> Prompt:
        """Decode and render; raise ``BadRequestError`` if this request cannot be answered."""
        ...

    def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        """Answer every prompt, in order; raise ``RefusedError`` if one of them is refused."""
        ...


def answer_each(model: Generator, requests: Sequence[tuple[bytes, str]]) -> list[Generation]:
    """Answer for every (image, prompt), in order. A bad one costs its own row; all else fails the task."""
    prompts: dict[int, Prompt] = {}
    answers: dict[int, Generation] = {}
    for row, (image, prompt) in enumerate(requests):
        try:
            prompts[row] = model.prepare(image, prompt)
        except BadRequestError as bad:
            answers[row] = Generation(error_class=bad.error_class, error_message=str(bad))
    answers |= zip(prompts, _halving(model, list(prompts.values())), strict=True)
    return [answers[row] for row in range(len(requests))]


def _halving(model: Generator, prompts: list[Prompt]) -> list[Generation]:
    """One refused request makes vLLM refuse the whole call: halve until it stands alone."""
    if not prompts:
        return []
    try:
        return model.generate(prompts)
    except RefusedError as refused:
        if len(prompts) == 1:
            return [Generation(error_class="rejected_by_engine", error_message=str(refused))]
        middle = len(prompts) // 2
        return _halving(model, prompts[:middle]) + _halving(model, prompts[middle:])


class VllmGenerator:
    """``Generator`` on vLLM, in this process."""

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._tokenizer = load_tokenizer(spec.model_path)
        with output_to(spec.log_file):
            self._llm = _load(spec)
        self._room = int(self._llm.model_config.max_model_len) - spec.decoding.max_new_tokens

    def prepare(self, image: bytes, prompt: str) -> Prompt:
        try:
            picture = upright(image)
        except UndecodableError as bad:
            raise BadRequestError("undecodable_image", str(bad)) from bad
        bounds = self._spec.bounds
        if max(picture.size) > MAX_ASPECT_RATIO * min(picture.size):
            raise BadRequestError(
                "aspect_ratio", f"{picture.width} x {picture.height} is beyond the aspect ratio of {MAX_ASPECT_RATIO}"
            )
        text = chat(self._tokenizer, prompt)
        tokens = len(self._tokenizer(text, add_special_tokens=False)["input_ids"]) - 1
        tokens += bounds.visual_tokens(*picture.size)
        if tokens > self._room:
            raise BadRequestError(
                "too_many_tokens", f"image and prompt take {tokens} tokens, and there is room for {self._room}"
            )
        size = {"shortest_edge": bounds.min_pixels, "longest_edge": bounds.max_pixels}
        return {
            "prompt": text,
            "multi_modal_data": {"image": picture},
            "mm_processor_kwargs": {"size": size},
        }

    def generate(self, prompts: Sequence[Prompt]) -> list[Generation]:
        from vllm import SamplingParams
        from vllm.exceptions import VLLMValidationError

        decoding = self._spec.decoding
        sampling = SamplingParams(
            temperature=decoding.temperature,
            top_p=decoding.top_p,
            top_k=decoding.top_k,
            repetition_penalty=decoding.repetition_penalty,
            max_tokens=decoding.max_new_tokens,
        )
        is_sound = False
        try:
            with output_to(self._spec.log_file):
                outputs = self._llm.generate(list(prompts), sampling, use_tqdm=False)
            is_sound = True
        except VLLMValidationError as refused:
            is_sound = True
            raise RefusedError(str(refused)) from refused
        finally:
            if not is_sound:  # the task fails, and its next try must not meet a broken engine
                unload()
        if len(outputs) != len(prompts):
            raise RuntimeError(f"{len(prompts)} prompts were given and {len(outputs)} answers came back")
        return [
            Generation(
                text=output.outputs[0].text,
                finish_reason=output.outputs[0].finish_reason,
                prompt_tokens=len(output.prompt_token_ids),
                output_tokens=len(output.outputs[0].token_ids),
            )
            for output in outputs
        ]


_in_this_process: dict[EngineSpec, VllmGenerator] = {}


def engine(spec: EngineSpec) -> VllmGenerator:
    """The engine of this process, loaded once; another one than before replaces it: two do not fit a GPU."""
    if spec not in _in_this_process:
        unload()
        _take_the_tasks_gpu()
        _in_this_process[spec] = VllmGenerator(spec)
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
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    from transformers import AutoConfig
    from vllm import LLM
    from vllm.platforms import current_platform

    on_cpu = current_platform.is_cpu()
    longest = AutoConfig.from_pretrained(spec.model_path).get_text_config().max_position_embeddings
    return LLM(
        model=spec.model_path,
        dtype="float32" if on_cpu else "auto",
        enforce_eager=on_cpu,
        max_model_len=min(spec.max_model_len, longest),
        max_num_seqs=spec.max_num_seqs,
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
    kept = [os.dup(descriptor) for descriptor in (1, 2)]
    log_descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for descriptor in (1, 2):
            os.dup2(log_descriptor, descriptor)
        yield
    finally:
        for descriptor, original in zip((1, 2), kept, strict=True):
            os.dup2(original, descriptor)
            os.close(original)
        os.close(log_descriptor)
