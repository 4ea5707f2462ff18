"""A query has something left of it in its normal form, and is no sentence."""

from collections.abc import Sequence

from geo_lib.queries.checks.check import Check, Said

BLANK = "blank"
TOO_LONG = "too_long"
MAX_CHARACTERS = 200
"""Longer texts are sentences, not queries."""


def _reasons(texts: Sequence[Said]) -> list[str | None]:
    return [BLANK if not said.text else TOO_LONG if len(said.text) > MAX_CHARACTERS else None for said in texts]


LENGTH = Check(stage="normalise", reasons=_reasons)
