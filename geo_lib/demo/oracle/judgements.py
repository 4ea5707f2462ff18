"""What the oracle says of texts that people typed: it knows the strays by heart, and calls all else fit."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from geo_lib.demo.oracle.behaviour import Behaviour
from geo_lib.demo.strays.strays import KINDS, known_kind
from geo_lib.demo.truth.latent import stream_seed


def texts_to_judge(request: str) -> list[str] | None:
    """The texts of a request to judge some: its last line, a JSON array of them; null where it asks something else."""
    try:
        texts = json.loads(request.rpartition("\n")[2])
    except ValueError:
        return None
    return texts if isinstance(texts, list) and all(isinstance(text, str) for text in texts) else None


def judged(texts: Sequence[str] | None, locale: str, behaviour: Behaviour) -> Mapping[str, Any]:
    """Each text's kinds by its number, some wrong: a fit one called something, an unfit one called fit."""
    judgements = []
    for number, text in enumerate(texts or (), start=1):
        kind = known_kind(locale, text)
        if behaviour.happens("misjudged", locale, text):
            which = stream_seed("oracle", behaviour.seed, "misjudgement", locale, text) % len(KINDS)
            kind = KINDS[which] if kind is None else None
        judgements.append({"number": number, "kinds": [] if kind is None else [kind]})
    return {"judgements": judgements}
