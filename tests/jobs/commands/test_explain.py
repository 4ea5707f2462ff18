"""What geo explain tells of the tiny platform agrees with its tables."""

import pytest
from pyspark.sql import functions as F

from tests.platform import Platform


def told(platform: Platform, capfd: pytest.CaptureFixture[str], subject: str, *, status: int = 0) -> str:
    capfd.readouterr()
    assert platform.geo("explain", subject) == status
    return " ".join(capfd.readouterr().out.split())


def test_a_query_is_told_from_the_console_to_its_collection(
    platform: Platform, capfd: pytest.CaptureFixture[str]
) -> None:
    founded = platform.rows("collections").where("demand > 0").orderBy("url").first()
    assert founded is not None
    query = platform.rows("queries").where(F.col("query_id") == founded["query_id"]).first()
    assert query is not None
    shown = told(platform, capfd, query["query"].upper())
    assert f"{query['query']} · {query['locale']} · {query['query_id']}" in shown
    assert "Eq. 1 keeps" in shown
    assert "mine_queries.many_impressions 1000" in shown
    assert f"{query['images']:,} pictures" in shown
    assert f"collection: {founded['state']} {founded['url']} · {founded['items']:,} images" in shown


def test_a_held_collection_names_its_reasons_and_the_knobs_that_decided(
    platform: Platform, capfd: pytest.CaptureFixture[str]
) -> None:
    held = platform.rows("collections").where("array_contains(reasons, 'too_few_items')").orderBy("url").first()
    assert held is not None
    query = platform.rows("queries").where(F.col("query_id") == held["query_id"]).first()
    assert query is not None
    assert "too_few_items (build_collections.min_items 5)" in told(platform, capfd, query["query"])


def test_a_picture_is_told_with_every_proposal_and_where_it_ended(
    platform: Platform, capfd: pytest.CaptureFixture[str]
) -> None:
    dropped = platform.rows("query_decisions").where("not kept and stage = 'duplicate'").orderBy("signature").first()
    assert dropped is not None
    signature = dropped["signature"]
    image = platform.rows("images").where(F.col("signature") == signature).orderBy("image_id").first()
    assert image is not None
    shown = told(platform, capfd, image["image_id"])
    assert f"image {image['image_id']} · {image['locale']}" in shown
    assert "duplicate same_words" in shown
    decided = platform.rows("query_decisions").where(F.col("signature") == signature)
    for row in decided.where("reason is null and stage = 'confidence'").collect():
        assert row["query"].split()[0] in shown
    assert told(platform, capfd, signature[:16]) == shown


def test_what_nobody_knows_is_one_sentence(platform: Platform, capfd: pytest.CaptureFixture[str]) -> None:
    shown = told(platform, capfd, "quarterly earnings report", status=1)
    assert "nothing here is called quarterly earnings report" in shown
