"""Learning rates over the steps of a training."""

import math


def warm_cosine(step: int, total: int, *, warmup_share: float) -> float:
    """Share of the peak learning rate at ``step``, counted from 0: a linear warm-up, then a cosine down to zero."""
    warmup = round(total * warmup_share)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))
