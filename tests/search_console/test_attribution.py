from typing import Any

import pytest
from pyspark.sql import SparkSession

from geo_lib.addresses import normal
from geo_lib.search_console.attribution import image_attribution
from schemas.images import IMAGES
from tests.builders import build

pytestmark = pytest.mark.transform


def attributed(spark: SparkSession, *images: Any) -> Any:
    built = build(IMAGES, spark, *images)
    return {(r.page_url, r.signature): r.attribution for r in image_attribution(built).collect()}


def test_a_page_that_shows_one_content_speaks_of_it_even_under_two_image_ids(spark: SparkSession) -> None:
    rows = [{"image_id": "a", "signature": "A", "page_url": "p"}, {"image_id": "b", "signature": "A", "page_url": "p"}]
    assert attributed(spark, *rows) == {("p", "A"): "unique_page_image"}


def test_of_several_contents_the_one_that_the_address_names_is_primary_and_alone(spark: SparkSession) -> None:
    page = "https://pins.test/pin/a/?utm=1#top"
    rows = [
        {"image_id": "a", "signature": "A", "page_url": page},
        {"image_id": "b", "signature": "B", "page_url": page},
    ]
    assert attributed(spark, *rows) == {(page, "A"): "primary_image"}


@pytest.mark.parametrize("image_id", ["vase-grün", "a+b c", "100%", "plain"])
def test_an_address_names_an_image_however_its_id_is_escaped(spark: SparkSession, image_id: str) -> None:
    page = normal(f"https://pins.test/pin/{image_id}/")
    rows = [
        {"image_id": image_id, "signature": "A", "page_url": page},
        {"image_id": "b", "signature": "B", "page_url": page},
    ]
    assert attributed(spark, *rows) == {(page, "A"): "primary_image"}


def test_a_page_that_names_none_of_its_contents_is_ambiguous_for_each(spark: SparkSession) -> None:
    rows = [{"image_id": i, "signature": i.upper(), "page_url": "https://pins.test/board"} for i in ("a", "b", "c")]
    assert set(attributed(spark, *rows).values()) == {"ambiguous"}
    assert len(attributed(spark, *rows)) == 3
