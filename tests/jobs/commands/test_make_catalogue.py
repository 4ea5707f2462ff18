"""From what people have to a manifest that the ingest takes."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from geo_lib.catalogue.manifest import MANDATORY, OPTIONAL
from jobs.cli import main
from tests.catalogue.sources.test_feed import RSS


def test_a_feed_becomes_a_manifest_that_the_ingest_takes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "feed.xml").write_text(RSS.replace("</item>", "</item><item><title>Nothing</title></item>"))
    to = tmp_path / "made" / "catalogue.parquet"
    assert main(["make-catalogue", str(tmp_path / "feed.xml"), "--locale", "de_AT", "--to", str(to)]) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert "2 of 3 pictures (no_id 1)" in said
    written = pq.read_table(to)
    assert set(MANDATORY) <= set(written.column_names) <= {*MANDATORY, *OPTIONAL}
    rows = written.to_pylist()
    assert {(r["title"], r["locale"]) for r in rows} == {("Oak chair", "de-AT")}
    assert [r["uri"] for r in rows] == ["https://cdn.test/1.jpg", "https://cdn.test/2.jpg"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--locale", "german!"], "must begin with a language's code"),
        (["--locale", "de", "--site-url", "shop.test"], "must begin with https://"),
        (["--locale", "de", "--to", "catalogue.csv"], "name a .parquet file"),
        (["--locale", "de"], "names no picture"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    (tmp_path / "feed.xml").write_text("<rss/>")
    assert main(["make-catalogue", str(tmp_path / "feed.xml"), *arguments]) > 0
    assert sentence in " ".join(capfd.readouterr().out.split())
    assert not (tmp_path / "catalogue.parquet").exists()
