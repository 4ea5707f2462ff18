"""Which vision-language model is tuned, and on how much: what jobs before serving know of ``settings: vlm:``.

How it is asked stands in ``geo_lib.serving.settings``: a change of one part does not wake the jobs of the other.
"""

from dataclasses import dataclass
from pathlib import Path

from geo_lib.config import at_least_one
from geo_lib.errors import ConfigError
from geo_lib.models import ModelFiles, base_files


@dataclass(frozen=True, slots=True)
class BaseVlm:
    """Which model is tuned, and how large it sees pictures."""

    base: str = ""
    """Folder of the base model, or a hub id as org/name@revision."""
    min_pixels: int = 0
    """Smallest picture the model is shown, in pixels; 0: the processor's own bound."""
    max_pixels: int = 0
    max_sequence_tokens: int = 1024
    """Image, prompt and answer of one example together (paper, Table 1); a longer one is not taught, and never cut."""

    def __post_init__(self) -> None:
        at_least_one(self, "max_sequence_tokens")

    @property
    def folders(self) -> tuple[str, ...]:
        """The base model's folder, as files whose change wakes a job; none where it is a hub's, which never changes."""
        return (self.base,) if Path(self.base).is_dir() else ()

    def files(self, *, cache: str) -> ModelFiles:
        """The base model's files, fetched into ``cache`` where it is a hub's. Raises when none is named."""
        if not self.base:
            raise ConfigError(
                "settings.vlm.base names no base model; give a folder, or a hub id as org/name@revision, as in "
                "conf/prod.yml"
            )
        return base_files(self.base, cache=cache)
