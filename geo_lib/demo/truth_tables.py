"""The simulated platform's truth as rows for the tables of ``<schema>_truth``."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from geo_lib.demo.feeds.catalogue import Pin
from geo_lib.demo.truth.intents import caption, intents
from geo_lib.demo.truth.planted_queries import planted_queries


def image_rows(rows: Sequence[Pin]) -> list[dict[str, Any]]:
    """One row per catalogue row whose picture can be seen."""
    return [
        {
            "image_id": pin.image_id,
            "signature": pin.signature,
            "world": pin.latent.world,
            "locale": pin.locale,
            "kind": pin.latent.kind,
            "colour": pin.latent.colour,
            "pattern": pin.latent.pattern,
            "material": pin.latent.material,
            "setting": pin.latent.setting,
            "novel_combination": pin.novel_combination,
            "caption": caption(pin.latent, pin.locale),
        }
        for pin in rows
        if pin.latent is not None
    ]


def intent_rows(rows: Sequence[Pin]) -> list[dict[str, Any]]:
    """Seven rows per signature and locale that it is shown in."""
    shown = {(pin.signature, pin.locale): pin.latent for pin in rows if pin.latent is not None}
    return [
        {
            "signature": signature,
            "locale": locale,
            "category": intent.category,
            "intent": intent.name,
            "paraphrases": list(intent.paraphrases),
            "head": intent.head,
        }
        for (signature, locale), latent in shown.items()
        for intent in intents(latent, locale)
    ]


def planted_rows() -> list[dict[str, Any]]:
    """The queries that validation must stop and their near misses, the same on every platform."""
    return [asdict(planted) for planted in planted_queries()]
