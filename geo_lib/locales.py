"""Locales: a language, with or without a region, such as en or de-AT."""

import re

WELL_FORMED = r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}"
"""The shape of a language tag, for Python and for Spark: what has it may name a file or a part of an address."""


def language_of(locale: str) -> str:
    """The language of a locale in lower case, whichever way it is joined to its region: de-AT, de_DE."""
    return re.split("[-_]", locale.strip().lower(), maxsplit=1)[0]
