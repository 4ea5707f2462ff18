"""The model's own processor: what it makes of an image, under which pixel bounds."""

from typing import TYPE_CHECKING

from geo_lib.errors import ModelError
from geo_lib.serving.visual_tokens import PixelBounds

if TYPE_CHECKING:
    from transformers import Qwen2VLProcessor


def load_processor(path: str, *, min_pixels: int = 0, max_pixels: int = 0) -> "Qwen2VLProcessor":
    """The saved processor; a bound other than 0 replaces the saved one, and is saved with the processor."""
    from transformers import AutoProcessor

    processor: Qwen2VLProcessor = AutoProcessor.from_pretrained(path)
    saved = processor.image_processor.size
    size = {
        "shortest_edge": min_pixels or saved["shortest_edge"],
        "longest_edge": max_pixels or saved["longest_edge"],
    }
    for part in (processor.image_processor, processor.video_processor):
        part.size = size
    if not processor.chat_template:
        raise ModelError(f"the processor in {path} has no chat template, so there is no way to ask it anything")
    return processor


def bounds_of(processor: "Qwen2VLProcessor") -> PixelBounds:
    images = processor.image_processor
    return PixelBounds(
        min_pixels=images.size["shortest_edge"],
        max_pixels=images.size["longest_edge"],
        factor=images.patch_size * images.merge_size,
    )
