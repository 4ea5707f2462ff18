"""The folder that the site consists of: written only where it changed, and holding nothing else."""

import hashlib
from collections.abc import Set
from dataclasses import dataclass, field
from pathlib import Path

from geo_lib.files import write_whole


@dataclass(frozen=True, slots=True)
class Site:
    """Writes files below ``folder`` and remembers which; what it did not write can then be swept away."""

    folder: Path
    _written: set[Path] = field(default_factory=set)

    def write(self, path: str, content: str) -> tuple[str, bool]:
        """Write ``path`` unless it holds just this; return the content's SHA-256 and whether it changed."""
        encoded = content.encode()
        target = self.folder / path
        self._written.add(target)
        changed = not (target.is_file() and target.read_bytes() == encoded)
        if changed:
            write_whole(target, encoded)
        return hashlib.sha256(encoded).hexdigest(), changed

    def sweep(self, *, keep: Set[str]) -> int:
        """Remove every file below the folder that was neither written nor is in ``keep``; return how many."""
        kept = self._written | {self.folder / path.lstrip("/") for path in keep}
        stale = [path for path in self.folder.rglob("*") if path.is_file() and path not in kept]
        for path in stale:
            path.unlink()
        for folder in sorted((p for p in self.folder.rglob("*") if p.is_dir()), reverse=True):
            if not any(folder.iterdir()):
                folder.rmdir()
        return len(stale)
