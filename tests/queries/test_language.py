from typing import Any

import pytest

from geo_lib.queries.decisions import MIN_LETTERS
from geo_lib.queries.language import Language, detected

KNOBS: dict[str, Any] = {"min_score": Language().min_score, "min_letters": MIN_LETTERS}


@pytest.mark.parametrize(
    ("text", "locale", "reason"),
    [
        ("how to decorate a small living room with plants", "en", None),
        ("wohnideen für kleine wohnzimmer", "de", None),
        ("wohnideen für kleine wohnzimmer", "de-AT", None),
        ("wohnideen für kleine wohnzimmer", "en", "other_language"),
        ("how to decorate a small living room with plants", "de", "other_language"),
        ("boho", "de", None),  # too few letters to tell
        ("minimalist loft style", "de", None),  # the detector is not sure
        ("笑顔", "en", "other_script"),
        ("笑顔", "ja", None),
        ("nike スニーカー", "ja", None),
        ("t-shirt", "ja", None),
        ("красное платье", "en", "other_script"),
        ("красное платье", "fr-CA", "other_script"),
        ("красное платье", "nb", "other_script"),
        ("красное платье", "ja", "other_script"),
        ("2026", "en", None),
    ],
)
def test_a_query_is_dropped_only_when_it_is_confidently_of_another_language(
    text: str, locale: str, reason: str
) -> None:
    assert detected(text, locale=locale, **KNOBS).reason == reason


@pytest.mark.parametrize(
    ("text", "locale"),
    [
        ("লাল ফুলদানি ঘর সাজানো", "bn"),
        ("சிவப்பு பூச்சாடி", "ta-LK"),
        ("წითელი ვაზა", "ka"),
        ("беларускі ручнік", "be"),
        ("қызыл ваза", "kk"),
        ("ఎర్రటి పూలకుండీ", "te"),
        ("կարմիր ծաղկաման", "hy"),
    ],
)
def test_a_language_whose_scripts_are_not_known_loses_nothing_to_its_script(text: str, locale: str) -> None:
    assert detected(text, locale=locale, **KNOBS).reason is None
    assert detected(text, locale="en", **KNOBS).reason == "other_script"


@pytest.mark.parametrize("locale", ["no", "nb", "nn-NO", "nb_NO"])
def test_norwegian_is_one_language_whichever_norm_the_locale_names(locale: str) -> None:
    assert detected("oppbevaring av kjøkkenutstyr", locale=locale, **KNOBS).reason is None
    assert detected("oppbevaring av kjøkkenutstyr", locale="da", **KNOBS).reason == "other_language"


def test_the_language_and_its_score_are_told_even_where_nothing_is_dropped() -> None:
    found = detected("gemütliche leseecke", locale="de", **KNOBS)
    assert (found.language, found.reason) == ("de", None)
    assert found.score is not None
    assert 0.5 < found.score <= 1
    assert detected("1.5 24/7", locale="en", **KNOBS).language is None
