"""Which kind a source is, and the balance of what it gave."""

from pathlib import Path

import pytest

from geo_lib.catalogue.sources.catalogue import images_of, sorted_out
from geo_lib.catalogue.sources.found import Found, LeftOut
from geo_lib.catalogue.web import Web
from geo_lib.errors import InputError


def test_an_id_stands_once_and_whatever_came_is_accounted_for() -> None:
    one, other = Found("1", "https://x.test/a.jpg", "https://x.test/a"), Found("1", "https://x.test/b.jpg", "p")
    rows, left, counts = sorted_out([one, one, other, LeftOut("x", "no_id")])
    assert rows == [one]
    assert (counts.rows_in, counts.kept, counts.dropped) == (4, 1, {"repeated": 1})
    assert counts.failed == {"repeated_id": 1, "no_id": 1}
    assert [one.reason for one in left] == ["repeated_id", "no_id"]


def test_a_source_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<html></html>")
    (tmp_path / "words.txt").write_text("a few words")
    for source, sentence in {
        "page.html": "is <html>; it must be a sitemap",
        "words.txt": "neither XML nor a tab-separated product feed",
        "absent": "there is no file or folder",
        ".": "give --site-url",
    }.items():
        with pytest.raises(InputError, match=sentence):
            list(images_of(str(tmp_path / source), locale="en", site_url=None, web=Web()))
