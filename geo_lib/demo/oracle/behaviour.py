"""How good the oracle is, and how its server behaves: every fault at a rate, decided by a seed."""

from dataclasses import dataclass, fields

from geo_lib.demo.truth.latent import stream_seed


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Shares of the requests, unless a unit is named. A picture that is refused always is; other faults pass."""

    wrong: float = 0.05
    """Share of the queries that are about another picture;"""
    misjudged: float = 0.01
    """of the texts that it is to judge those that it judges wrongly;"""
    refused: float = 0.0
    """of the pictures that it will not look at."""
    limited: float = 0.0
    """Status 429, with Retry-After;"""
    failed: float = 0.0
    """status 500;"""
    malformed: float = 0.0
    """an answer cut off within its JSON."""
    retry_after_seconds: int = 1
    latency_ms: int = 0
    seed: int = 20261127

    def __post_init__(self) -> None:
        for name in ("wrong", "misjudged", "refused", "limited", "failed", "malformed"):
            if not 0 <= (share := getattr(self, name)) <= 1:
                raise ValueError(f"{name} is a share of 0 to 1, and not {share}")
        for name in ("retry_after_seconds", "latency_ms"):
            if (value := getattr(self, name)) < 0:
                raise ValueError(f"{name} must not be negative, but it is {value}")

    def happens(self, fault: str, *what: object) -> bool:
        """Whether a fault befalls this: the same for the same seed, whatever else is asked and in whatever order."""
        rate: float = getattr(self, fault)
        return stream_seed("oracle", self.seed, fault, *what) / 2**64 < rate


KNOBS = tuple((knob.name, type(knob.default)) for knob in fields(Behaviour))
"""Names and types, for a command line."""
