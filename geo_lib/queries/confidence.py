"""How sure a model was of a query that it wrote, by the probabilities of its own tokens. Plain Python."""

import math
from collections.abc import Sequence

DECIMALS = 4


def confidence(
    span: tuple[int, int] | None, token_ends: Sequence[int] | None, token_logprobs: Sequence[float] | None
) -> float | None:
    """Geometric mean, 0 to 1, of the probabilities of the tokens of one query after its first.

    ``span``: where the query stands in the answer; ``token_ends``: characters written after each token. The first
    token says which of many things to speak of, and a model that knows seven is rightly unsure of it; the others say
    whether this one is seen. The first counts where it is the only one. Null where any of the three is not known.
    """
    if span is None or token_ends is None or token_logprobs is None:
        return None
    start, end = span
    begins = [0, *token_ends[:-1]]
    own = [
        logprob
        for begin, stop, logprob in zip(begins, token_ends, token_logprobs, strict=True)
        if begin < end and stop > start
    ]
    counted = own[1:] or own
    return round(math.exp(sum(counted) / len(counted)), DECIMALS) if counted else None
