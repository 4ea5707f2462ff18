"""What a check is: a stage with a name, and for every text a reason to stop it there, or none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """A text that somebody wrote in a locale."""

    locale: str
    raw: str
    """As written: disguises hide in signs that the normal form has lost."""
    text: str
    """Its normal form (``queries.text.normalise``); empty when nothing is left."""


@dataclass(frozen=True, slots=True)
class Check:
    """One link of the chain."""

    stage: str
    """What ``query_decisions`` calls it."""
    reasons: Callable[[Sequence[Said]], list[str | None]]
    """For each text, in order: null when it is fine, a reason code when not. Runs on workers, on texts that passed
    every check before; a model that it needs is loaded inside, once per worker."""
