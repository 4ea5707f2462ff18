"""Sixty days of the simulated platform's search console, in the columns of the BigQuery bulk export.

Two steps: what is searched (``demand``, one row per page and query with its totals) and how the console tells it
(``daily_rows``, spread over days, countries and devices). Everything is columns of numpy arrays: there are some 600,000
rows at the default size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_lib.demo.feeds.catalogue import SITE, Pin
from geo_lib.demo.truth.intents import intents
from geo_lib.demo.truth.latent import sample_latent, stream_seed
from geo_lib.demo.truth.worlds import vocabulary

SITE_URL = "sc-domain:demo.visual-geo.example"
HEAD_SHARE = 0.7
"""Share of an intent's impressions that its first paraphrase gets."""
SEEN = {"description": 0.95, "style": 0.95, "use_case": 0.78}
"""Share of the intents that the console has at all; history underrates use cases (stage 2 of 3.1.1)."""
MEDIAN = {"description": 240.0, "style": 170.0, "use_case": 75.0}
"""Median impressions of an intent on a page over the whole period."""
STRAY_QUERIES = 10
"""Off-topic queries per page."""
ROWS = {"head": 18.0, "tail": 8.0, "stray": 6.0, "anonymous": 30.0, "site": 300.0}
"""Mean console rows of a pair over the period."""
DEVICES = ("MOBILE", "DESKTOP", "TABLET")
SEARCH_TYPES = ("WEB", "IMAGE")

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pair:
    """One query on one page over the whole period; a null query is what the console anonymised."""

    url: str
    query: str | None
    locale: str
    on_topic: bool
    impressions: int
    click_rate: float
    position: float
    """Average over impressions, 1-based."""
    rows: int


def demand(rows: Sequence[Pin], *, seed: int) -> list[Pair]:
    """What people search and where the pages stand, one entry per (page, query).

    Most on-topic pairs rank on the first page, some lower but often seen or nearly always clicked: one kind for each
    clause of Eq. 1. Most strays rank low and are rarely seen.
    """
    pairs: list[Pair] = []
    for pin in rows:
        rng = np.random.default_rng(stream_seed("demand", seed, pin.image_id))
        popularity = float(np.exp(rng.normal(0, 0.5)))
        own: set[str] = set()
        if pin.latent is not None:
            for intent in intents(pin.latent, pin.locale):
                own.update(intent.paraphrases)
                if rng.random() < SEEN[intent.category]:
                    total = MEDIAN[intent.category] * popularity * float(np.exp(rng.normal(0, 0.85)))
                    pairs += _asked(pin, intent.paraphrases, total, rng)
        pairs += _strays(pin, own, rng)
        pairs.append(
            _pair(pin.page_url, None, pin.locale, False, 900 * popularity, 0.03, rng.uniform(6, 20), "anonymous", rng)
        )
    for locale, paths in vocabulary().site_pages.items():
        rng = np.random.default_rng(stream_seed("site", seed, locale))
        for path in paths:
            for query in vocabulary().off_topic[locale][:6]:
                pairs.append(
                    _pair(
                        f"{SITE}/{locale}/{path}", query, locale, False, 4000.0, 0.05, rng.uniform(2, 12), "site", rng
                    )
                )
    return pairs


def _pair(
    url: str,
    query: str | None,
    locale: str,
    on_topic: bool,
    total: float,
    rate: float,
    position: float,
    rows: str,
    rng: Any,
) -> Pair:
    impressions = max(round(total), 1)
    count = min(max(int(rng.poisson(ROWS[rows])), 1), impressions)
    return Pair(url, query, locale, on_topic, impressions, float(rate), float(max(position, 1.0)), count)


def _asked(pin: Pin, paraphrases: Sequence[str], total: float, rng: np.random.Generator) -> list[Pair]:
    """The pairs of one intent: head and tail, at positions and click rates that the three clauses tell apart."""
    tail = rng.dirichlet(np.full(len(paraphrases) - 1, 3.0)) * (1 - HEAD_SHARE)
    found = []
    for query, share in zip(paraphrases, (HEAD_SHARE, *tail), strict=True):
        fate = rng.random()
        impressions = total * float(share)
        if fate < 0.80:  # the position clause
            position, rate = rng.uniform(1.3, 9.3), rng.beta(2, 14)
        elif fate < 0.87:  # the click-rate clause: few look for it, and they mean just this
            position, rate = rng.uniform(11.5, 19), rng.uniform(0.87, 0.97)
            impressions = min(impressions, 160.0)
        elif fate < 0.93:  # the impressions clause: seen by many, from afar
            position, rate = rng.uniform(11.5, 24), rng.beta(2, 30)
            impressions = max(impressions, 1000.0) * rng.uniform(1.1, 2.5)
        else:  # nothing keeps it
            position, rate = rng.uniform(12, 40), rng.beta(2, 30)
            impressions = min(impressions, 700.0)
        found.append(
            _pair(
                pin.page_url,
                query,
                pin.locale,
                True,
                impressions,
                rate,
                position,
                "head" if share == HEAD_SHARE else "tail",
                rng,
            )
        )
    return found


def _strays(pin: Pin, own: set[str], rng: np.random.Generator) -> list[Pair]:
    """Queries that found the page by mistake: other images' intents and things that no image here is about."""
    noise = vocabulary().off_topic[pin.locale]
    found: dict[str, Pair] = {}
    for slot in range(STRAY_QUERIES):
        if slot % 2:
            query = noise[int(rng.integers(len(noise)))]
        else:
            other = intents(sample_latent(int(rng.integers(2**63))), pin.locale)
            query = other[int(rng.integers(len(other)))].head
        if query in own or query in found:
            continue
        lucky = rng.random() < 0.06
        position = rng.uniform(4, 9) if lucky or rng.random() < 0.15 else rng.uniform(12, 70)
        impressions = 60.0 if lucky else float(np.exp(rng.normal(2.6, 0.9))) if position > 10 else rng.uniform(1, 9)
        found[query] = _pair(
            pin.page_url, query, pin.locale, False, impressions, rng.beta(1, 40), position, "stray", rng
        )
    return list(found.values())


@dataclass(frozen=True, slots=True)
class DailyRows:
    """Console rows as columns; ``pair`` points into the demand, ``day`` counts from the first day."""

    pair: Ints
    day: Ints
    country: Ints
    device: Ints
    search_type: Ints
    impressions: Ints
    clicks: Ints
    sum_position: Ints
    """Zero-based, as the export sums it."""

    def take(self, chosen: NDArray[Any]) -> "DailyRows":
        return DailyRows(*(getattr(self, name)[chosen] for name in self.__slots__))


def daily_rows(pairs: Sequence[Pair], *, days: int, seed: int) -> DailyRows:
    """Spread every pair over days, countries and devices; its impressions add up exactly, and keys repeat."""
    rng = np.random.default_rng(stream_seed("daily", seed, days))
    counts = np.array([p.rows for p in pairs], dtype=np.int64)
    pair = np.repeat(np.arange(len(pairs)), counts)
    n = len(pair)
    totals = np.array([p.impressions for p in pairs], dtype=np.int64)
    weights = rng.exponential(1.0, n)
    per_pair = np.bincount(pair, weights, minlength=len(pairs))
    spare = (totals - counts)[pair] * weights / per_pair[pair]
    impressions = 1 + np.floor(spare).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    impressions[first] += totals - np.bincount(pair, impressions, minlength=len(pairs)).astype(np.int64)

    rates = np.array([p.click_rate for p in pairs])[pair]
    clicks = np.minimum(np.floor(impressions * rates + rng.random(n)).astype(np.int64), impressions)
    above = np.array([p.position for p in pairs])[pair] - 1
    sum_position = np.maximum(np.round(impressions * above * rng.uniform(0.94, 1.06, n)).astype(np.int64), 0)
    week = rng.integers(0, days, n)
    return DailyRows(
        pair=pair,
        day=np.where(rng.random(n) < 0.3, np.maximum(week, rng.integers(0, days, n)), week),
        country=rng.choice(4, n, p=(0.62, 0.2, 0.12, 0.06)),
        device=rng.choice(len(DEVICES), n, p=(0.68, 0.27, 0.05)),
        search_type=rng.choice(len(SEARCH_TYPES), n, p=(0.55, 0.45)),
        impressions=impressions,
        clicks=clicks,
        sum_position=sum_position,
    )


@dataclass(frozen=True, slots=True)
class Faults:
    """Rows that no ingest may take, by position in the daily rows."""

    negative: Ints
    """Impressions below zero."""
    too_many_clicks: Ints
    """More clicks than impressions."""


def spoil(rows: DailyRows, *, seed: int, share: float = 0.0008) -> tuple[DailyRows, Faults]:
    """Make a few rows impossible; each keeps its key to itself, so that summing cannot hide it."""
    rng = np.random.default_rng(stream_seed("faults", seed))
    n = len(rows.pair)
    key = ((((rows.pair * 4096 + rows.day) * 4 + rows.country) * 4 + rows.device) * 4) + rows.search_type
    _, inverse, repeats = np.unique(key, return_inverse=True, return_counts=True)
    alone = np.flatnonzero(repeats[inverse] == 1)
    chosen = np.sort(rng.choice(alone, max(int(n * share), 4), replace=False))
    negative, too_many = chosen[::2], chosen[1::2]
    impressions, clicks, sum_position = rows.impressions.copy(), rows.clicks.copy(), rows.sum_position.copy()
    impressions[negative] *= -1
    clicks[negative] = 0
    sum_position[negative] = 0
    clicks[too_many] = impressions[too_many] + 3
    spoiled = DailyRows(
        rows.pair, rows.day, rows.country, rows.device, rows.search_type, impressions, clicks, sum_position
    )
    return spoiled, Faults(negative, too_many)
