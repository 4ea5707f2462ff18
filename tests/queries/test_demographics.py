"""Whom queries speak of, and what gives a model reason to say so."""

import pytest
from pyspark.sql import DataFrame, SparkSession

from geo_lib.queries.demographics import demographics, said_of_pictures, unsupported
from geo_lib.spark import local_frame
from geo_lib.tables import Tables
from schemas.images import IMAGES
from schemas.queries import QUERIES
from schemas.views import DEMOGRAPHIC_SHARES
from tests.builders import build


@pytest.mark.parametrize(
    ("locale", "text", "attributes"),
    [
        ("en", "business casual women", ["gender:women"]),
        ("en", "women's boots", ["gender:women"]),
        ("en", "rug for kids", ["age:children"]),
        ("en", "japanese woman portrait", ["ethnicity:asian", "gender:women"]),
        ("en", "black women hairstyles", ["ethnicity:black", "gender:women"]),
        ("en", "plus size swimwear", ["body:plus_size"]),
        ("en-GB", "gay wedding cake", ["orientation:lgbt"]),
        ("de", "damenschuhe", ["gender:women"]),
        ("de", "mode ab 50", ["age:seniors"]),
        ("de", "schwangerschaft fotoshooting", ["family:pregnant"]),
    ],
)
def test_a_query_says_whom_it_speaks_of(locale: str, text: str, attributes: list[str]) -> None:
    assert demographics(text, locale=locale) == attributes


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        *(
            ("en", text)
            for text in ("japanese garden", "black hair color", "mother's day card", "mom jeans", "asian salad")
        ),
        *(
            ("en", text)
            for text in (
                "old man cactus",
                "baby shower games",
                "baby's breath bouquet",
                "gingerbread man",
                "kidney beans",
            )
        ),
        ("en", "indian summer wreath"),
        *(
            ("de", text)
            for text in (
                "herrenhaus",
                "muttertag basteln",
                "lebkuchenmann",
                "girlande aus papier",
                "babyparty deko",
                "mannheim",
                "schwarze stiefel",
            )
        ),
        ("fr", "robe pour femme"),
    ],
)
def test_words_that_only_look_like_it_speak_of_nobody(locale: str, text: str) -> None:
    assert demographics(text, locale=locale) == []


@pytest.mark.transform
def test_the_catalogues_words_say_whom_a_picture_is_of(spark: SparkSession) -> None:
    images = build(
        IMAGES,
        spark,
        {"image_id": "1", "signature": "a", "locale": "en", "title": "Boots for WOMEN", "board_title": "My kids' room"},
        {"image_id": "2", "signature": "a", "locale": "de", "title": "Stiefel", "description": "Für Damen"},
        {"image_id": "3", "signature": "b", "locale": "en", "title": "Boots"},
    )
    found = {(row.signature, row.locale): sorted(row.said) for row in said_of_pictures(images).collect()}
    assert found == {("a", "en"): ["age:children", "gender:women"], ("a", "de"): ["gender:women"]}


@pytest.mark.transform
def test_a_guess_stops_where_neither_the_picture_nor_those_who_search_say_so(spark: SparkSession) -> None:
    stopped = guesses(
        spark,
        ("said", "vlm", "women boots", ["gender:women"], ["gender:women"]),
        ("searched", "vlm", "boots women", ["gender:women"], None),
        ("searched", "console", "skirt women", ["gender:women"], None),
        ("guessed", "vlm", "coat women", ["gender:women"], None),
        ("halfsaid", "vlm", "asian coat women", ["ethnicity:asian", "gender:women"], ["gender:women"]),
        ("none", "vlm", "coat", [], None),
    )
    assert stopped == {("guessed", "coat women"), ("halfsaid", "asian coat women")}


@pytest.mark.transform
def test_searches_for_other_pictures_support_age_and_gender_and_nothing_that_no_picture_tells(
    spark: SparkSession,
) -> None:
    stopped = guesses(
        spark,
        ("one", "console", "kids rug", ["age:children"], None),
        ("two", "vlm", "kids rug", ["age:children"], None),
        ("one", "console", "asian hair women", ["ethnicity:asian", "gender:women"], None),
        ("two", "vlm", "asian hair women", ["ethnicity:asian", "gender:women"], None),
        ("three", "vlm", "kids lamp", ["age:children"], None),
    )
    assert stopped == {("two", "asian hair women"), ("three", "kids lamp")}


def guesses(spark: SparkSession, *rows: tuple[str, str, str, list[str], list[str] | None]) -> set[tuple[str, str]]:
    """(signature, words) of the rows that stop. Rows: signature, source, words, demographics, said."""
    proposed: DataFrame = local_frame(
        spark,
        [(signature, "en", source, words, spoken, said) for signature, source, words, spoken, said in rows],
        "signature string, locale string, source string, words string, demographics array<string>, said array<string>",
    )
    judged = proposed.withColumn("reason", unsupported()).where("reason is not null").collect()
    return {(row.signature, row.words) for row in judged}


def test_the_view_has_the_share_of_each_attribute_by_category_and_locale(spark: SparkSession, tables: Tables) -> None:
    own = Tables(spark, lakehouse=tables.lakehouse, stamp=tables.stamp, schema="geo_viewed")
    spoken = [["gender:women"], ["age:children", "gender:women"], [], []]
    queries = [
        {"query_id": f"{n}", "locale": "en", "category": "style", "demographics": said, "demand": 10 * n, "images": 1}
        for n, said in enumerate(spoken)
    ]
    queries.append({"query_id": "d", "locale": "de", "category": "style", "demographics": [], "images": 1})
    own.write(QUERIES, build(QUERIES, spark, *queries))
    own.view(DEMOGRAPHIC_SHARES)
    rows = spark.sql("select * from demographic_shares where attribute <> 'none'").collect()
    assert [(r.locale, r.category, r.attribute, r.queries, r.of, r.share, r.demand) for r in rows] == [
        ("en", "style", "any", 2, 4, 0.5, 10),
        ("en", "style", "gender:women", 2, 4, 0.5, 10),
        ("en", "style", "age:children", 1, 4, 0.25, 10),
    ]
    spark.catalog.dropTempView("demographic_shares")
    spark.sql("drop database geo_viewed cascade")
