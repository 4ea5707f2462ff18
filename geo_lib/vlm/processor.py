"""The model's own processor: what it makes of an image, under which pixel bounds."""

import io
from typing import TYPE_CHECKING

from geo_lib.errors import ModelError
from geo_lib.vlm.budget import PixelBounds

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import Qwen2VLProcessor


class BadImageError(ValueError):
    """This image, and not the model or the machine, is at fault."""


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


def decoded(content: bytes) -> "Image":
    """The picture upright, over white, in RGB. Raises ``BadImageError`` when the bytes are no picture."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as opened:
            upright = ImageOps.exif_transpose(opened)
            if not upright.has_transparency_data:
                return upright.convert("RGB")
            over_white = Image.new("RGBA", upright.size, "white")
            over_white.alpha_composite(upright.convert("RGBA"))
            return over_white.convert("RGB")
    except UnidentifiedImageError as unknown:  # its own message holds a memory address
        raise BadImageError("cannot decode image: no known picture format") from unknown
    except (OSError, SyntaxError, Image.DecompressionBombError) as wrong:
        raise BadImageError(f"cannot decode image: {wrong}") from wrong
