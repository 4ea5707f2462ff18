"""The simulated platform as files, as an outside platform delivers: pictures, manifest, console export, search box.

    catalogue.parquet  images/*  search_console/searchdata_url_impression/data_date=*/part-0.parquet
    search_console/ExportLog/part-0.parquet  typed_queries.csv  platform.json (written last)

The same arguments give the same bytes, and a file that is already right is left alone.
"""

import csv
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geo_lib.demo.feeds import console
from geo_lib.demo.feeds.catalogue import Pin, manifest_rows, pins, write_once
from geo_lib.demo.pictures.draw import drawing_version
from geo_lib.demo.strays.strays import strays
from geo_lib.demo.truth.worlds import vocabulary

if TYPE_CHECKING:
    import pyarrow as pa

CONSOLE_LAG = 2
"""Days until the console tells of a day."""
EXPORTED = "searchdata_url_impression"
FLAGS = (
    "is_amp_top_stories",
    "is_amp_blue_link",
    "is_job_listing",
    "is_job_details",
    "is_tpf_qa",
    "is_tpf_faq",
    "is_tpf_howto",
    "is_weblite",
    "is_action",
    "is_events_listing",
    "is_events_details",
    "is_forums",
    "is_search_appearance_android_app",
    "is_amp_story",
    "is_amp_image_result",
    "is_video",
    "is_organic_shopping",
    "is_review_snippet",
    "is_special_announcement",
    "is_recipe_feature",
    "is_recipe_rich_snippet",
    "is_subscribed_content",
    "is_page_experience",
    "is_practice_problems",
    "is_math_solvers",
    "is_translated_result",
    "is_edu_q_and_a",
    "is_product_snippets",
    "is_merchant_listings",
    "is_learning_videos",
)
"""Search-appearance columns of the export, in its order; none of them applies to these pages."""
NEWER_COLUMNS = (("is_visual_pack", 0.66), ("is_ai_overview", 0.83))
"""Columns that the export gains on the way, and after which share of the period."""


@dataclass(frozen=True, slots=True)
class PlatformSummary:
    """What was simulated, and what an ingest should find wrong with it."""

    pins: tuple[Pin, ...]
    console_rows: int
    negative_impressions: int
    too_many_clicks: int
    malformed_day: date
    corrected_day: date
    first_day: date
    last_day: date

    @property
    def broken_files(self) -> int:
        return sum(pin.signature is None for pin in self.pins)

    @property
    def images(self) -> int:
        """Rows of the catalogue whose picture can be seen."""
        return len(self.pins) - self.broken_files

    @property
    def signatures(self) -> int:
        return len({pin.signature for pin in self.pins if pin.signature})


def simulate(
    folder: Path,
    *,
    images: int,
    seed: int,
    days: int,
    as_of: date,
    processes: int = 2,
    progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> PlatformSummary:
    """Write the platform into ``folder`` and say what it holds."""
    marker = folder / "platform.json"
    drawn_by = {"seed": seed, "drawing": drawing_version()}
    if not marker.is_file() or json.loads(marker.read_text("utf-8"))["drawn_by"] != drawn_by:
        shutil.rmtree(folder / "images", ignore_errors=True)  # drawn by other code: their bytes would not be these
    found = pins(
        folder,
        images=images,
        seed=seed,
        as_of=as_of,
        processes=processes,
        progress=lambda done: progress(done, images, "images drawn"),
    )
    _write_parquet(folder / "catalogue.parquet", _manifest(found))
    write_once(folder / "typed_queries.csv", _typed_queries())
    summary = _export(folder / "search_console", found, seed=seed, days=days, as_of=as_of, progress=progress)
    state = {"drawn_by": drawn_by, "images": images, "days": days, "as_of": as_of.isoformat()}
    write_once(marker, json.dumps(state, indent=1).encode())
    return summary


def _manifest(found: Sequence[Pin]) -> "pa.Table":
    import pyarrow as pa

    rows = list(manifest_rows(found))
    text = {name: pa.string() for name in rows[0] if name != "created_at"}
    schema = pa.schema([*text.items(), ("created_at", pa.timestamp("us"))])
    return pa.Table.from_pylist(rows, schema=schema)


def _typed_queries() -> bytes:
    """What people typed into the platform's own search box, fit or not, in no order of kinds."""
    text = StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("locale", "query"))
    lines.writerows(sorted((stray.locale, stray.query) for stray in strays()))
    return text.getvalue().encode()


def _write_parquet(path: Path, table: "pa.Table") -> None:
    import pyarrow.parquet as pq

    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_once(path, buffer.getvalue())


def _export(
    folder: Path,
    found: Sequence[Pin],
    *,
    seed: int,
    days: int,
    as_of: date,
    progress: Callable[[int, int, str], None],
) -> PlatformSummary:
    last = as_of - timedelta(days=CONSOLE_LAG)
    first = last - timedelta(days=days - 1)
    pairs = console.demand([pin for pin in found if pin.created_at.date() <= last], seed=seed)
    rows, faults = console.spoil(console.daily_rows(pairs, days=days, seed=seed), seed=seed)
    malformed = first - timedelta(days=1)
    corrected = first + timedelta(days=days // 2)
    texts = _texts(pairs)
    by_day = np.argsort(rows.day, kind="stable")
    ends = np.searchsorted(rows.day[by_day], np.arange(days + 1))
    for day in range(days):
        share = day / days
        newer = [name for name, after in NEWER_COLUMNS if share >= after]
        table = _day_table(texts, rows.take(by_day[ends[day] : ends[day + 1]]), newer=newer)
        _write_parquet(_day_folder(folder, first + timedelta(days=day)) / "part-0.parquet", table)
        progress(day + 1, days, "days exported")
    _write_malformed(_day_folder(folder, malformed))
    exported = [malformed, *(first + timedelta(days=day) for day in range(days))]
    _write_parquet(folder / "ExportLog" / "part-0.parquet", _export_log(exported, corrected=corrected))
    keep = {_day_folder(folder, day) for day in exported}
    for stale in set((folder / EXPORTED).iterdir()) - keep:
        shutil.rmtree(stale)
    return PlatformSummary(
        pins=tuple(found),
        console_rows=len(rows.pair),
        negative_impressions=len(faults.negative),
        too_many_clicks=len(faults.too_many_clicks),
        malformed_day=malformed,
        corrected_day=corrected,
        first_day=first,
        last_day=last,
    )


def _day_folder(folder: Path, day: date) -> Path:
    return folder / EXPORTED / f"data_date={day.isoformat()}"


def _texts(pairs: Sequence[console.Pair]) -> Mapping[str, "pa.Array"]:
    """The text columns once per pair; a day's rows only point into them."""
    import pyarrow as pa

    locales = vocabulary().countries
    return {
        "url": pa.array([pair.url for pair in pairs]),
        "query": pa.array([pair.query for pair in pairs], pa.string()),
        "countries": pa.array([country for pair in pairs for country in _four(locales[pair.locale])]),
    }


def _four(countries: Sequence[str]) -> Sequence[str]:
    """Exactly four countries, the first filling up: ranks of the draw point at them."""
    return [countries[i] if i < len(countries) else countries[0] for i in range(4)]


def _day_table(texts: Mapping[str, "pa.Array"], rows: console.DailyRows, *, newer: Sequence[str]) -> "pa.Table":
    """One day of the export: its own columns in their order, and those it gained later before the metrics."""
    import pyarrow as pa

    n = len(rows.pair)
    query = texts["query"].take(pa.array(rows.pair))
    columns: dict[str, Any] = {
        "site_url": pa.repeat(console.SITE_URL, n),
        "url": texts["url"].take(pa.array(rows.pair)),
        "query": query,
        "is_anonymized_query": query.is_null(),
        "is_anonymized_discover": pa.repeat(False, n),
        "country": texts["countries"].take(pa.array(rows.pair * 4 + rows.country)),
        "search_type": pa.array(console.SEARCH_TYPES).take(pa.array(rows.search_type)),
        "device": pa.array(console.DEVICES).take(pa.array(rows.device)),
    }
    columns |= {flag: pa.repeat(False, n) for flag in FLAGS}
    columns |= {flag: pa.array((rows.pair + i) % 7 == 0) for i, flag in enumerate(newer)}
    columns |= {
        "impressions": pa.array(rows.impressions),
        "clicks": pa.array(rows.clicks),
        "sum_position": pa.array(rows.sum_position),
    }
    return pa.table(columns)


def _write_malformed(folder: Path) -> None:
    """A day whose file was cut off on its way."""
    folder.mkdir(parents=True, exist_ok=True)
    write_once(folder / "part-0.parquet", b"PAR1" + bytes(range(256)) * 4)


def _export_log(days: Sequence[date], *, corrected: date) -> "pa.Table":
    """One row per successful export: the corrected day has two, and what lies in its folder is the second."""
    import pyarrow as pa

    rows = []
    for day in days:
        published = datetime.combine(day, time(hour=11), tzinfo=UTC) + timedelta(days=CONSOLE_LAG)
        rows.append((day, 0, published))
        if day == corrected:
            rows.append((day, 1, published + timedelta(days=3)))
    return pa.table(
        {
            "agenda": ["SEARCHDATA"] * len(rows),
            "namespace": ["SEARCHDATA_URL_IMPRESSION"] * len(rows),
            "data_date": pa.array([day for day, _, _ in rows], pa.date32()),
            "epoch_version": pa.array([version for _, version, _ in rows], pa.int64()),
            "publish_time": pa.array([published for _, _, published in rows], pa.timestamp("us", tz="UTC")),
        }
    )
