"""What the tests of training share: drawn pictures as examples, and batches as the model takes them."""

from collections.abc import Sequence
from typing import Any

from geo_lib.serving.processor import bounds_of, load_processor
from geo_lib.vlm.batches import Encoded, Example, padded
from geo_lib.vlm.features import VisualFeatures
from tests.kit import PROMPT, TINY_BASE, Drawn


def as_examples(pictures: Sequence[Drawn]) -> list[Example]:
    bounds = bounds_of(load_processor(str(TINY_BASE)))
    return [Example(p.signature, PROMPT, p.response, bounds.visual_tokens(p.width, p.height)) for p in pictures]


def contents(pictures: Sequence[Drawn]) -> dict[str, bytes]:
    return {p.signature: p.content for p in pictures}


def inputs(encoded: Sequence[Encoded], features: VisualFeatures, processor: Any) -> dict[str, Any]:
    pad, image = processor.tokenizer.pad_token_id, processor.image_token_id
    return features.beside(padded(encoded, pad=pad, image_token=image))
