"""What a trainer looks up by key, on disk."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from geo_lib.spark import local_frame
from geo_lib.training.shards import Shards, _written, shards


@pytest.mark.transform
def test_every_row_is_found_by_its_key_in_files_no_larger_than_was_asked_for(
    spark: SparkSession, tmp_path: Path
) -> None:
    contents = {f"k{n}": bytes([n]) * (n + 1) for n in range(20)}
    rows = [(key, bytearray(content), "x") for key, content in contents.items()]
    df = local_frame(spark, rows, "id string, b binary, other string").repartition(3)
    images = shards(df, tmp_path, key="id", content="b", most_bytes=50)
    assert dict(images) == contents
    assert len(list(tmp_path.iterdir())) >= 3, "210 bytes, in files of 50 and at most one more row"
    assert "k3" in images
    assert "k20" not in images


def test_no_rows_make_no_file_and_an_empty_mapping(spark: SparkSession, tmp_path: Path) -> None:
    images = shards(local_frame(spark, [], "id string, b binary"), tmp_path, key="id", content="b")
    assert len(images) == 0
    assert list(tmp_path.iterdir()) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(st.lists(st.dictionaries(st.text(max_size=5), st.binary(max_size=30), min_size=1, max_size=5), max_size=4))
def test_a_key_gives_what_was_written_under_it_in_whatever_file(tmp_path: Path, parts: list[dict[str, bytes]]) -> None:
    files = [_written(list(part.items()), tmp_path / f"{n}.arrow") for n, part in enumerate(parts)]
    assert dict(Shards(files)) == {key: content for part in parts for key, content in part.items()}
