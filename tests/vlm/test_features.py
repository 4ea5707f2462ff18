"""What the frozen tower makes of images is the same however it is kept."""

import pytest

from geo_lib.errors import ModelError
from geo_lib.serving.processor import load_processor
from geo_lib.vlm.batches import Example
from geo_lib.vlm.features import VisualFeatures
from geo_lib.vlm.finetune import load
from tests.kit import PROMPT, TINY_BASE, drawn


def test_features_are_the_same_kept_or_not_alone_or_in_company() -> None:
    processor, model = load_processor(str(TINY_BASE)), load(str(TINY_BASE))
    pictures = drawn(3)
    images = {p.signature: p.content for p in pictures}
    keeping = VisualFeatures(model, processor, images, keep=True)
    together, grids = keeping.of(list(images))
    alone = [VisualFeatures(model, processor, images, keep=False).of([s])[0][0] for s in images]
    for one, other in zip(together, alone, strict=True):
        assert (one - other).abs().max() < 1e-4
    images.clear()  # from here on the disk alone has them
    again, grids_again = keeping.of([p.signature for p in pictures])
    assert all(one.equal(other) for one, other in zip(together, again, strict=True))
    assert grids.equal(grids_again)


def test_a_training_set_counted_under_other_bounds_is_refused() -> None:
    processor, model = load_processor(str(TINY_BASE)), load(str(TINY_BASE))
    picture = drawn(1)[0]
    features = VisualFeatures(model, processor, {picture.signature: picture.content}, keep=False)
    with pytest.raises(ModelError, match="counted 225; give build_training_set and finetune_vlm the same base"):
        features.check([Example(picture.signature, PROMPT, "{}", 225)])
