"""One idea of what a locale's language is, for everything that asks."""

import re

import pytest

from geo_lib.collections.mint import slug
from geo_lib.locales import UnknownLocaleError, canonical, direction_of, language_of
from geo_lib.pages.words import language_name, words
from geo_lib.queries.category import marker_category
from geo_lib.queries.checks.language import Language, foreign
from geo_lib.queries.checks.safety import unsafe


@pytest.mark.parametrize("locale", ["de", "DE", "de-AT", "de_DE", " de-Latn-CH "])
def test_a_locale_has_one_language_however_it_is_spelled(locale: str) -> None:
    assert language_of(locale) == "de"


@pytest.mark.parametrize(("locale", "language"), [("iw", "he"), ("fil-PH", "tl"), ("cmn-Hans", "zh"), ("mo", "ro")])
def test_codes_of_one_language_are_one(locale: str, language: str) -> None:
    assert language_of(locale) == language


def test_nobody_is_foreign_to_himself() -> None:
    said = {"iw": "עיצוב סלון מודרני עם ספה אפורה", "fil": "magandang disenyo ng sala para sa maliit na bahay"}
    assert [foreign(text, locale=locale, sure=Language()) for locale, text in said.items()] == [None, None]


@pytest.mark.parametrize(
    ("given_as", "one"),
    [
        *(
            ("de_DE", "de-DE"),
            (" en ", "en"),
            ("ZH_HANT-tw", "zh-Hant-TW"),
            ("sr-latn-rs", "sr-Latn-RS"),
            ("ES-419", "es-419"),
        ),
        *(
            ("iw-IL", "he-IL"),
            ("deu", "de"),
            ("ger-AT", "de-AT"),
            ("zh-yue", "yue"),
            ("en-UK", "en-GB"),
            ("sq-XK", "sq-XK"),
        ),
        *(
            ("fil", "fil"),
            ("kr", "kr"),
            ("se", "se"),
            ("ca-valencia", "ca-valencia"),
            ("de-1996", "de-1996"),
            ("nb", "nb"),
        ),
    ],
)
def test_a_locale_has_one_spelling(given_as: str, one: str) -> None:
    assert canonical(given_as) == one == canonical(one)


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("jp", "which is the country Japan; it must begin with a language's code"),
        ("cz", "which is the country Czechia"),
        ("German", "write de for German"),
        ("en-EU", "there is no region EU"),
        ("en-Abcd", "there is no script Abcd"),
        *(
            (code, "it must begin with a language's code")
            for code in ("gr", "cn", "ua", "dk", "xx", "und", "qaa", "e", "")
        ),
        *(
            (text, "it must begin")
            for text in ("x-default", "de_DE.UTF-8", "../..", "en/us", "de-AT-AT", "en--US", "C")
        ),
    ],
)
def test_what_is_no_registered_locale_is_named_with_what_may_have_been_meant(locale: str, said: str) -> None:
    with pytest.raises(UnknownLocaleError, match=f"the locale is {re.escape(locale)}.*{said}"):
        canonical(locale)


@pytest.mark.parametrize(
    "locale", ["ar", "he", "iw", "fa-IR", "ur", "ps", "yi", "dv", "ckb", "pa-PK", "az-Arab", "ug_CN"]
)
def test_some_languages_run_from_the_right(locale: str) -> None:
    assert direction_of(locale) == "rtl"


@pytest.mark.parametrize("locale", ["en", "de", "pa", "az", "ar-Latn", "ja", "jp", ""])
def test_the_others_run_from_the_left(locale: str) -> None:
    assert direction_of(locale) == "ltr"


def test_everything_that_depends_on_the_language_takes_it_alike() -> None:
    assert unsafe("geile titten", locale="de_DE") is not None
    assert unsafe("geile titten", locale="ja_JP") is None
    assert slug("grüne Vorhänge", locale="de_DE") == "gruene-vorhaenge"
    assert words("de_DE") == words("de")
    assert language_name("de_DE") == "Deutsch (de_DE)"
    assert marker_category("de_DE", "geschenk für oma") == marker_category("de", "geschenk für oma")
    text = "grüne vorhänge für das schlafzimmer"
    assert foreign(text, locale="de_DE", sure=Language()) is None
