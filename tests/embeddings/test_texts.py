"""Which texts stand for a query and for an image."""

import pytest
from pyspark.sql import SparkSession

from geo_lib.embeddings.texts import image_texts
from geo_lib.spark import local_frame

pytestmark = pytest.mark.transform


def test_an_image_is_its_validated_queries_and_title_in_the_locale_of_its_first_row(spark: SparkSession) -> None:
    images = local_frame(
        spark,
        [("b", "s1", " Lampe ", "de"), ("a", "s1", "Oak lamp", "en"), ("c", "s1", "", "en"), ("d", "s2", None, "en")],
        "image_id string, signature string, title string, locale string",
    )
    annotations = local_frame(
        spark,
        [("s1", "en", "reading lamp"), ("s1", "de", "leselampe"), ("s1", "en", "Oak lamp")],
        "signature string, locale string, query string",
    )
    rows = {row.id: row for row in image_texts(images, annotations).collect()}
    assert (rows["s1"].locale, rows["s1"].texts) == ("en", ["Oak lamp", "reading lamp"])
    assert rows["s1"].reason is None
    assert (rows["s2"].texts, rows["s2"].reason) == ([], "no_text")
