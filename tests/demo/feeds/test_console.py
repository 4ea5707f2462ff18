import numpy as np
import pytest

from geo_lib.demo.feeds.catalogue import SITE, Pin
from geo_lib.demo.feeds.console import HEAD_SHARE, Pair, daily_rows, demand, spoil
from geo_lib.demo.truth.intents import Intent, intents
from tests.demo.kit import some_pins

PINS = some_pins(150)
PAIRS = demand(PINS, seed=1)
ROWS = daily_rows(PAIRS, days=60, seed=1)


def wanted(pin: Pin) -> tuple[Intent, ...]:
    assert pin.latent is not None
    return intents(pin.latent, pin.locale)


def clause(pair: Pair) -> str | None:
    """Eq. 1 as the paper prints it."""
    if pair.impressions > 1000:
        return "impressions"
    if pair.impressions > 10 and pair.click_rate >= 0.8:
        return "ctr"
    if pair.impressions > 10 and pair.position <= 10:
        return "position"
    return None


def test_equation_one_keeps_most_of_what_was_meant_and_little_of_what_strayed_in() -> None:
    on_topic = [clause(p) for p in PAIRS if p.on_topic]
    strays = [clause(p) for p in PAIRS if not p.on_topic and p.query and "/pin/" in p.url]
    assert np.mean([c is not None for c in on_topic]) > 0.75
    assert np.mean([c is not None for c in strays]) < 0.15
    for one in ("impressions", "ctr", "position"):
        assert on_topic.count(one) > 0.03 * len(on_topic), one


def test_most_intents_are_searched_for_and_use_cases_less_than_the_rest() -> None:
    asked = {(p.url, p.query) for p in PAIRS if p.on_topic}
    seen: dict[str, list[bool]] = {}
    for pin in PINS:
        for intent in wanted(pin):
            seen.setdefault(intent.category, []).append((pin.page_url, intent.head) in asked)
    assert np.mean([found for category in seen.values() for found in category]) > 0.85
    assert np.mean(seen["use_case"]) < min(np.mean(seen["description"]), np.mean(seen["style"]))
    volume = {
        c: sum(p.impressions for p in PAIRS if p.on_topic and p.query in texts)
        for c, texts in {
            c: {t for pin in PINS for i in wanted(pin) if i.category == c for t in i.paraphrases} for c in seen
        }.items()
    }
    assert volume["use_case"] < 1.5 * min(volume["description"], volume["style"])


def test_the_head_gets_most_of_an_intents_impressions() -> None:
    by_pair = {(p.url, p.query): p.impressions for p in PAIRS if p.on_topic}
    shares = []
    for pin in PINS:
        for intent in wanted(pin):
            found = [by_pair.get((pin.page_url, text), 0) for text in intent.paraphrases]
            if sum(found):
                shares.append(found[0] / sum(found))
    assert np.median(shares) == pytest.approx(HEAD_SHARE, abs=0.08)


def test_no_page_is_asked_the_same_twice_and_strays_are_never_its_own_intents() -> None:
    keys = [(p.url, p.query) for p in PAIRS]
    assert len(set(keys)) == len(keys)


def test_days_countries_and_devices_add_up_to_what_was_demanded() -> None:
    totals = np.bincount(ROWS.pair, ROWS.impressions, minlength=len(PAIRS))
    assert totals.tolist() == [p.impressions for p in PAIRS]
    assert (ROWS.impressions >= 1).all()
    assert (ROWS.clicks <= ROWS.impressions).all()
    assert (ROWS.sum_position >= 0).all()


def test_positions_are_summed_from_zero() -> None:
    seen = np.bincount(ROWS.pair, ROWS.sum_position, minlength=len(PAIRS))
    often = [i for i, p in enumerate(PAIRS) if p.impressions > 300]
    measured = [seen[i] / PAIRS[i].impressions + 1 for i in often]
    assert np.allclose(measured, [PAIRS[i].position for i in often], rtol=0.07, atol=0.3)


def test_keys_repeat_and_some_queries_are_anonymised() -> None:
    keys = np.stack([ROWS.pair, ROWS.day, ROWS.country, ROWS.device, ROWS.search_type], axis=1)
    assert len(np.unique(keys, axis=0)) < len(keys)
    assert {p.url for p in PAIRS if p.query is None} == {pin.page_url for pin in PINS}


def test_the_site_has_pages_that_show_no_image() -> None:
    pages = {p.url for p in PAIRS} - {pin.page_url for pin in PINS}
    assert pages
    assert all(page.startswith(SITE) and "/pin/" not in page for page in pages)


def test_spoiled_rows_are_few_and_summing_cannot_hide_them() -> None:
    spoiled, faults = spoil(ROWS, seed=1)
    faulty = np.concatenate([faults.negative, faults.too_many_clicks])
    assert 0 < len(faulty) < 0.01 * len(ROWS.pair)
    assert (spoiled.impressions[faults.negative] < 0).all()
    assert (spoiled.clicks[faults.too_many_clicks] > spoiled.impressions[faults.too_many_clicks]).all()
    keys = np.stack([ROWS.pair, ROWS.day, ROWS.country, ROWS.device, ROWS.search_type], axis=1)
    _, inverse, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    assert (counts[inverse.ravel()[faulty]] == 1).all()


def test_the_same_seed_tells_the_same_story() -> None:
    assert demand(PINS, seed=1) == PAIRS
    again = daily_rows(PAIRS, days=60, seed=1)
    assert all((getattr(again, n) == getattr(ROWS, n)).all() for n in ROWS.__slots__)
