"""The words of the pages themselves, per language. Everything else on a page comes from the tables."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from geo_lib.locales import language_of


@dataclass(frozen=True, slots=True)
class Words:
    """Fixed texts in one language; ``{n}`` and the like are filled in by the templates."""

    language: str
    """The language's own name."""
    home: str
    tagline: str
    ideas: str
    """Heading of a list of collections."""
    more_images: str
    images: str
    image: str
    collections: str
    related: str
    also_known: str
    lede: str
    shows: str
    style: str
    use_case: str
    searched: str
    also_in: str
    more_like_this: str
    by: str
    skip: str
    simulated: str


_FOLDER = Path(__file__).parent
_FALLBACK = "en"


def words(locale: str) -> Words:
    """The texts for a locale by its language; English for languages that have none yet."""
    known = _languages()
    return known.get(language_of(locale), known[_FALLBACK])


def language_name(locale: str) -> str:
    """The language in its own name, or the locale as it is."""
    known = _languages()
    if (named := known.get(language_of(locale))) is None:
        return locale
    return named.language if locale.lower() in known else f"{named.language} ({locale})"


@cache
def _languages() -> dict[str, Words]:
    """Language to its texts, one file each."""
    return {path.stem: Words(**yaml.safe_load(path.read_text("utf-8"))) for path in sorted(_FOLDER.glob("*.yml"))}
