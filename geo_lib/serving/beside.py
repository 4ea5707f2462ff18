"""What needs no engine is done beside it: the next chunk is read and the last one kept while one is answered."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from pyspark.sql import DataFrame

from geo_lib.serving.chunks import KeyRange
from geo_lib.spark import settled


class Beside:
    """One thread that reads ahead and one that keeps what was answered, each a chunk at a time.

    ``read`` gives the requests of a range, ``keep`` stores answers that are settled already: a commit drops whatever is
    only held of plans that read its table, and an engine would be asked again. ``following`` says which range is likely
    asked after one. To be left as a context: then all is kept, and what keeping raised is raised.
    """

    def __init__(
        self,
        *,
        read: Callable[[KeyRange], DataFrame],
        keep: Callable[[DataFrame], None],
        following: Mapping[KeyRange, KeyRange],
    ) -> None:
        self.seconds = {"read": 0.0, "write": 0.0}
        """``read`` and ``write``: what either took, whether or not anybody waited for it."""
        self._read, self._keep, self._following = read, keep, following
        self._reader, self._keeper = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._coming: dict[KeyRange, Future[DataFrame | None]] = {}
        self._kept: Future[None] | None = None

    def __enter__(self) -> "Beside":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._reader.shutdown()
        self._keeper.shutdown()
        if error is None:
            self.settle()

    def requests(self, chunk: KeyRange) -> DataFrame | None:
        """The requests of ``chunk``, settled, null where there is none; those of the range after it are read from now
        on."""
        coming = self._coming.pop(chunk, None) or self._reader.submit(self._fetch, chunk)
        after = self._following.get(chunk)
        if after is not None and after not in self._coming:
            self._coming[after] = self._reader.submit(self._fetch, after)
        return coming.result()

    def keep(self, answered: DataFrame) -> None:
        """Keep ``answered``, which is settled; waits for the one before alone."""
        self.settle()
        self._kept = self._keeper.submit(self._store, answered)

    def settle(self) -> None:
        """Wait until all that was answered is kept; raises what kept it from that."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.result()

    def _fetch(self, chunk: KeyRange) -> DataFrame | None:
        begun = time.monotonic()
        requests = settled(self._read(chunk))
        is_empty = requests.isEmpty()  # asked here, where no engine waits for it
        self.seconds["read"] += time.monotonic() - begun
        return None if is_empty else requests

    def _store(self, answered: DataFrame) -> None:
        begun = time.monotonic()
        self._keep(answered)
        self.seconds["write"] += time.monotonic() - begun
