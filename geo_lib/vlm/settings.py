"""What the jobs around the vision-language model must agree on: ``settings: vlm:`` of a configuration.

A job knows the part that it uses, so that a change of the other part does not wake it.
"""

from dataclasses import dataclass, field

from geo_lib.config import at_least_one
from geo_lib.errors import ConfigError
from geo_lib.models import ModelFiles, base_files
from geo_lib.vlm.engine import Decoding


@dataclass(frozen=True, slots=True)
class BaseVlm:
    """Which model is tuned, and how large it sees pictures."""

    base: str = ""
    """Folder of the base model, or a hub id as org/name@revision."""
    min_pixels: int = 0
    """Smallest picture the model is shown, in pixels; 0: the processor's own bound."""
    max_pixels: int = 0

    def files(self, *, cache: str) -> ModelFiles:
        """The base model's files, fetched into ``cache`` where it is a hub's. Raises when none is named."""
        if not self.base:
            raise ConfigError(
                "settings.vlm.base names no base model; give a folder, or a hub id as org/name@revision, as in "
                "conf/prod.yml"
            )
        return base_files(self.base, cache=cache)


@dataclass(frozen=True, slots=True)
class AskedVlm:
    """How the tuned model is asked. Answers drawn otherwise are other answers."""

    decoding: Decoding = field(default_factory=Decoding)
    max_model_len: int = 1280
    """Tokens of image, prompt and answer together; a smaller limit of the model itself wins."""
    max_num_seqs: int = 64
    """Requests that the engine answers at a time."""

    def __post_init__(self) -> None:
        at_least_one(self, "max_model_len", "max_num_seqs")
