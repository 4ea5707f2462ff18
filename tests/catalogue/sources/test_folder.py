"""Pictures that say what they are, by their notes or their names."""

import io
from pathlib import Path

import pytest
from PIL import Image

from geo_lib.catalogue.sources.folder import folder_pictures, words_of
from geo_lib.catalogue.sources.found import Found, LeftOut

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Description><dc:title><rdf:Alt><rdf:li xml:lang="x-default">Oak chair
</rdf:li><rdf:li xml:lang="de-DE">Eichenstuhl</rdf:li></rdf:Alt></dc:title><dc:creator><rdf:Seq><rdf:li>Ada</rdf:li>
</rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>"""


def jpeg(path: Path, **options: object) -> None:
    Image.new("RGB", (8, 8), "red").save(path, "JPEG", **options)


def iptc(path: Path, title: bytes) -> None:
    """A JPEG with an IPTC title, in the block that Photoshop keeps it in."""
    record = b"\x1c\x02\x05" + len(title).to_bytes(2, "big") + title
    block = b"8BIM\x04\x04\0\0" + len(record).to_bytes(4, "big") + record + b"\0" * (len(record) % 2)
    content = b"Photoshop 3.0\0" + block
    plain = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(plain, "JPEG")
    segment = b"\xff\xed" + (len(content) + 2).to_bytes(2, "big") + content
    path.write_bytes(plain.getvalue()[:2] + segment + plain.getvalue()[2:])


@pytest.mark.parametrize(
    ("stem", "words"),
    [
        ("red-armchair_02", "red armchair"),
        ("Gro%C3%9Fer+Stuhl", "Großer Stuhl"),
        ("IMG_1234", None),
        ("DSC00042", None),
        ("photo", None),
        ("3f2a9c1be07d", None),
        ("20261030", None),
        ("oak desk 1024x768", "oak desk"),
        ("椅子", "椅子"),
    ],
)
def test_a_files_name_in_words(stem: str, words: str | None) -> None:
    assert words_of(stem) == words


def test_a_title_comes_from_xmp_in_the_pages_language_else_from_iptc_else_from_the_name(tmp_path: Path) -> None:
    (tmp_path / "chairs").mkdir()
    jpeg(tmp_path / "chairs" / "a b.jpg", xmp=XMP.encode())
    iptc(tmp_path / "b.jpg", "Bücherregal".encode())
    iptc(tmp_path / "c.jpg", "Bücherregal".encode("latin-1"))
    jpeg(tmp_path / "oak-desk.jpg")
    jpeg(tmp_path / "broken-xmp.jpg", xmp=b"<x:xmpmeta")
    (tmp_path / "notes.txt").write_text("no picture")

    def titles(locale: str) -> dict[str, str | None]:
        found = folder_pictures(str(tmp_path), site_url="https://shop.test/", locale=locale)
        return {one.image_id: one.title for one in found if isinstance(one, Found)}

    assert titles("de-AT") == {
        "chairs/a b.jpg": "Eichenstuhl",
        "b.jpg": "Bücherregal",
        "c.jpg": "Bücherregal",
        "oak-desk.jpg": "oak desk",
        "broken-xmp.jpg": "broken xmp",
    }
    assert titles("fr")["chairs/a b.jpg"] == "Oak chair"
    found = list(folder_pictures(str(tmp_path), site_url="https://shop.test/", locale="en"))
    (chair,) = [one for one in found if isinstance(one, Found) and one.creator]
    assert (chair.creator, chair.page_url) == ("Ada", "https://shop.test/chairs/a%20b")
    assert chair.uri == str(tmp_path / "chairs" / "a b.jpg")
    assert [(one.where, one.reason) for one in found if isinstance(one, LeftOut)] == [("notes.txt", "not_a_picture")]
