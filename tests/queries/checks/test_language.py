import pytest

from geo_lib.errors import ConfigError
from geo_lib.queries.checks.check import Said
from geo_lib.queries.checks.language import Language, detected, foreign, language_check, other_language


@pytest.mark.parametrize(
    ("text", "locale", "reason"),
    [
        ("how to decorate a small living room with plants", "en", None),
        ("wohnideen für kleine wohnzimmer", "de", None),
        ("wohnideen für kleine wohnzimmer", "de-AT", None),
        ("wohnideen für kleine wohnzimmer", "en", "other_language"),
        ("how to decorate a small living room with plants", "de", "other_language"),
        ("boho", "de", None),  # too few letters to tell
        ("vintage poster style", "de", None),  # its words are German by now
        ("sessel in rosa", "de", None),  # the detector thinks of Italian
        ("aprikosen deko", "de", None),
        ("festival outfit hippie", "de", None),
        ("small bedroom with desk", "de", "other_language"),
        ("jardines pequeños con piedras", "en", "other_language"),
        ("cortinas para a cozinha pequena", "es", "other_language"),
        ("egongelarako ideiak landareekin", "eu", None),  # no list of words
        ("how to decorate a small living room with plants", "eu", "other_language"),
        ("笑顔", "en", "other_script"),
        ("笑顔", "ja", None),
        ("nike スニーカー", "ja", None),
        ("t-shirt", "ja", None),
        ("красное платье", "en", "other_script"),
        ("красное платье", "fr-CA", "other_script"),
        ("красное платье", "nb", "other_script"),
        ("красное платье", "ja", "other_script"),
        ("2026", "en", None),
        ("cinco de mayo decor", "en", None),  # names that every language borrows
        ("gemutlich cabin", "en", None),
        ("eid mubarak decor", "en", None),
        ("raksha bandhan gifts", "en", None),
        ("black hat", "en", None),
        ("was passt zu hut am strand", "de", None),
        ("decoracion de cinco de mayo", "en", "other_language"),
        ("wohnzimmer ideen mit sessel", "en", "other_language"),  # nobody borrows "mit"
    ],
)
def test_a_query_is_dropped_only_when_it_is_confidently_of_another_language(
    text: str, locale: str, reason: str
) -> None:
    assert foreign(text, locale=locale, sure=Language()) == reason


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
    assert foreign(text, locale=locale, sure=Language()) is None
    assert foreign(text, locale="en", sure=Language()) == "other_script"


@pytest.mark.parametrize("locale", ["no", "nb", "nn-NO", "nb_NO"])
def test_norwegian_is_one_language_whichever_norm_the_locale_names(locale: str) -> None:
    assert foreign("oppbevaring av kjøkkenutstyr", locale=locale, sure=Language()) is None
    assert foreign("oppbevaring av kjøkkenutstyr", locale="da", sure=Language()) == "other_language"


@pytest.mark.parametrize(
    ("text", "locale", "language"),
    [
        ("wohnideen für kleine wohnzimmer", "en", "de"),
        ("small bedroom with desk", "de-AT", "en"),
        ("strikke votter mønster", "en", "no"),  # the detector thinks of Danish first
        ("corte de pelo hombre degradado", "en", "es"),  # and here of Portuguese
        ("красное платье", "en", "ru"),
        ("笑顔", "en", None),  # Japanese and Chinese write so
        ("vintage poster style", "de", None),
        ("small bedroom with desk", "en", None),
        ("笑顔", "ja", None),
    ],
)
def test_what_is_of_another_language_is_told_which_and_nothing_where_that_is_not_sure(
    text: str, locale: str, language: str | None
) -> None:
    assert other_language(text, locale=locale, sure=Language()) == language


def test_the_language_and_its_score_are_told_even_where_nothing_is_dropped() -> None:
    heard = detected("gemütliche leseecke", locale="de")
    assert (heard.language, heard.is_foreign_script) == ("de", False)
    assert heard.score is not None
    assert 0.5 < heard.score <= 1
    assert detected("1.5 24/7", locale="en").language is None


def test_how_sure_the_check_must_be_is_what_the_setting_says() -> None:
    doubtful = [Said("de", "vintage poster style", "vintage poster style")]
    assert language_check(Language()).reasons(doubtful) == [None]
    assert language_check(Language(min_lean=0.5)).reasons(doubtful) == ["other_language"]
    unlisted = [Said("eu", "small bedroom", "small bedroom")]
    assert language_check(Language(min_score=1.0)).reasons(unlisted) == [None]
    assert language_check(Language(min_score=0.0)).reasons(unlisted) == ["other_language"]


def test_nobody_is_foreign_who_leans_nowhere() -> None:
    with pytest.raises(ConfigError, match=r"language\.min_lean must be more than 0, not 0"):
        Language(min_lean=0)
