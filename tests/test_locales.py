"""One idea of what a locale's language is, for everything that asks."""

import pytest

from geo_lib.collections.mint import slug
from geo_lib.locales import language_of
from geo_lib.pages.words import language_name, words
from geo_lib.queries.category import marker_category
from geo_lib.queries.checks.language import foreign
from geo_lib.queries.checks.safety import explicit_words


@pytest.mark.parametrize("locale", ["de", "DE", "de-AT", "de_DE", " de-Latn-CH "])
def test_a_locale_has_one_language_however_it_is_spelled(locale: str) -> None:
    assert language_of(locale) == "de"


def test_everything_that_depends_on_the_language_takes_it_alike() -> None:
    assert explicit_words("geile titten", locale="de_DE") == "titten"
    assert slug("grüne Vorhänge", locale="de_DE") == "gruene-vorhaenge"
    assert words("de_DE") == words("de")
    assert language_name("de_DE") == "Deutsch (de_DE)"
    assert marker_category("de_DE", "geschenk für oma") == marker_category("de", "geschenk für oma")
    text = "grüne vorhänge für das schlafzimmer"
    assert foreign(text, locale="de_DE", min_score=0.5) is None
