import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from geo_lib.catalogue.manifest import catalogue_rows, image_bytes, images, read, unknown_columns, with_pictures
from geo_lib.errors import InputError
from geo_lib.spark import local_frame

pytestmark = pytest.mark.transform

NOON = datetime(2026, 10, 1, 12)  # noqa: DTZ001 -- Spark gives UTC without saying so
MANIFEST = "/drop/manifest.csv"
COLUMNS = "image_id string, uri string, page_url string, locale string"
PICTURES = (
    "uri string, signature string, bytes binary, width int, height int, format string, reason string, detail string"
)


def rows_of(spark: SparkSession, *rows: Any) -> Any:
    return catalogue_rows(local_frame(spark, list(rows), COLUMNS), manifest=MANIFEST)


def pictures_of(spark: SparkSession, **signatures: Any) -> Any:
    rows = [
        (f"/drop/{uri}", s, bytearray(b"x"), 1, 1, "PNG", None, None)
        if s
        else (f"/drop/{uri}", None, None, None, None, None, "missing_file", "gone")
        for uri, s in signatures.items()
    ]
    return local_frame(spark, rows, PICTURES)


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
        "k": "iw_IL",
        "l": "jp",
        "m": "en-EU",
    }
    rows = rows_of(spark, *((i, f"{i}.png", "p", locale) for i, locale in spelled.items()))
    found = {r.row: r for r in rows.collect()}
    kept = {"a": "de-DE", "b": "en", "c": "zh-Hant-TW", "g": "en", "h": "en-US", "i": "zh-Hant-TW", "k": "he-IL"}
    assert {i: r.locale for i, r in found.items() if r.reason is None} == kept
    assert {found[i].reason for i in "deflm"} == {"unknown_locale"}
    assert str(found["l"].detail).startswith("the locale is jp, which is the country Japan; it must begin with a lang")
    assert found["m"].detail == "the locale is en-EU; there is no region EU: write one as in de-AT or es-419"


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


def columns_of(spark: SparkSession, **values: list[Any]) -> Any:
    """Rows with these columns, as catalogue_rows sees them by image_id; others are fine."""
    n = len(next(iter(values.values())))
    fine = {"image_id": [str(i) for i in range(n)], "uri": ["a.png"] * n, "page_url": ["p"] * n, "locale": ["en"] * n}
    table = pa.table(fine | values)
    frame = spark.createDataFrame(table)
    return {r.row: r for r in catalogue_rows(frame, manifest=MANIFEST).collect()}


def test_ids_that_came_as_floating_point_numbers_are_whole_again_or_rejected(spark: SparkSession) -> None:
    numbers = [16302.0, 123456789012.0, 1.5, 1e20, float("nan"), None]
    found = columns_of(spark, image_id=pa.array(numbers, pa.float64(), from_pandas=False))
    assert {row for row, r in found.items() if r.reason is None} == {"16302", "123456789012"}
    assert [found[row].reason for row in ("1.5", "1.0E20")] == ["floating_point_image_id"] * 2
    assert {found[f"manifest.csv#{n}"].reason for n in (1, 2)} == {"missing_image_id"}
    # a float of 32 bits has gaps between whole numbers from 2^24 on
    found = columns_of(spark, image_id=pa.array([16302.0, 16777216.0], pa.float32()))
    assert {row: r.reason for row, r in found.items()} == {"16302": None, "1.6777216E7": "floating_point_image_id"}


@pytest.mark.parametrize(
    ("given_as", "ids"),
    [
        (["16302.0", None, "12"], {"16302", "12"}),
        (["1.0", "1.1", "12E4"], {"1.0", "1.1", "12E4"}),
        (["12E4", "12F4", "007"], {"12E4", "12F4", "007"}),
        (["1.23457E+11", "12.0"], {"12"}),
    ],
)
def test_ids_as_text_lose_a_fraction_only_where_all_are_whole_numbers(
    spark: SparkSession, given_as: list[str | None], ids: set[str]
) -> None:
    found = columns_of(spark, image_id=given_as)
    assert {row for row, r in found.items() if r.reason is None} == ids


def test_a_number_of_time_is_read_by_its_size_and_what_names_no_time_is_rejected(spark: SparkSession) -> None:
    times = ["1790856000", "1790856000000", "1790856000000000", "1790856000000000000", "1790856000.0", "1.790856E9"]
    times += ["2026-10-01T12:00:00", "2026-10-01 14:00:00+02:00", "2026-10-01T12:00Z", "2026-10-01T14:00:00+0200"]
    wrong = ["yesterday", "45000", "20261001", "01.10.2026", "12:00", "0", "99999999999999999999"]
    found = columns_of(spark, created_at=[*times, *wrong, " ", None, "2026"])
    assert [found[str(i)].created_at for i in range(len(times))] == [NOON] * len(times)
    assert [found[str(len(times) + i)].reason for i in range(len(wrong))] == ["unknown_time"] * len(wrong)
    assert str(found[str(len(times))].detail).startswith("created_at is yesterday; it must be a time such as 2026")
    others = [found[str(len(times) + len(wrong) + i)] for i in range(3)]
    assert [(r.created_at, r.reason) for r in others] == [(None, None), (None, None), (datetime(2026, 1, 1), None)]  # noqa: DTZ001


def test_numbers_of_time_are_read_from_columns_of_numbers_too(spark: SparkSession) -> None:
    for kind in (pa.int64(), pa.float64()):
        found = columns_of(spark, created_at=pa.array([1790856000, None]).cast(kind))
        assert [found[row].created_at for row in "01"] == [NOON, None]


def test_blanks_around_values_are_cut_and_pages_have_one_spelling(spark: SparkSession) -> None:
    found = columns_of(
        spark,
        image_id=["p7 ", "p8"],
        uri=[" 7.png", "\u00a08.png\u200b"],
        page_url=["https://Shop.example:443/vase-grün/ ", "\u200b"],
        title=[" Vase \u00a0", "\ufeffVase"],
    )
    assert found["p7"].uri == "/drop/7.png"
    assert found["p7"].page_url == "https://shop.example/vase-gr%C3%BCn/"
    assert (found["p8"].uri, found["p8"].reason) == ("/drop/8.png", "missing_page_url")
    assert [found[row].title for row in ("p7", "p8")] == ["Vase", "Vase"]


def test_a_title_in_which_nothing_is_to_be_seen_is_none_and_control_characters_are_taken_out(
    spark: SparkSession,
) -> None:
    unseen = [" ", "\u00a0", "\u3000", "\u200b", "\u2060\ufe0f", "\u3164", "\u2800", "\u00ad", "\b\0", "\u200e\u202e"]
    seen = ["Vase\bmit\x9b", "Vase\nrot", "🌻", "❤\ufe0f", "N/A", "Kids&#39; room", "นํ้า", "ک\u200cتاب", "\u0301x"]
    found = columns_of(spark, title=[*unseen, *seen])
    assert [found[str(i)].title for i in range(len(unseen))] == [None] * len(unseen)
    told = [found[str(len(unseen) + i)].title for i in range(len(seen))]
    assert told == ["Vasemit", *seen[1:]]


def test_a_row_of_parquet_whose_text_is_no_utf8_is_rejected_by_its_column(spark: SparkSession) -> None:
    found = columns_of(spark, title=pa.array([b"Vase", "Grün".encode("cp1252")], pa.binary()))
    assert (found["0"].title, found["0"].reason) == ("Vase", None)
    assert (found["1"].reason, found["1"].detail) == ("malformed_row", "title is not UTF-8")


HEADINGS = "image_id,uri,page_url,locale,title"


@pytest.mark.parametrize(
    ("suffix", "encoding"),
    [("csv", "latin-1"), ("csv.gz", "cp1252"), ("jsonl", "utf-16"), ("jsonl.gz", "utf-16-le"), ("csv", "utf-32")],
)
def test_text_that_is_not_utf8_is_refused_by_its_line(
    spark: SparkSession, tmp_path: Path, suffix: str, encoding: str
) -> None:
    lines = [HEADINGS, *(f"{i},a.png,p,en,{'x' * 60}" for i in range(20_000)), "z,a.png,p,de,Grün"]
    data = "\n".join(lines).encode(encoding)
    path = tmp_path / f"manifest.{suffix}"
    path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    line = "20,002" if encoding in ("latin-1", "cp1252") else "1"
    with pytest.raises(InputError, match=rf"is not UTF-8, which its line {line} shows; save it as UTF-8"):
        read(spark, str(path))


def test_a_row_of_other_than_the_headings_fields_is_rejected_by_its_line(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "manifest.csv"
    path.write_text(
        f'{HEADINGS}\n1,1.png,p,de,Vase, rot\n2,2.png,p,de,"Vase, ""rot""\nund alt"\n3,3.png,p,de\n\n'
        '4,4.png,p,de,Vase 24" hoch\n5,5.png,p,de,"Vase" rot\n6,6.png,p,de,"Vase\n7,7.png,p,de,Tisch\n'
    )
    delivered = read(spark, str(path))
    found = {r.row: r for r in catalogue_rows(delivered, manifest=str(path)).collect()}
    assert {row: r.title for row, r in found.items() if r.reason is None} == {
        "2": 'Vase, "rot"\nund alt',
        "4": 'Vase 24" hoch',
        "7": "Tisch",
    }
    rejected = [r for r in found.values() if r.reason is not None]
    assert {r.reason for r in rejected} == {"malformed_row"}
    assert {r.detail.split(";")[0] for r in rejected} == {
        "line 2 has 6 fields under 5 headings",
        "line 5 has 4 fields under 5 headings",
        "line 8 has a quote that nothing closes, or text beside a quoted value",
        "line 9 has a quote that nothing closes, or text beside a quoted value",
    }
    assert delivered.count() == len(found) == 7


def test_a_line_that_is_no_json_is_rejected_by_what_it_says(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text('{"image_id": 16302.0, "uri": "a.png", "page_url": "p", "locale": "en"}\n{"image_id": 7, \n')
    found = {r.row: r for r in catalogue_rows(read(spark, str(path)), manifest=str(path)).collect()}
    assert found["16302"].reason is None
    assert (found["manifest.jsonl#1"].reason, found["manifest.jsonl#1"].detail) == (
        *("malformed_row", 'no JSON object: {"image_id": 7, '),
    )


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_every_character_of_a_manifests_name_is_part_of_it(spark: SparkSession, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"catalogue [final] {{v*2}}?.{suffix}"
    row = {"image_id": "a", "uri": "a.png", "page_url": "p", "locale": "en"}
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist([row]), path)
    else:
        path.write_text(json.dumps(row) if suffix == "jsonl" else "image_id;uri;page_url;locale\na;a.png;p;en\n")
    assert [r.image_id for r in read(spark, str(path)).collect()] == ["a"]


def test_a_folder_of_csv_is_one_manifest_and_each_file_has_its_own_headings(
    spark: SparkSession, tmp_path: Path
) -> None:
    folder = tmp_path / "manifest.csv"
    folder.mkdir()
    (folder / "1.csv").write_text("\ufeffimage_id,uri,page_url,locale\na,a.png,p,en\n")
    (folder / "2.csv").write_text("locale,title,image_id,uri,page_url\nde,Vase,b,b.png,p\n")
    found = {r.image_id: (r.locale, r.title) for r in read(spark, str(folder)).collect()}
    assert found == {"a": ("en", None), "b": ("de", "Vase")}


def test_a_column_named_twice_and_one_of_objects_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("image_id,uri,page_url,locale,title,title\n")
    with pytest.raises(InputError, match="several columns named title"):
        read(spark, str(tmp_path / "m.csv"))
    (tmp_path / "m.jsonl").write_text(
        '{"image_id": 1, "uri": "a", "page_url": "p", "locale": "en", "title": {"en": 1}}'
    )
    with pytest.raises(InputError, match="lists or objects in title"):
        read(spark, str(tmp_path / "m.jsonl"))
