from datetime import date
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image, UnidentifiedImageError
from pyarrow.lib import ArrowInvalid

from geo_lib.demo.feeds.catalogue import manifest_rows, repeated_row
from geo_lib.demo.platform import FLAGS, NEWER_COLUMNS, PlatformSummary, simulate
from geo_lib.training.split import HeldOut, split_of

AS_OF = date(2026, 10, 30)
SEED = 5


def platform(folder: Path, images: int = 30) -> PlatformSummary:
    return simulate(folder, images=images, seed=SEED, days=12, as_of=AS_OF, processes=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("raw")


@pytest.fixture(scope="module")
def summary(folder: Path) -> PlatformSummary:
    return platform(folder)


def contents(folder: Path) -> dict[Path, tuple[int, bytes]]:
    return {p.relative_to(folder): (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}


def days(folder: Path) -> list[Path]:
    return sorted((folder / "search_console" / "searchdata_url_impression").iterdir())


def test_running_again_writes_nothing(folder: Path, summary: PlatformSummary) -> None:
    before = contents(folder)
    assert platform(folder) == summary
    assert contents(folder) == before


def test_a_smaller_platform_shows_the_first_images_of_a_larger_one(
    folder: Path, summary: PlatformSummary, tmp_path: Path
) -> None:
    small = platform(tmp_path, images=6)
    assert [p.signature for p in small.pins[:6]] == [p.signature for p in summary.pins[:6]]
    assert [p.image_id for p in small.pins[:6]] == [p.image_id for p in summary.pins[:6]]


def test_a_signature_is_the_hash_of_the_delivered_bytes(folder: Path, summary: PlatformSummary) -> None:
    for pin in summary.pins:
        if pin.signature:
            assert sha256((folder / pin.uri).read_bytes()).hexdigest() == pin.signature


def test_reserved_combinations_are_all_held_out(summary: PlatformSummary, tmp_path: Path) -> None:
    many = platform(tmp_path, images=60)
    novel = [pin for pin in many.pins if pin.novel_combination]
    assert novel
    assert {split_of(str(pin.signature), HeldOut()) for pin in novel} == {"held_out"}
    assert {split_of(pin.signature, HeldOut()) for pin in many.pins if pin.signature} == {"held_out", "train"}


def test_the_manifest_repeats_one_image_id_and_two_ids_share_a_picture(folder: Path, summary: PlatformSummary) -> None:
    table = pq.read_table(folder / "catalogue.parquet").to_pylist()
    ids = [row["image_id"] for row in table]
    assert len(ids) - len(set(ids)) == 1
    assert ids.count(repeated_row(summary.pins).image_id) == 2
    assert summary.signatures < summary.images
    assert table == [dict(row) for row in manifest_rows(summary.pins)]


def test_broken_files_cannot_be_decoded_and_all_others_can(folder: Path, summary: PlatformSummary) -> None:
    assert summary.broken_files == 2
    for pin in summary.pins:
        if pin.signature is None:
            with pytest.raises((UnidentifiedImageError, OSError)):
                Image.open(folder / pin.uri).load()
        else:
            with Image.open(folder / pin.uri) as image:
                image.load()
                assert max(image.size) == 480


def test_a_quarter_of_the_pictures_is_new_and_has_no_console_row_and_twins_are_new_together(tmp_path: Path) -> None:
    many = platform(tmp_path, images=120)
    seen = [pin for pin in many.pins if pin.signature]
    new = {pin.signature for pin in seen if pin.created_at.date() > many.last_day}
    assert 0.12 < len(new) / many.signatures < 0.38
    assert new.isdisjoint(pin.signature for pin in seen if pin.created_at.date() <= many.last_day)
    readable = [day for day in days(tmp_path) if day.name != f"data_date={many.malformed_day}"]
    told = {url for day in readable for url in pq.read_table(day / "part-0.parquet")["url"].to_pylist()}
    assert told.isdisjoint(pin.page_url for pin in seen if pin.signature in new)
    assert {pin.page_url for pin in seen if pin.signature not in new} <= told


def test_titles_tell_the_picture_for_half_of_the_images_at_most(summary: PlatformSummary) -> None:
    telling = [
        pin.title is not None and pin.latent.kind.replace("_", " ") in pin.title.lower()
        for pin in summary.pins
        if pin.latent and pin.locale == "en"
    ]
    assert sum(telling) / len(telling) < 0.6


def test_every_day_has_the_columns_of_the_export_and_later_days_have_more(
    folder: Path, summary: PlatformSummary
) -> None:
    good = [day for day in days(folder) if day.name != f"data_date={summary.malformed_day}"]
    assert len(good) == 12
    first, last = (pq.ParquetFile(day / "part-0.parquet").schema_arrow.names for day in (good[0], good[-1]))
    keys = ["site_url", "url", "query", "is_anonymized_query", "is_anonymized_discover"]
    assert first[:8] == [*keys, "country", "search_type", "device"]
    assert first[8:] == [*FLAGS, "impressions", "clicks", "sum_position"]
    assert set(last) - set(first) == {name for name, _ in NEWER_COLUMNS}


def test_a_query_is_null_exactly_where_it_was_anonymised(folder: Path, summary: PlatformSummary) -> None:
    table = pq.ParquetFile(days(folder)[-1] / "part-0.parquet").read()
    assert table["query"].is_null().to_pylist() == table["is_anonymized_query"].to_pylist()
    assert 0 < sum(table["is_anonymized_query"].to_pylist()) < table.num_rows


def test_one_day_cannot_be_read_and_one_was_exported_twice(folder: Path, summary: PlatformSummary) -> None:
    with pytest.raises(ArrowInvalid, match="magic bytes"):
        pq.ParquetFile(days(folder)[0] / "part-0.parquet")
    log = pq.read_table(folder / "search_console" / "ExportLog" / "part-0.parquet").to_pylist()
    versions = [row["epoch_version"] for row in log if row["data_date"] == summary.corrected_day]
    assert versions == [0, 1]
    assert {f"data_date={row['data_date']}" for row in log} == {day.name for day in days(folder)}


def test_the_rows_of_all_days_are_the_rows_that_were_counted(folder: Path, summary: PlatformSummary) -> None:
    rows = sum(pq.ParquetFile(day / "part-0.parquet").metadata.num_rows for day in days(folder)[1:])
    assert rows == summary.console_rows


def test_days_of_an_earlier_run_that_are_no_longer_told_of_are_gone(summary: PlatformSummary, tmp_path: Path) -> None:
    platform(tmp_path, images=4)
    stale = tmp_path / "search_console" / "searchdata_url_impression" / "data_date=2020-01-01"
    stale.mkdir()
    platform(tmp_path, images=4)
    assert not stale.exists()
