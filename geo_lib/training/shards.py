"""A DataFrame on the driver's disk: what a trainer looks up by key and could not hold in memory."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
from pyspark.sql import DataFrame

MOST_BYTES = 64 * 2**20
"""Content of one Arrow file, and so what writing one takes of memory."""


class Shards(Mapping[str, bytes]):
    """Key to content, read from memory-mapped Arrow files: pages that are not in use take no memory."""

    def __init__(self, files: list[Path]) -> None:
        self._written = files
        self._tables = [pa.ipc.open_file(pa.memory_map(str(file))).read_all() for file in files]
        self._places = {
            key: (shard, row)
            for shard, table in enumerate(self._tables)
            for row, key in enumerate(table.column("key").to_pylist())
        }

    def __getitem__(self, key: str) -> bytes:
        shard, row = self._places[key]
        content: bytes = self._tables[shard].column("content")[row].as_py()
        return content

    def __reduce__(self) -> tuple[type["Shards"], tuple[list[Path]]]:
        return Shards, (self._written,)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def shards(df: DataFrame, folder: Path, *, key: str, content: str, most_bytes: int = MOST_BYTES) -> Shards:
    """The (``key``, ``content``) rows of ``df``, a string and a binary column, as Arrow files in ``folder``.

    The driver holds one file's rows and a partition at a time. ``folder`` has to outlive what is returned, which may go
    to other processes of this machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    rows: list[tuple[str, bytes]] = []
    size = 0
    for row in df.select(key, content).toLocalIterator(prefetchPartitions=True):
        rows.append((row[0], bytes(row[1])))
        size += len(rows[-1][1])
        if size >= most_bytes:
            files.append(_written(rows, folder / f"{len(files):05}.arrow"))
            rows, size = [], 0
    if rows:
        files.append(_written(rows, folder / f"{len(files):05}.arrow"))
    return Shards(files)


def _written(rows: list[tuple[str, bytes]], file: Path) -> Path:
    keys, contents = zip(*rows, strict=True)
    table = pa.table({"key": pa.array(keys, pa.string()), "content": pa.array(contents, pa.large_binary())})
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return file
