from typing import Any

import pytest

from geo_lib.queries.language import detected

KNOBS: dict[str, Any] = {"min_score": 0.8, "min_letters": 12}


@pytest.mark.parametrize(
    ("text", "locale", "reason"),
    [
        ("how to style an armchair in a living room", "en", None),
        ("wohnideen für kleine wohnzimmer", "de", None),
        ("wohnideen für kleine wohnzimmer", "de-AT", None),
        ("wohnideen für kleine wohnzimmer", "en", "other_language"),
        ("how to style an armchair in a living room", "de", "other_language"),
        ("boho", "de", None),  # too few letters to tell
        ("minimalist loft style", "de", None),  # the detector is not sure
        ("笑顔", "en", "other_script"),
        ("笑顔", "ja", None),
        ("nike スニーカー", "ja", None),
        ("t-shirt", "ja", None),
        ("красное платье", "en", "other_script"),
        ("2026", "en", None),
    ],
)
def test_a_query_is_dropped_only_when_it_is_confidently_of_another_language(
    text: str, locale: str, reason: str
) -> None:
    assert detected(text, locale=locale, **KNOBS).reason == reason


def test_the_language_and_its_score_are_told_even_where_nothing_is_dropped() -> None:
    found = detected("gemütliche leseecke", locale="de", **KNOBS)
    assert (found.language, found.reason) == ("de", None)
    assert found.score is not None
    assert 0.5 < found.score <= 1
    assert detected("1.5 24/7", locale="en", **KNOBS).language is None
