"""The catalogue from files to tables."""

import csv
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from geo_lib.errors import ConfigError, TooManyFailedError, TooManyRemovedError
from jobs.ingest_catalogue import JOB, IngestCatalogue
from jobs.run.job import Context
from schemas.image_bytes import IMAGE_BYTES
from schemas.images import IMAGES
from schemas.picture_sources import PICTURE_SOURCES
from schemas.rejected_rows import REJECTED_ROWS

pytestmark = pytest.mark.slow


def catalogue(folder: Path, *rows: tuple[str, str]) -> str:
    """A manifest of (image_id, colour): the colour names the file, ``absent`` none, ``broken`` no picture."""
    for _, colour in rows:
        if colour == "broken":
            (folder / "broken.png").write_bytes(b"\x89PNG but no more")
        elif colour != "absent":
            Image.new("RGB", (30, 20), colour).save(folder / f"{colour}.png")
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(["image_id", "uri", "page_url", "locale"])
        lines.writerows([i, f"{colour}.png", f"https://pins.test/pin/{i}", "en"] for i, colour in rows)
    return str(folder / "manifest.csv")


def test_pictures_come_in_and_every_row_that_cannot_is_named_with_its_reason(context: Context, tmp_path: Path) -> None:
    rows = [("a", "red"), ("b", "blue"), ("c", "red"), ("d", "broken"), ("e", "absent"), ("a", "blue")]
    counts = context.run(JOB, IngestCatalogue(manifest=catalogue(tmp_path, *rows), max_failed_share=0.5))
    assert (counts.rows_in, counts.kept) == (6, 3)
    assert counts.failed == {"undecodable_image": 1, "missing_file": 1, "duplicate_image_id": 1}
    found = {r.image_id: r.signature for r in context.tables.read(IMAGES).collect()}
    assert found.keys() == {"a", "b", "c"}
    # "blue.png" sorts before "red.png": of the two rows of a, that one stays, and shows what b shows
    assert found["a"] == found["b"] != found["c"]
    assert {r.signature for r in context.tables.read(IMAGE_BYTES).collect()} == set(found.values())
    rejected = {r.row: r.reason for r in context.tables.read(REJECTED_ROWS).collect()}
    assert rejected == {"d": "undecodable_image", "e": "missing_file", "a#2": "duplicate_image_id"}


def test_a_second_reading_changes_no_table_and_a_shorter_manifest_removes_what_it_lacks(
    context: Context, tmp_path: Path
) -> None:
    knobs = IngestCatalogue(
        manifest=catalogue(tmp_path, ("a", "red"), ("b", "blue"), ("c", "absent")),
        max_failed_share=1,
        max_removed_share=0.5,
    )
    written = (IMAGES, IMAGE_BYTES, PICTURE_SOURCES, REJECTED_ROWS)
    context.run(JOB, knobs)
    before = [context.tables.version(table) for table in written]
    context.run(JOB, knobs)
    assert [context.tables.version(table) for table in written] == before
    catalogue(tmp_path, ("a", "red"))
    context.run(JOB, knobs)
    assert [context.tables.read(table).count() for table in written] == [1, 1, 1, 0]


def test_only_what_is_new_or_changed_is_taken_and_what_is_missing_keeps_its_row_for_a_while(
    context: Context, tmp_path: Path
) -> None:
    rows = [("a", "red"), ("b", "blue"), ("c", "green")]
    knobs = IngestCatalogue(manifest=catalogue(tmp_path, *rows), max_failed_share=0.2, grace_days=14)
    assert context.run(JOB, knobs).produced == {"looked_at": 3, "taken": 3, "missing": 0}
    first = {r.image_id: r.signature for r in context.tables.read(IMAGES).collect()}

    Image.new("RGB", (30, 20), "black").save(tmp_path / "blue.png")
    (tmp_path / "green.png").unlink()
    assert context.run(JOB, knobs).produced == {"looked_at": 0, "taken": 0, "missing": 0}  # nothing is due
    counts = replace(context, forced=True).run(JOB, knobs)
    assert (counts.kept, counts.produced) == (3, {"looked_at": 3, "taken": 1, "missing": 1})
    second = {r.image_id: r.signature for r in context.tables.read(IMAGES).collect()}
    assert [name for name in first if first[name] != second[name]] == ["b"]
    assert {r.signature for r in context.tables.read(IMAGE_BYTES).collect()} == set(second.values())

    later = replace(context, as_of=context.as_of + timedelta(days=14))
    with pytest.raises(TooManyFailedError, match="missing_file 1"):
        later.run(JOB, knobs)
    counts = later.run(JOB, replace(knobs, max_failed_share=0.5))
    assert (counts.kept, counts.failed, counts.produced["taken"]) == (2, {"missing_file": 1}, 0)
    assert [context.tables.read(t).count() for t in (IMAGES, IMAGE_BYTES, PICTURE_SOURCES)] == [2, 2, 2]


@pytest.mark.parametrize("cut_off", [(), (("a", "red"),)])
def test_a_manifest_that_came_empty_or_cut_off_deletes_nothing(
    context: Context, tmp_path: Path, cut_off: tuple[tuple[str, str], ...]
) -> None:
    whole = [(name, "red") for name in "abcde"]
    context.run(JOB, IngestCatalogue(manifest=catalogue(tmp_path, *whole)))
    written = [context.tables.version(table) for table in (IMAGES, IMAGE_BYTES, REJECTED_ROWS)]
    with pytest.raises(TooManyRemovedError, match=rf"names {len(cut_off)} of the 5 images in the catalogue"):
        context.run(JOB, IngestCatalogue(manifest=catalogue(tmp_path, *cut_off)))
    assert [context.tables.version(table) for table in (IMAGES, IMAGE_BYTES, REJECTED_ROWS)] == written
    kept = context.run(JOB, IngestCatalogue(manifest=catalogue(tmp_path, *whole[:4])))  # one of five may go
    assert kept.kept == 4


def test_too_many_failures_stop_the_job_before_the_catalogue_shrinks_and_leave_their_reasons(
    context: Context, tmp_path: Path
) -> None:
    context.run(JOB, IngestCatalogue(manifest=catalogue(tmp_path, ("a", "red"), ("b", "blue"))))
    with pytest.raises(TooManyFailedError, match="1 of 2 catalogue rows failed"):
        context.run(JOB, IngestCatalogue(manifest=catalogue(tmp_path, ("a", "red"), ("b", "absent"))))
    assert context.tables.read(IMAGES).count() == 2
    assert [r.row for r in context.tables.read(REJECTED_ROWS).collect()] == ["b"]


def test_knobs_that_cannot_be_are_named() -> None:
    with pytest.raises(ConfigError, match="needs exactly one group, not 2"):
        IngestCatalogue(split_key_pattern="(a)(b)")
    with pytest.raises(ConfigError, match="at least 28 pixels"):
        IngestCatalogue(longest_side=0)
    assert JOB.files(IngestCatalogue(manifest="/drop/manifest.csv")) == ("/drop/manifest.csv",)
