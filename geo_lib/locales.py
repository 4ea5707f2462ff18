"""Locales: a language, with or without a script and a region, such as en, de-AT or zh-Hant-TW (RFC 5646).

Which languages (ISO 639), scripts (ISO 15924) and regions (ISO 3166, UN M49) there are is pycountry's to know.
"""

import re
from functools import lru_cache
from typing import Literal

_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?:-(?P<extended>[a-z]{3}))?(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<more>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?)",
    re.ASCII,
)
_RETIRED = {"in": "id", "iw": "he", "ji": "yi", "jw": "jv", "mo": "ro"}
"""Codes that ISO 639-1 has given up, as the registry of RFC 5646 replaces them."""
_SAME_LANGUAGE = _RETIRED | {"fil": "tl", "cmn": "zh", "arb": "ar", "pes": "fa", "zsm": "ms", "swh": "sw"}
"""Codes of one language, to the one that detectors, stemmers and texts know it by."""
_OTHER_REGIONS = frozenset((
    "XK", "001", "002", "003", "005", "009", "011", "013", "014", "015", "017", "018", "019", "021", "029", "030",
    "034", "035", "039", "053", "054", "057", "061", "142", "143", "145", "150", "151", "154", "155", "202", "419",
))  # fmt: skip
"""Kosovo, and the groups of countries that UN M49 numbers."""
_RIGHT_TO_LEFT_SCRIPTS = frozenset(("Adlm", "Arab", "Aran", "Hebr", "Mand", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa"))
_RIGHT_TO_LEFT = frozenset((
    "acm", "apc", "ar", "ary", "arz", "azb", "bal", "ckb", "dv", "fa", "glk", "he", "khw", "ks", "lrc", "mzn",
    "nqo", "pnb", "prs", "ps", "rhg", "sd", "sdh", "skr", "syr", "ug", "ur", "yi", "az-IR", "ku-IQ", "ku-IR",
    "pa-PK", "uz-AF",
))  # fmt: skip
"""Languages, some in one region alone, that are written in such a script when none is named (CLDR)."""


class UnknownLocaleError(ValueError):
    """No language, or a script or region that there is not."""


def language_of(locale: str) -> str:
    """The language of a locale in lower case, whichever way it is joined to its region: de-AT, de_DE.

    One code per language: Hebrew is he also where a locale says iw, Filipino is tl.
    """
    language = re.split("[-_]", locale.strip().lower(), maxsplit=1)[0]
    return _SAME_LANGUAGE.get(language, language)


@lru_cache(maxsize=10_000)
def canonical(locale: str) -> str:
    """The one spelling of a locale: zh-Hant-TW, however it was cased or joined; the codes that are current.

    ``deu`` is de, ``iw`` is he, ``en-UK`` is en-GB. Variants and extensions are kept as they are.
    Raises ``UnknownLocaleError`` with a sentence.
    """
    import pycountry

    asked = locale.strip()
    if (tag := _TAG.fullmatch(asked.replace("_", "-").lower())) is None:
        raise UnknownLocaleError(_unknown_language(asked))
    code = tag["extended"] or tag["language"]
    if (language := _registered_language(code)) is None:
        raise UnknownLocaleError(_unknown_language(asked, code))
    script, region = (tag["script"] or "").title(), (tag["region"] or "").upper()
    region = "GB" if region == "UK" else region
    if script and pycountry.scripts.get(alpha_4=script) is None:
        raise UnknownLocaleError(f"the locale is {asked}; there is no script {script}: write one as in zh-Hant")
    if region and region not in _OTHER_REGIONS and pycountry.countries.get(alpha_2=region) is None:
        raise UnknownLocaleError(f"the locale is {asked}; there is no region {region}: write one as in de-AT or es-419")
    return "-".join(part for part in (language, script, region) if part) + tag["more"]


def tag_of(locale: str) -> str | None:
    """The locale as a page may state it; null for one that no browser or search engine would know."""
    try:
        return canonical(locale)
    except UnknownLocaleError:
        return None


def direction_of(locale: str) -> Literal["ltr", "rtl"]:
    """Whether its text runs from the left or from the right."""
    tag = _TAG.fullmatch(locale.strip().replace("_", "-").lower())
    if tag is not None and tag["script"]:
        return "rtl" if tag["script"].title() in _RIGHT_TO_LEFT_SCRIPTS else "ltr"
    language = language_of(locale)
    region = f"{language}-{tag['region'].upper()}" if tag is not None and tag["region"] else language
    return "rtl" if _RIGHT_TO_LEFT & {language, region} else "ltr"


def _registered_language(code: str) -> str | None:
    """The shortest current code of the language; null if there is none, or the code stands for no one language."""
    import pycountry

    code = _RETIRED.get(code, code)
    by = ("alpha_2",) if len(code) == 2 else ("alpha_3", "bibliographic")
    found = next(filter(None, (pycountry.languages.get(**{name: code}) for name in by)), None)
    if found is None or found.scope == "S":  # und, mul, zxx
        return None
    return str(getattr(found, "alpha_2", found.alpha_3))


def _unknown_language(asked: str, code: str | None = None) -> str:
    """What was found, and what may have been meant by the name of a language, or by a country alone."""
    import pycountry

    said = code or asked
    if len(said) > 3:
        try:
            named = pycountry.languages.lookup(said)
            return f"the locale is {asked}; write {getattr(named, 'alpha_2', named.alpha_3)} for {named.name}"
        except LookupError:
            pass
    country = pycountry.countries.get(alpha_2=said.upper()) or pycountry.countries.get(name=said)
    which = f", which is the country {country.name}" if country is not None else ""
    return f"the locale is {asked}{which}; it must begin with a language's code, such as en, de-AT or zh-Hant-TW"
