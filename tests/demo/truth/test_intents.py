from collections import Counter

import pytest

from geo_lib.demo.truth.intents import caption, intents
from geo_lib.demo.truth.latent import Latent, every_latent, reserved_combinations, sample_latent
from geo_lib.demo.truth.worlds import vocabulary
from geo_lib.queries.kinds import CATEGORIES

LOCALES = tuple(vocabulary().locales)
SOME = every_latent()[::37]
ARMCHAIR = Latent("home", "armchair", "red", "striped", "velvet", "living_room")


def test_captions_read_as_a_person_would_write_them() -> None:
    assert caption(ARMCHAIR, "en") == "a red striped velvet armchair in a living room"
    assert caption(ARMCHAIR, "de") == "ein roter gestreifter Sessel aus Samt im Wohnzimmer"


def test_german_adjectives_agree_with_their_noun() -> None:
    vase = Latent("home", "vase", "pink", "dotted", "enamel", "balcony")
    bed = Latent("home", "bed", "black", "plain", "linen", "loft")
    balloons = Latent("celebrations", "balloons", "red", "checked", "satin", "wedding")
    assert caption(vase, "de") == "eine rosa gepunktete Vase aus Emaille auf dem Balkon"
    assert caption(bed, "de") == "ein schwarzes einfarbiges Bett aus Leinen in einem Loft"
    assert caption(balloons, "de") == "rote karierte Luftballons aus Satin auf einer Gartenhochzeit"


def test_an_english_article_agrees_with_the_word_after_it() -> None:
    for latent in every_latent():
        article, following = caption(latent, "en").split()[:2]
        if article in ("a", "an"):
            assert (article == "an") == (following[0] in "aeiou"), caption(latent, "en")


@pytest.mark.parametrize("locale", LOCALES)
def test_every_image_has_two_description_two_style_and_three_use_case_intents(locale: str) -> None:
    for latent in SOME:
        found = intents(latent, locale)
        assert [i.category for i in found] == ["description"] * 2 + ["style"] * 2 + ["use_case"] * 3
        assert set(CATEGORIES) == {i.category for i in found}
        assert len({(i.category, i.name) for i in found}) == 7


@pytest.mark.parametrize("locale", LOCALES)
def test_an_image_asks_for_no_two_things_in_the_same_words(locale: str) -> None:
    for latent in SOME:
        found = intents(latent, locale)
        paraphrases = [text for intent in found for text in intent.paraphrases]
        assert len(set(paraphrases)) == len(paraphrases)
        assert all(2 <= len(intent.paraphrases) <= 4 for intent in found)
        heads = [frozenset(intent.head.split()) for intent in found]
        alike = [len(a & b) / len(a | b) for i, a in enumerate(heads) for b in heads[:i]]
        assert max(alike) < 0.67, [i.head for i in found]


@pytest.mark.parametrize("locale", LOCALES)
def test_queries_are_search_text_with_every_blank_filled(locale: str) -> None:
    for latent in SOME:
        for text in (t for intent in intents(latent, locale) for t in intent.paraphrases):
            assert text == " ".join(text.lower().split())
            assert not set(text) & set('{}_<>|"')


def test_the_same_picture_gives_the_same_intents_and_another_look_gives_others() -> None:
    other = Latent("home", "armchair", "navy", "floral", "velvet", "living_room")
    changed = [a != b for a, b in zip(intents(ARMCHAIR, "en"), intents(other, "en"), strict=True)]
    assert changed == [True, False, True, True, False, False, False]


def test_about_six_percent_of_kind_and_colour_are_reserved_and_no_kind_or_colour_altogether() -> None:
    reserved = reserved_combinations()
    latents = every_latent()
    share = len(reserved) / len({(x.kind, x.colour) for x in latents})
    assert share == pytest.approx(0.06, abs=0.015)
    trained = [x for x in latents if not x.reserved]
    assert {x.kind for x in trained} == {x.kind for x in latents}
    assert min(Counter(x.colour for x in trained).values()) > 0.5 * len(latents) / len(vocabulary().colours)


def test_sampling_reaches_every_attribute_and_only_what_goes_together() -> None:
    sampled = {sample_latent(seed) for seed in range(4000)}
    possible = set(every_latent())
    assert sampled <= possible
    for name in ("kind", "colour", "pattern", "material", "setting"):
        assert {getattr(x, name) for x in sampled} == {getattr(x, name) for x in possible}
