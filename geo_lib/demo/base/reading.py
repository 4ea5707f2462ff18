"""What the base model reads without a picture, and how it names what one shows.

It stands for a model that knows a language before it knows a platform. ``reading/*.txt`` holds lines of everyday
language that use every word of the platform's vocabulary, and no line holds all the telling words of anything that
people type for an image: the words are known, the wordings are left to be learned from a platform's console.
"""

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources

import numpy as np

from geo_lib.demo.truth.intents import fill
from geo_lib.demo.truth.latent import Latent, stream_seed
from geo_lib.queries.kinds import QUOTAS

NAMES = ("{colour}", "{pattern}", "{material}", "{kind}", "{place}")
"""One for each attribute; never two in one entry, which would be how people ask for an image."""
OTHER_NAMES = ("{with_pattern}", "{made}", "{article} {kind}", "{where}")


@cache
def lines(locale: str) -> tuple[str, ...]:
    """Everything there is to read in a locale."""
    text = (resources.files(__package__) / "reading" / f"{locale}.txt").read_text("utf-8")
    return tuple(text.splitlines())


def query_list(seed: int, locale: str) -> str:
    """Seven lines in the response's JSON: its shape, and nothing that people type."""
    known = lines(locale)
    rng = np.random.default_rng(stream_seed("query_list", seed, locale))
    return _response(known[int(i)] for i in rng.choice(len(known), size=sum(QUOTAS.values()), replace=False))


def named(latent: Latent, locale: str, seed: int) -> str:
    """What a picture shows in the response's JSON: every attribute once and some in other words, in any order.

    A look's aesthetic is left out: it is thought of a picture, not seen on it.
    """
    rng = np.random.default_rng(stream_seed("named", seed, locale))
    names = [fill(template, latent, locale).lower() for template in NAMES]
    others = [fill(template, latent, locale).lower() for template in OTHER_NAMES]
    others = [name for name in others if name not in ("", *names)]  # plain has no phrase, balloons no article
    names += rng.permutation(others)[: sum(QUOTAS.values()) - len(names)].tolist()
    return _response(rng.permutation(names).tolist())


def _response(entries: Iterable[str]) -> str:
    """Compact JSON with as many entries in each category as an image's queries have there."""
    left = iter(entries)
    lists = {category: [next(left) for _ in range(quota)] for category, quota in QUOTAS.items()}
    return json.dumps(lists, ensure_ascii=False, separators=(",", ":"))
