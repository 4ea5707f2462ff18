from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from geo_lib.catalogue.manifest import catalogue_rows, image_bytes, images, read, unknown_columns, with_pictures
from geo_lib.errors import InputError

pytestmark = pytest.mark.transform

NOON = datetime(2026, 10, 1, 12)  # noqa: DTZ001 -- Spark gives UTC without saying so
MANIFEST = "/drop/manifest.csv"
COLUMNS = "image_id string, uri string, page_url string, locale string"
PICTURES = (
    "uri string, signature string, bytes binary, width int, height int, format string, reason string, detail string"
)


def rows_of(spark: SparkSession, *rows: Any) -> Any:
    return catalogue_rows(spark.createDataFrame(list(rows), COLUMNS), manifest=MANIFEST)


def pictures_of(spark: SparkSession, **signatures: Any) -> Any:
    rows = [
        (f"/drop/{uri}", s, bytearray(b"x"), 1, 1, "PNG", None, None)
        if s
        else (f"/drop/{uri}", None, None, None, None, None, "missing_file", "gone")
        for uri, s in signatures.items()
    ]
    return spark.createDataFrame(rows, PICTURES)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_manifest_reads_alike_in_every_format_even_with_a_column_of_nulls(
    spark: SparkSession, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"manifest.{suffix}"
    if suffix == "csv":
        path.write_text(
            "image_id,uri,page_url,locale,title,description,created_at,stars\n"
            '007,a.png,https://p.test/1,de,"Stuhl, ""rot""\nund alt",,2026-10-01T12:00:00,5\n'
        )
    elif suffix == "jsonl":
        path.write_text(
            '{"image_id": "007", "uri": "a.png", "page_url": "https://p.test/1", "locale": "de", "description": null, '
            '"title": "Stuhl, \\"rot\\"\\nund alt", "created_at": "2026-10-01T12:00:00", "stars": 5}\n'
        )
    else:
        row: dict[str, Any] = {
            "image_id": "007",
            "uri": "a.png",
            "page_url": "https://p.test/1",
            "locale": "de",
            "description": None,
        }
        row |= {"title": 'Stuhl, "rot"\nund alt', "created_at": NOON, "stars": 5}
        pq.write_table(pa.Table.from_pylist([row]), path)
    delivered = read(spark, str(path))
    assert unknown_columns(delivered) == ["stars"]
    (found,) = catalogue_rows(delivered, manifest=str(path)).collect()
    assert (found.image_id, found.uri, found.title) == ("007", f"{tmp_path}/a.png", 'Stuhl, "rot"\nund alt')
    assert (found.description, found.creator, found.reason) == (None, None, None)
    assert found.created_at == NOON


def test_a_manifest_without_a_mandatory_column_is_refused_with_what_it_has(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text("image_id,url\n1,a.png\n")
    with pytest.raises(InputError, match=r"lacks uri, page_url, locale.*it has image_id, url"):
        read(spark, str(path))


def test_a_manifest_of_another_kind_or_none_at_all_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.parquet, \.csv or \.jsonl"):
        read(spark, str(tmp_path / "manifest.xlsx"))
    with pytest.raises(InputError, match="cannot be read"):
        read(spark, str(tmp_path / "manifest.csv"))


def test_relative_addresses_start_at_the_manifest_and_others_stay(spark: SparkSession) -> None:
    rows = rows_of(
        spark, ("a", "x/a.png", "p", "en"), ("b", "/abs/b.png", "p", "en"), ("c", "s3://bucket/c.png", "p", "en")
    )
    assert [r.uri for r in rows.orderBy("image_id").collect()] == ["/drop/x/a.png", "/abs/b.png", "s3://bucket/c.png"]


def test_the_first_of_a_repeated_image_id_stays_whatever_the_order_of_the_manifest(spark: SparkSession) -> None:
    delivered = [
        ("a", "2.png", "p", "en"),
        ("a", "1.png", "q", "en"),
        ("a", "1.png", "p", "en"),
        ("b", "3.png", "p", "en"),
    ]
    for order in (delivered, delivered[::-1]):
        found = rows_of(spark, *order).orderBy("row").collect()
        assert [(r.row, r.uri, r.page_url, r.reason) for r in found] == [
            ("a", "/drop/1.png", "p", None),
            ("a#2", "/drop/1.png", "q", "duplicate_image_id"),
            ("a#3", "/drop/2.png", "p", "duplicate_image_id"),
            ("b", "/drop/3.png", "p", None),
        ]


def test_a_complete_row_is_not_displaced_by_an_incomplete_one_of_its_image_id(spark: SparkSession) -> None:
    rows = rows_of(spark, ("a", "1.png", None, "en"), ("a", "2.png", "p", "en"), ("a", None, "p", "en"))
    found = {r.row: (r.uri, r.reason) for r in rows.collect()}
    assert found["a"] == ("/drop/2.png", None)
    assert {reason for row, (_, reason) in found.items() if row != "a"} == {"duplicate_image_id"}


def test_a_locale_is_spelled_one_way_and_one_that_is_none_is_rejected(spark: SparkSession) -> None:
    spelled = {
        "a": "de_DE",
        "b": " en ",
        "c": "zh-Hant-TW",
        "h": "EN-us",
        "i": "ZH_HANT-tw",
        "d": "../..",
        "e": "en/us",
        "f": "e",
        "g": "en\n",
    }
    rows = rows_of(spark, *((i, f"{i}.png", "p", locale) for i, locale in spelled.items()))
    found = {r.row: r for r in rows.collect()}
    kept = {"a": "de-DE", "b": "en", "c": "zh-Hant-TW", "h": "en-US", "i": "zh-Hant-TW"}
    assert {i: r.locale for i, r in found.items() if r.reason is None} == kept
    assert {found[i].reason for i in "defg"} == {"malformed_locale"}
    assert found["d"].detail == "the locale is ../..; it must be a language tag such as en or de-AT"


def test_a_row_without_a_mandatory_value_is_rejected_by_name(spark: SparkSession) -> None:
    rows = rows_of(
        spark, (None, "1.png", "p", "en"), (" ", "2.png", "p", "en"), ("c", "3.png", None, "en"), ("d", "", "p", "en")
    )
    assert {(r.row, r.reason) for r in rows.collect()} == {
        ("manifest.csv#1", "missing_image_id"),
        ("manifest.csv#2", "missing_image_id"),
        ("c", "missing_page_url"),
        ("d", "missing_uri"),
    }


def test_every_row_is_accepted_with_a_signature_or_rejected_with_a_reason(spark: SparkSession) -> None:
    rows = rows_of(spark, ("a", "a.png", "p", "en"), ("b", "b.png", "p", "en"), ("c", "a.png", None, "en"))
    judged = with_pictures(rows, pictures_of(spark, **{"a.png": "A", "b.png": None}))
    assert {(r.row, r.signature, r.reason) for r in judged.collect()} == {
        ("a", "A", None),
        ("b", None, "missing_file"),
        ("c", None, "missing_page_url"),
    }


def test_rows_of_one_content_share_one_split_key_and_its_bytes_are_stored_once(spark: SparkSession) -> None:
    rows = rows_of(
        spark,
        ("fluent-cat", "1.png", "p", "en"),
        ("noto-ant", "2.png", "q", "en"),
        ("noto-cat", "3.png", "r", "en"),
        ("odd", "4.png", "s", "en"),
    )
    pictures = pictures_of(spark, **{"1.png": "A", "2.png": "A", "3.png": "B", "4.png": "C"})
    judged = with_pictures(rows, pictures)
    by_thing = {r.image_id: r.split_key for r in images(judged, split_key_pattern="^[a-z]+-(.+)$").collect()}
    # the pattern names no thing in "odd": its content stands for itself
    assert by_thing == {"fluent-cat": "ant", "noto-ant": "ant", "noto-cat": "cat", "odd": "C"}
    assert {r.image_id: r.split_key for r in images(judged).collect()}["fluent-cat"] == "A"
    assert sorted(r.signature for r in image_bytes(judged, pictures).collect()) == ["A", "B", "C"]
