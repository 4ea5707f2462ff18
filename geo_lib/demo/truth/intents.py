"""What people would search for to find an image, and what a caption says of it. Both follow from what can be seen."""

from collections.abc import Mapping
from dataclasses import dataclass

from geo_lib.demo.truth.latent import Latent
from geo_lib.demo.truth.worlds import Paraphrases, vocabulary


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing people want, in the ways they type it."""

    category: str
    name: str
    """Which of the category's intents: stable over images, locales and platform sizes."""
    paraphrases: Paraphrases

    @property
    def head(self) -> str:
        return self.paraphrases[0]


def _words(latent: Latent, locale: str) -> dict[str, str]:
    """Every placeholder that a template may name. A trailing underscore means: with its adjective ending."""
    words = vocabulary()
    world = words.worlds[latent.world]
    kind = world.kinds[latent.kind]
    grammar = words.locales[locale]
    noun_class = kind.classes[locale]
    ending = grammar.endings[noun_class]
    colour = words.colours[latent.colour]
    pattern, with_pattern = words.patterns[latent.pattern][locale]
    material, made = words.materials[latent.material][locale]
    return {
        "article": grammar.articles[noun_class],
        "article_": grammar.before_adjective[noun_class],
        "kind": kind.nouns[locale],
        "colour": colour.words[locale],
        "colour_": colour.words[locale] + ("" if locale in colour.invariable else ending),
        "pattern": pattern,
        "pattern_": pattern + ending,
        "with_pattern": with_pattern,
        "material": material,
        "made": made,
        "aesthetic": world.aesthetics[latent.pattern][locale],
        **world.settings[latent.setting].words[locale],
    }


def _fill(template: str, words: Mapping[str, str]) -> str:
    return " ".join(template.format(**words).split())


def caption(latent: Latent, locale: str) -> str:
    """One plain sentence, such as "a red striped velvet armchair in a living room"."""
    return _fill(vocabulary().locales[locale].caption, _words(latent, locale))


def fill(template: str, latent: Latent, locale: str) -> str:
    """One template of the vocabulary with this image's words."""
    return _fill(template, _words(latent, locale))


def intents(latent: Latent, locale: str) -> tuple[Intent, ...]:
    """Two description, two style and three use-case intents, in that order. Search text is lower case."""
    vocab = vocabulary()
    world = vocab.worlds[latent.world]
    kind = world.kinds[latent.kind]
    words = _words(latent, locale)
    description = vocab.description[locale]
    style = world.templates["style"][locale]
    templates: list[tuple[str, str, Paraphrases]] = [
        ("description", "look", description["plain" if latent.pattern == "plain" else "look"]),
        ("description", "made", description["made"]),
        ("style", "tone", style["tone"]),
        ("style", "look", style["look"]),
        ("use_case", "setting", world.settings[latent.setting].uses[locale]),
        ("use_case", "kind", kind.uses[locale]),
        ("use_case", "pair", world.templates["use_case"][locale]["pair"]),
    ]
    return tuple(
        Intent(category, name, tuple(_fill(text, words).lower() for text in texts))
        for category, name, texts in templates
    )
