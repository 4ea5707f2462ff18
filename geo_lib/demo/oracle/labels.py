"""What the oracle knows of the simulated platform's pictures, and the queries that it would find one by."""

import json
from collections.abc import Mapping
from pathlib import Path

from geo_lib.demo.feeds.catalogue import delivered
from geo_lib.demo.oracle.behaviour import Behaviour
from geo_lib.demo.truth.intents import intents
from geo_lib.demo.truth.latent import Latent, sample_latent, stream_seed
from geo_lib.demo.truth.worlds import vocabulary
from geo_lib.queries.kinds import CATEGORIES


def known_pictures(platform: Path) -> dict[str, Latent]:
    """Signature to truth of every picture of a platform that was simulated into this folder."""
    simulated = json.loads((platform / "platform.json").read_text("utf-8"))
    return delivered(platform, images=simulated["images"], seed=simulated["drawn_by"]["seed"])


def speaks(locale: str) -> bool:
    return locale in vocabulary().locales


def queries(latent: Latent, locale: str, signature: str, behaviour: Behaviour) -> Mapping[str, list[str]]:
    """Queries by category: each intent in one of its wordings, no matter how usual, and some of another picture's."""
    answer: dict[str, list[str]] = {category: [] for category in CATEGORIES}
    for place, intent in enumerate(intents(latent, locale)):
        which = (signature, locale, place)
        if behaviour.happens("wrong", *which):
            other = sample_latent(stream_seed("oracle", behaviour.seed, "other", *which))
            intent = intents(other, locale)[place]
        wording = stream_seed("oracle", behaviour.seed, "wording", *which) % len(intent.paraphrases)
        answer[intent.category].append(intent.paraphrases[wording])
    return answer
