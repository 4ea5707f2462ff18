"""Which vision-language model is tuned: the part of ``settings: vlm:`` that the jobs before serving know.

How it is asked stands in ``geo_lib.serving.settings``: a change of one part does not wake the jobs of the other.
"""

from dataclasses import dataclass

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

    def files(self, *, cache: str) -> ModelFiles:
        """The base model's files, fetched into ``cache`` where it is a hub's. Raises when none is named."""
        if not self.base:
            raise ConfigError(
                "settings.vlm.base names no base model; give a folder, or a hub id as org/name@revision, as in "
                "conf/prod.yml"
            )
        return base_files(self.base, cache=cache)
