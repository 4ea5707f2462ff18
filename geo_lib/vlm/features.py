"""Images as the frozen vision tower sees them."""

import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from geo_lib.errors import ModelError
from geo_lib.pictures import upright
from geo_lib.vlm.batches import Example

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import Qwen2VLForConditionalGeneration, Qwen2VLProcessor

AT_ONCE = 16
"""Images that pass the vision tower together: one at a time wastes time, many at a time memory."""


class VisualFeatures:
    """What the vision tower makes of each image. The tower is frozen, so one pass per image is enough.

    ``keep`` holds the features on this machine's disk (tokens x hidden size x 4 bytes each, 2 in half precision);
    without it they are computed anew each time.
    """

    def __init__(
        self,
        model: "Qwen2VLForConditionalGeneration",
        processor: "Qwen2VLProcessor",
        images: Mapping[str, bytes],
        *,
        keep: bool,
    ) -> None:
        self._model = model
        self._processor = processor
        self._images = images
        self._kept = _OnDisk() if keep else None

    @property
    def device(self) -> Any:
        """Where features come to lie."""
        return self._model.device

    def of(self, signatures: Sequence[str]) -> "tuple[list[Tensor], Tensor]":
        """Per image its (tokens, hidden) features, and all grids as (images, 3)."""
        import torch

        kept = {} if self._kept is None else {s: self._kept[s] for s in signatures if s in self._kept}
        features = {s: (f.to(self._model.device), grid.to(self._model.device)) for s, (f, grid) in kept.items()}
        missing = sorted(set(signatures) - features.keys())
        if missing:
            pixels = self._processor.image_processor(
                images=[upright(self._images[s]) for s in missing], return_tensors="pt"
            ).to(self._model.device)
            with torch.no_grad():
                towers = self._model.get_image_features(pixels["pixel_values"], pixels["image_grid_thw"])
            new = dict(zip(missing, zip(towers.pooler_output, pixels["image_grid_thw"], strict=True), strict=True))
            features |= new
            if self._kept is not None:
                for signature, seen in new.items():
                    self._kept.add(signature, *seen)
        return [features[s][0] for s in signatures], torch.stack([features[s][1] for s in signatures])

    def beside(self, padded: dict[str, Any]) -> dict[str, Any]:
        """Keyword arguments of the model's forward pass: the padded texts, and the features of their images."""
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        texts = dict(padded)
        towers, grids = self.of(texts.pop("signatures"))
        return {name: tensor.to(grids.device) for name, tensor in texts.items()} | {
            "image_grid_thw": grids,
            "mm_encoder_outputs": {"image": BaseModelOutputWithPooling(pooler_output=tuple(towers))},
        }

    def each(self, signatures: Sequence[str]) -> "Iterator[Tensor]":
        """The (tokens, hidden) features of each image in turn; the tower takes a few at a time."""
        for start in range(0, len(signatures), AT_ONCE):
            yield from self.of(signatures[start : start + AT_ONCE])[0]

    def check(self, examples: Sequence[Example], *, most: int = 64) -> None:
        """Raise ``ModelError`` unless images cost as many tokens here as the training set counted."""
        some = examples[:most]
        for example, features in zip(some, self.each([e.signature for e in some]), strict=True):
            if (tokens := features.shape[0]) != example.visual_tokens:
                raise ModelError(
                    f"image {example.signature[:12]} makes {tokens} visual tokens under this processor, but the "
                    f"training set counted {example.visual_tokens}; give build_training_set and finetune_vlm the "
                    "same base, min_pixels and max_pixels, and build the training set again"
                )


class _OnDisk:
    """Signature to features and grid, in a file that is only added to; the system's cache holds what is in use.

    The file has no name: whatever ends the process, its disk is free again.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # open for as long as this is
        self._size = 0
        self._places: dict[str, tuple[int, tuple[int, ...], Any, Tensor]] = {}

    def __contains__(self, signature: str) -> bool:
        return signature in self._places

    def add(self, signature: str, features: "Tensor", grid: "Tensor") -> None:
        import torch

        content = features.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
        self._file.write(content)
        self._file.flush()
        self._places[signature] = (self._size, tuple(features.shape), features.dtype, grid.cpu())
        self._size += len(content)

    def __getitem__(self, signature: str) -> "tuple[Tensor, Tensor]":
        import torch

        place, shape, dtype, grid = self._places[signature]
        content = bytearray(os.pread(self._file.fileno(), math.prod(shape) * dtype.itemsize, place))
        return torch.frombuffer(content, dtype=dtype).view(shape), grid
