"""What images are called."""

import pytest
from pyspark.sql import SparkSession

from geo_lib.catalogue.names import image_names
from schemas.image_annotations import IMAGE_ANNOTATIONS
from schemas.images import IMAGES
from tests.builders import build

pytestmark = pytest.mark.transform


def test_an_image_is_called_by_what_is_to_be_seen_before_what_its_owner_wrote(spark: SparkSession) -> None:
    images = build(
        IMAGES,
        spark,
        {"image_id": "both", "title": " Love \n this "},
        {"image_id": "untitled", "title": "  "},
        {"image_id": "unknown", "title": "Oak"},
        {"image_id": "boarded", "board_title": "Tables"},
        {"image_id": "nothing", "title": "\u200b\u00a0"},
    )
    annotations = build(
        IMAGE_ANNOTATIONS,
        spark,
        {"image_id": "both", "rank": 1, "query": "dinner party", "category": "use_case"},
        {"image_id": "both", "rank": 2, "query": "eiche tisch", "category": "description"},
        {"image_id": "untitled", "rank": 1, "query": "farmhouse", "category": "style"},
    )
    names = {r.image_id: (r.name, r.title) for r in image_names(images, annotations).collect()}
    assert names == {
        "both": ("Eiche tisch", "Love this"),
        "untitled": ("Farmhouse", None),
        "unknown": ("Oak", "Oak"),
        "boarded": ("Tables", None),
        "nothing": (None, None),
    }


def test_a_name_begins_with_a_capital_where_its_script_and_language_have_one(spark: SparkSession) -> None:
    said = {
        "de": "ölbild",
        "tr": "ince vazo",
        "tr-TR": "ışık",
        "en": "ink",
        "ka": "წითელი",
        "ar": "غرفة",
        "nl": "ijs",
        "el": "ώρα",
    }
    images = build(IMAGES, spark, *({"image_id": locale, "locale": locale} for locale in said))
    annotations = build(
        IMAGE_ANNOTATIONS, spark, *({"image_id": locale, "rank": 1, "query": text} for locale, text in said.items())
    )
    names = {r.image_id: r.name for r in image_names(images, annotations).collect()}
    assert names == {
        "de": "Ölbild",
        "tr": "İnce vazo",
        "tr-TR": "Işık",
        "en": "Ink",
        "ka": "წითელი",
        "ar": "غرفة",
        "nl": "Ijs",
        "el": "Ώρα",
    }
