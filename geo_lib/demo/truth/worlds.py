"""The vocabulary of the simulated platform: worlds, kinds, colours, patterns, materials, settings, and their words.

A world or a locale is a file or an entry in ``vocabulary/``, not code. Only shapes and scenes are drawn by code.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

WORLDS = ("home", "fashion", "celebrations")

Rgb = tuple[int, int, int]
Paraphrases = tuple[str, ...]
"""Ways to ask for one thing; the first is the head, the one most people type."""


@dataclass(frozen=True, slots=True)
class Locale:
    """Grammar of the captions: article and adjective ending by noun class, and the order of words."""

    articles: Mapping[str, str]
    before_adjective: Mapping[str, str]
    """The article by noun class where a colour comes between it and the noun."""
    endings: Mapping[str, str]
    caption: str


@dataclass(frozen=True, slots=True)
class Colour:
    rgb: Rgb
    accent: Rgb
    words: Mapping[str, str]
    invariable: frozenset[str]
    """Locales in which the adjective takes no ending."""


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    world: str
    materials: tuple[str, ...]
    settings: tuple[str, ...]
    nouns: Mapping[str, str]
    classes: Mapping[str, str]
    uses: Mapping[str, Paraphrases]


@dataclass(frozen=True, slots=True)
class Setting:
    name: str
    words: Mapping[str, Mapping[str, str]]
    """Per locale: ``place`` (a noun), ``where`` (as a caption says it), ``occasion`` (as an intent says it)."""
    uses: Mapping[str, Paraphrases]


@dataclass(frozen=True, slots=True)
class World:
    name: str
    kinds: Mapping[str, Kind]
    settings: Mapping[str, Setting]
    aesthetics: Mapping[str, Mapping[str, str]]
    """What a pattern makes of a look, per pattern and locale."""
    templates: Mapping[str, Mapping[str, Mapping[str, Paraphrases]]]
    """Per category, locale and slot."""
    creators: tuple[str, ...]
    boards: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    locales: Mapping[str, Locale]
    colours: Mapping[str, Colour]
    patterns: Mapping[str, Mapping[str, tuple[str, str]]]
    materials: Mapping[str, Mapping[str, tuple[str, str]]]
    description: Mapping[str, Mapping[str, Paraphrases]]
    worlds: Mapping[str, World]
    titles: Mapping[str, Mapping[str, tuple[str, ...]]]
    """``vague`` and ``telling`` titles per locale; the telling ones are templates."""
    descriptions: Mapping[str, tuple[str, ...]]
    off_topic: Mapping[str, tuple[str, ...]]
    site_pages: Mapping[str, tuple[str, ...]]
    """Paths below the locale that show no image."""
    countries: Mapping[str, tuple[str, ...]]
    """ISO 3166-1 alpha-3, lower case; the first is where most searches come from."""

    def kind(self, world: str, kind: str) -> Kind:
        return self.worlds[world].kinds[kind]


def _load(name: str) -> Any:
    return yaml.safe_load((resources.files(__package__) / "vocabulary" / f"{name}.yml").read_text("utf-8"))


def _tuples(lists: Mapping[str, Any]) -> dict[str, Any]:
    """Freeze the lists of a nested mapping."""
    return {key: _tuples(value) if isinstance(value, dict) else tuple(value) for key, value in lists.items()}


def _colour(entry: Mapping[str, Any], locales: Mapping[str, Locale]) -> Colour:
    return Colour(
        rgb=tuple(entry["rgb"]),
        accent=tuple(entry["accent"]),
        words={locale: entry[locale] for locale in locales},
        invariable=frozenset(entry.get("invariable", ())),
    )


def _world(name: str, locales: Mapping[str, Locale]) -> World:
    raw = _load(name)
    settings = {
        key: Setting(
            name=key,
            words={locale: {part: text for part, text in entry[locale].items() if part != "use"} for locale in locales},
            uses={locale: tuple(entry[locale]["use"]) for locale in locales},
        )
        for key, entry in raw["settings"].items()
    }
    kinds = {
        key: Kind(
            name=key,
            world=name,
            materials=tuple(entry["materials"]),
            settings=tuple(entry.get("settings", settings)),
            nouns={locale: entry[locale]["noun"] for locale in locales},
            classes={locale: entry[locale]["class"] for locale in locales},
            uses={locale: tuple(entry[locale]["use"]) for locale in locales},
        )
        for key, entry in raw["kinds"].items()
    }
    return World(
        name=name,
        kinds=kinds,
        settings=settings,
        aesthetics=raw["aesthetics"],
        templates={category: _tuples(raw[category]) for category in ("style", "use_case")},
        creators=tuple(raw["creators"]),
        boards=_tuples(raw["boards"]),
    )


@cache
def vocabulary() -> Vocabulary:
    """Read ``vocabulary/*.yml`` once."""
    raw = _load("common")
    locales = {name: Locale(**entry) for name, entry in raw["locales"].items()}
    return Vocabulary(
        locales=locales,
        colours={name: _colour(entry, locales) for name, entry in raw["colours"].items()},
        patterns=_tuples(raw["patterns"]),
        materials=_tuples(raw["materials"]),
        description=_tuples(raw["description"]),
        worlds={name: _world(name, locales) for name in WORLDS},
        **{part: _tuples(raw[part]) for part in ("titles", "descriptions", "off_topic", "site_pages", "countries")},
    )
