"""How a model is asked: ``settings: vlm:`` of a configuration, as far as it says how answers are drawn."""

from dataclasses import asdict, dataclass, field

from geo_lib.config import at_least_one
from geo_lib.provenance import version_of


@dataclass(frozen=True, slots=True)
class Decoding:
    """How an answer is drawn (paper, 3.1.1). With top_k 1 it is greedy, whatever the temperature says."""

    temperature: float = 0.1
    top_p: float = 0.001
    top_k: int = 1
    repetition_penalty: float = 1.05
    max_new_tokens: int = 256

    @property
    def version(self) -> str:
        return version_of(decoding=asdict(self))


@dataclass(frozen=True, slots=True)
class AskedVlm:
    """How the tuned model is asked. Answers drawn otherwise are other answers."""

    decoding: Decoding = field(default_factory=Decoding)
    max_model_len: int = 1280
    """Tokens of image, prompt and answer together; a smaller limit of the model itself wins."""
    max_num_seqs: int = 64
    """Requests that the engine answers at a time."""
    patience_seconds: float = 120.0
    """A request that gets no further for so long is given up; an engine's step that takes as long ends its process."""

    def __post_init__(self) -> None:
        at_least_one(self, "max_model_len", "max_num_seqs")
        if self.patience_seconds <= 0:
            raise ValueError(f"patience_seconds must be above 0, not {self.patience_seconds:g}")
