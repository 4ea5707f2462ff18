"""What a person watches: a live table of tasks on a terminal, a line per event elsewhere."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table as Grid
from rich.text import Text

from geo_lib.counts import Counts

_MARKS = {"waiting": ("·", "dim"), "running": ("▸", "cyan"), "succeeded": ("✓", "green")}
_MARKS |= {"skipped": ("=", "dim"), "failed": ("✗", "red"), "not run": ("–", "dim")}


@dataclass
class _Row:
    name: str
    state: str = "waiting"
    started: float = 0.0
    seconds: float = 0.0
    counts: Counts | None = None
    note: str = ""
    done: int = 0
    total: int = 0


@dataclass
class Board:
    """The state of a run's tasks and how to show it. Jobs report through ``progress``."""

    console: Console
    title: str
    stages: Callable[[], tuple[int, int] | None] = lambda: None
    """Finished and all tasks of the Spark stages that run now."""
    _rows: dict[str, _Row] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def expect(self, names: Sequence[str]) -> None:
        self._rows = {name: _Row(name) for name in names}

    def start(self, name: str) -> None:
        with self._lock:
            row = self._rows[name]
            row.state, row.started = "running", time.monotonic()

    def progress(self, done: int, total: int, what: str) -> None:
        """How far the running task is, in whatever it counts."""
        with self._lock:
            for row in self._rows.values():
                if row.state == "running":
                    row.done, row.total, row.note = done, total, what

    def end(self, name: str, state: str, *, counts: Counts | None = None, note: str = "") -> None:
        with self._lock:
            row = self._rows[name]
            row.seconds = time.monotonic() - row.started if row.started else 0.0
            row.state, row.counts, row.note, row.total = state, counts, note, 0
            if counts is not None and not note:
                row.note = counts.commonest_reasons()
            if not self.console.is_terminal:
                self.console.print(_line(row), soft_wrap=True)

    @contextmanager
    def shown(self) -> Iterator["Board"]:
        """Show the table while the block runs; on no terminal, only ``end`` prints."""
        if not self.console.is_terminal:
            yield self
            return
        with Live(self, console=self.console, refresh_per_second=4):
            yield self

    def __rich__(self) -> Group:
        grid = Grid(title=self.title, title_justify="left", title_style="bold", box=None, padding=(0, 1))
        widths = {"": 1, "task": 22, "time": 5, "in": 9, "kept": 9, "dropped": 8, "failed": 7}
        for heading, width in widths.items():
            justify: Literal["left", "right"] = "left" if heading in ("", "task") else "right"
            grid.add_column(heading, justify=justify, no_wrap=True, min_width=width)
        grid.add_column("", overflow="ellipsis", no_wrap=True, ratio=1)
        with self._lock:
            for row in self._rows.values():
                grid.add_row(*self._cells(row))
        return Group(grid)

    def _cells(self, row: _Row) -> list[Text | Grid | str]:
        mark, style = _MARKS[row.state]
        seconds = time.monotonic() - row.started if row.state == "running" else row.seconds
        figures = _figures(row.counts)
        last: Text | Grid = Text(row.note, style="red" if row.state == "failed" else "dim")
        if row.state == "running":
            last = self._bar(row)
        clock = _clock(seconds) if row.started else ""
        return [Text(mark, style=style), Text(row.name, style=style), clock, *figures, last]

    def _bar(self, row: _Row) -> Text | Grid:
        done, total, what = row.done, row.total, row.note
        if not total and (stages := self.stages()):
            done, total, what = *stages, "Spark tasks"
        if not total:
            return Text("…", style="dim")
        bar = Grid.grid(padding=(0, 1))
        bar.add_row(ProgressBar(total=total, completed=done, width=24), Text(f"{done:,}/{total:,} {what}", "dim"))
        return bar


def _figures(counts: Counts | None) -> list[str]:
    if counts is None:
        return ["", "", "", ""]
    every = (counts.rows_in, counts.kept, sum(counts.dropped.values()), sum(counts.failed.values()))
    return [f"{n:,}" for n in every]


def _line(row: _Row) -> str:
    named = zip(("in", "kept", "dropped", "failed"), _figures(row.counts), strict=True)
    figures = "".join(f"  {name} {value}" for name, value in named if value)
    return f"{_MARKS[row.state][0]} {row.name:<24} {_clock(row.seconds):>6}{figures}  {row.note}".rstrip()


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
