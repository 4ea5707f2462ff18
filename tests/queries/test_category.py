from collections.abc import Sequence

import numpy as np
import pytest

from geo_lib.embeddings.encoder import TextEncoder
from geo_lib.embeddings.vectors import Vectors
from geo_lib.queries.category import categories_of, marker_category


def no_encoder() -> TextEncoder:
    raise AssertionError("a query that the markers decide must not load a model")


@pytest.mark.parametrize(
    ("locale", "query", "category"),
    [
        # the paper's own examples (3.1.1)
        ("en", "Soft Green Knit Dress", "description"),
        ("en", "Sage Green Monochrome Look", "style"),
        ("en", "Capsule Wardrobe Must-Haves 2026", "use_case"),
        ("en", "college dorm bedroom ideas", "use_case"),
        ("en", "how to decorate a student room", "use_case"),
        ("en", "red velvet chair", "description"),
        ("en", "chair", "description"),
        ("en", "cream gift box", "description"),
        ("en", "gift for a gardener", "use_case"),
        ("en", "coastal living room aesthetic", "style"),
        ("en", "red and velvet outfit", "style"),
        ("en-GB", "rustic barn wedding theme", "style"),
        ("en", "how to get a boho look", "use_case"),
        ("en", "mid-century sideboard in the hall", "style"),
        ("en", "mid-century walnut sideboard", "description"),
        ("en", "picnic blanket must-haves", "use_case"),
        ("en", "blue-green walls", "description"),
        ("de", "wohnzimmer im flur ton-in-ton", "style"),
        ("de", "Roter gestreifter Sessel", "description"),
        ("de", "Geburtstagsgeschenk für Mama", "use_case"),
        ("de", "kleines wohnzimmer gestalten", "use_case"),
        ("de", "wohnzimmer skandinavisch einrichten", "style"),
        ("de", "rot und samt kombinieren", "style"),
        ("de", "landhausstil küche", "style"),
        ("de", "geschenkideen männer", "use_case"),
    ],
)
def test_markers_tell_the_category(locale: str, query: str, category: str) -> None:
    assert categories_of([(locale, query)], load=no_encoder) == [category]


class LooksLikeTheFirstUseCase:
    """An encoder that finds every unknown sentence closest to one prototype."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        near = ("easy dinners when friends come over", "walk with the dog at dawn")
        return np.array([[1.0, 0.0] if text in near else [0.0, 1.0] for text in texts], dtype=np.float32)


def test_what_the_markers_leave_open_goes_to_the_nearest_prototypes() -> None:
    assert marker_category("en", "walk with the dog at dawn") is None
    assert categories_of([("en", "walk with the dog at dawn")], load=LooksLikeTheFirstUseCase) == ["use_case"]


def test_what_markers_tell_needs_no_encoder_and_spelling_does_not_matter() -> None:
    asked = [("en", "Red Chair!"), ("de", "Red Chair!"), ("en", "gift ideas"), ("en", "")]
    assert categories_of(asked, load=no_encoder) == ["description", "description", "use_case", "description"]
