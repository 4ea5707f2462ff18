"""What the base model reads has the platform's words and none of its wordings."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest

from geo_lib.demo.base.reading import lines, named, query_list
from geo_lib.demo.base.tokenizer import INSTRUCTION, query_prompt
from geo_lib.demo.truth.intents import intents
from geo_lib.demo.truth.latent import Latent, every_latent
from geo_lib.demo.truth.worlds import vocabulary
from geo_lib.queries.kinds import CATEGORIES, QUOTAS
from geo_lib.queries.text import joining_words, normalise, same_words_key, words
from geo_lib.vlm import prompts

LOCALES = tuple(vocabulary().locales)
SOME = every_latent()[::37]
ARMCHAIR = Latent("home", "armchair", "red", "striped", "velvet", "living_room")
BALLOONS = Latent("celebrations", "balloons", "red", "plain", "satin", "wedding")


def telling(text: str, locale: str) -> frozenset[str]:
    """The words that make a query what it is, in any order and form."""
    return frozenset(same_words_key(text, locale=locale).split())


@cache
def paraphrases(locale: str) -> frozenset[str]:
    """All that people can type for any image."""
    return frozenset(
        text for latent in every_latent() for intent in intents(latent, locale) for text in intent.paraphrases
    )


@cache
def wordings(locale: str) -> dict[str, list[frozenset[str]]]:
    """The paraphrases' telling words, each set under the one that fewest of them have."""
    sets = {telling(normalise(text, locale=locale), locale) for text in paraphrases(locale)}
    count = Counter(word for wording in sets for word in wording)
    found: dict[str, list[frozenset[str]]] = {}
    for wording in sets:
        found.setdefault(min(wording, key=lambda word: (count[word], word)), []).append(wording)
    return found


def wording_in(text: str, locale: str) -> frozenset[str] | None:
    """The telling words of a paraphrase that a text holds all of."""
    held = telling(text, locale)
    return next((wording for word in held for wording in wordings(locale).get(word, ()) if wording <= held), None)


def said(locale: str) -> Iterator[str]:
    """Everything that the platform and its people say, but the placeholders of titles."""
    vocab = vocabulary()
    yield from paraphrases(locale)
    yield from (colour.words[locale] for colour in vocab.colours.values())
    yield from (text for named in (*vocab.patterns.values(), *vocab.materials.values()) for text in named[locale])
    yield from (re.sub(r"{\w+}", "", text) for texts in vocab.titles.values() for text in texts[locale])
    yield from vocab.descriptions[locale]
    for world in vocab.worlds.values():
        yield from world.boards[locale]
        yield from (aesthetic[locale] for aesthetic in world.aesthetics.values())
        yield from (kind.nouns[locale] for kind in world.kinds.values())
        yield from (text for setting in world.settings.values() for text in setting.words[locale].values())
        yield from world.creators if locale == "en" else ()  # platforms name them in English


def entries(answer: str) -> list[str]:
    return [entry for listed in json.loads(answer).values() for entry in listed]


@pytest.mark.parametrize("locale", LOCALES)
def test_no_line_holds_the_telling_words_of_anything_that_people_type(locale: str) -> None:
    assert [(line, found) for line in lines(locale) if (found := wording_in(line, locale))] == []


def test_a_wording_is_found_in_other_order_and_form() -> None:
    assert wording_in("red is for armchairs", "en") == frozenset({"red", "armchair"})
    assert wording_in("vor den sesseln liegt eine decke aus samt", "de") == frozenset({"samt", "sessel"})
    assert wording_in("red doors and the legs of a chair", "en") is None


@pytest.mark.parametrize("locale", LOCALES)
def test_the_lines_use_every_word_of_the_platform_and_every_telling_one_five_times(locale: str) -> None:
    count = Counter(word for line in lines(locale) for word in set(words(line)))
    spoken = {word for text in said(locale) for word in words(normalise(text, locale=locale))}
    assert spoken - count.keys() == set()
    assert {word: count[word] for word in spoken - joining_words(locale) if count[word] < 5} == {}


@pytest.mark.parametrize("locale", LOCALES)
def test_lines_are_short_typed_as_people_type_and_none_says_what_another_says(locale: str) -> None:
    assert all(line == normalise(line, locale=locale) for line in lines(locale))
    assert all(3 <= len(line.split()) <= 9 for line in lines(locale))
    assert [key for key, n in Counter(telling(line, locale) for line in lines(locale)).items() if n > 1] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_a_list_is_seven_different_lines_in_the_shape_of_an_answer_and_the_same_again(locale: str) -> None:
    lists = [query_list(seed, locale) for seed in range(20)]
    assert lists == [query_list(seed, locale) for seed in range(20)]
    assert len(set(lists)) == len(lists)
    for text in lists:
        assert {category: len(listed) for category, listed in json.loads(text).items()} == QUOTAS
        assert len(set(entries(text))) == 7
        assert set(entries(text)) <= set(lines(locale))
        assert text == prompts.response(json.loads(text))


def test_a_picture_is_named_by_all_that_is_seen_and_nothing_else() -> None:
    seen = {
        ("en", ARMCHAIR): "red,striped,with stripes,velvet,in velvet,armchair,an armchair,living room,in a living room",
        ("de", ARMCHAIR): "rot,gestreift,mit streifen,samt,aus samt,sessel,ein sessel,wohnzimmer,im wohnzimmer",
        ("en", BALLOONS): "red,plain,satin,in satin,balloons,wedding,at a garden wedding",
        ("de", BALLOONS): "rot,einfarbig,satin,aus satin,luftballons,hochzeit,auf einer gartenhochzeit",
    }
    for (locale, latent), names in seen.items():
        answers = [entries(named(latent, locale, seed)) for seed in range(60)]
        assert {name for answer in answers for name in answer} == set(names.split(","))
        assert len({tuple(answer) for answer in answers}) > 50


@pytest.mark.parametrize("locale", LOCALES)
def test_names_are_seven_different_ones_that_hold_no_wording_of_people(locale: str) -> None:
    for seed, latent in enumerate(SOME):
        answer = named(latent, locale, seed)
        assert tuple(json.loads(answer)) == CATEGORIES
        assert len(set(entries(answer))) == 7
        assert [name for name in entries(answer) if wording_in(name, locale)] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_pictures_are_asked_about_as_images_are_annotated_in_few_texts(locale: str) -> None:
    assert INSTRUCTION == prompts.INSTRUCTION
    asked = {query_prompt(ARMCHAIR, locale, seed) for seed in range(20_000)}
    home = vocabulary().worlds["home"]
    titles = (*(f"title: {title}\n" for title in vocabulary().titles["vague"][locale]), "")
    descriptions = (*(f"description: {text}\n" for text in vocabulary().descriptions[locale]), "")
    possible = {
        f"{INSTRUCTION}\ntask: queries\nlocale: {locale}\n{title}{described}board: {board}\ncreator category: {creator}"
        for title in titles
        for described in descriptions
        for board in home.boards[locale]
        for creator in home.creators
    }
    assert asked <= possible
    assert len(asked) > 0.9 * len(possible)
