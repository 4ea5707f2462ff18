"""The words of the pages themselves, per language. Everything else on a page comes from the tables."""

from dataclasses import dataclass

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


_ENGLISH = Words(
    language="English",
    home="Home",
    tagline="Pictures, gathered by what people look for.",
    ideas="Ideas",
    more_images="More pictures",
    images="{n} pictures",
    image="1 picture",
    collections="{n} ideas",
    related="Related ideas",
    also_known="Found in these pictures",
    lede="{n} pictures for {title}.",
    shows="Shows",
    style="Style",
    use_case="Good for",
    searched="people search for this",
    also_in="Also in",
    more_like_this="More like this",
    by="by {name}",
    skip="Skip to the pictures",
    simulated="Simulated platform: the pictures, searches and figures on this site are made up.",
)

_GERMAN = Words(
    language="Deutsch",
    home="Start",
    tagline="Bilder, gesammelt nach dem, was Menschen suchen.",
    ideas="Ideen",
    more_images="Weitere Bilder",
    images="{n} Bilder",
    image="1 Bild",
    collections="{n} Ideen",
    related="Verwandte Ideen",
    also_known="Auf diesen Bildern",
    lede="{n} Bilder zu {title}.",
    shows="Zu sehen",
    style="Stil",
    use_case="Passt zu",
    searched="danach wird gesucht",
    also_in="Auch in",
    more_like_this="Mehr davon",
    by="von {name}",
    skip="Zu den Bildern",
    simulated="Simulierte Plattform: Bilder, Suchen und Zahlen auf dieser Website sind erfunden.",
)

_WORDS = {"en": _ENGLISH, "de": _GERMAN}


def words(locale: str) -> Words:
    """The texts for a locale by its language; English for languages that have none yet."""
    return _WORDS.get(language_of(locale), _ENGLISH)


def language_name(locale: str) -> str:
    """The language in its own name, or the locale as it is."""
    known = _WORDS.get(language_of(locale))
    if known is None:
        return locale
    return known.language if locale.lower() in _WORDS else f"{known.language} ({locale})"
