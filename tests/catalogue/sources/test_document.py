"""Documents that come from anywhere."""

import gzip
from pathlib import Path

import pytest

from geo_lib.catalogue.sources import document
from geo_lib.catalogue.sources.document import looks_like_xml, name, read_document, text, texts, xml
from geo_lib.catalogue.web import Web
from geo_lib.errors import InputError

LAUGHS = b"""<!DOCTYPE a [<!ENTITY l "ha"><!ENTITY m "&l;&l;&l;&l;&l;&l;&l;&l;">]><a>&m;</a>"""
INSIDE = b"""<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>"""


@pytest.mark.parametrize("data", [LAUGHS, INSIDE])
def test_entities_are_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="entities of its own"):
        xml(data, what="feed.xml")


@pytest.mark.parametrize(
    "data",
    [b"", b"<a>", b"<a></b>", b"<a>\xff</a>", b"<a>" * 40 + b"</a>" * 40, b'<?xml version="1.0" encoding="x"?><a/>'],
)
def test_what_is_not_well_formed_or_too_deep_is_one_sentence(data: bytes) -> None:
    with pytest.raises(InputError, match=r"feed\.xml is not well-formed XML"):
        xml(data, what="feed.xml")


def test_names_are_known_without_their_namespace_and_blank_text_is_none() -> None:
    root = xml(b'<r xmlns:g="urn:g"><g:Id> 7 </g:Id><id/><id>8</id></r>', what="x")
    assert (name(root), texts(root, "id"), text(root, "link")) == ("r", ["7", "8"], None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_xml_is_known_by_its_first_characters(encoding: str) -> None:
    data = '<?xml version="1.0"?><a/>'.encode(encoding)
    assert looks_like_xml(data)
    assert not looks_like_xml("id\tlink".encode(encoding))


def test_a_zipped_document_is_unzipped_within_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sitemap.xml.gz"
    path.write_bytes(gzip.compress(b"<a/>"))
    assert read_document(str(path), web=Web()) == b"<a/>"
    monkeypatch.setattr(document, "MAX_BYTES", 1000)
    path.write_bytes(gzip.compress(b"x" * 100_000))
    with pytest.raises(InputError, match="unpacks to more than 1,000 bytes"):
        read_document(str(path), web=Web())
    path.write_bytes(b"x" * 1001)
    with pytest.raises(InputError, match="has 1,001 bytes"):
        read_document(str(path), web=Web())
    path.write_bytes(gzip.compress(b"<a/>")[:-4])
    with pytest.raises(InputError, match="cut off"):
        read_document(str(path), web=Web())


def test_a_document_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file or folder"):
        read_document(str(tmp_path / "none.xml"), web=Web())
    with pytest.raises(InputError, match="no address of the public internet"):
        read_document("http://127.0.0.1:1/sitemap.xml", web=Web(tries=1))
