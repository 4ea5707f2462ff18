"""When two addresses of the web are one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from geo_lib.addresses import normal, normal_column, normalised
from geo_lib.spark import local_frame

ONE = "https://shop.example/pin/vase-gr%C3%BCn/"


@pytest.mark.parametrize(
    "spelling",
    [
        "https://shop.example/pin/vase-grün/",
        "HTTPS://Shop.Example/pin/vase-gr%c3%bcn/",
        " https://shop.example/pin/vase-grün/\t",
        "\u00a0https://shop.example/pin/vase-grün/\u3000",
        "https://shop.example:443/pin/vase-grün/",
        "https://shop.example:/pin/vase-grün/",
        "https://shop.example/pin/vase%2Dgr%C3%BCn/#:~:text=red%20vase",
        "https://shop.example/a/../pin/./x/../%76ase-grün/.",
        "https://sho%70.example/pin/vase-grün/",
    ],
)
def test_spellings_of_one_address_are_one(spelling: str) -> None:
    assert normal(spelling) == ONE


@pytest.mark.parametrize(
    "other",
    [
        "https://shop.example/pin/vase-gr%C3%BCn",
        "http://shop.example/pin/vase-gr%C3%BCn/",
        "https://www.shop.example/pin/vase-gr%C3%BCn/",
        "https://shop.example:8443/pin/vase-gr%C3%BCn/",
        "https://shop.example/Pin/vase-gr%C3%BCn/",
        "https://shop.example/pin%2Fvase-gr%C3%BCn/",
        "https://shop.example/pin/vase-gr%C3%BCn/?a=1&b=2",
        "https://shop.example/pin/vase-gr%C3%BCn/?b=2&a=1",
        "https://shop.example/pin//vase-gr%C3%BCn/",
    ],
)
def test_an_address_that_may_lead_elsewhere_stays_another(other: str) -> None:
    assert normal(other) == other != ONE


@pytest.mark.parametrize(
    ("given_as", "one"),
    [
        ("http://a.test", "http://a.test/"),
        ("http://a.test:80?q=a b", "http://a.test/?q=a%20b"),
        ("https://a.test/100%", "https://a.test/100%25"),
        ("https://a.test/%fc?x=%E4", "https://a.test/%FC?x=%E4"),
        ("https://Bücher.test/ü", "https://xn--bcher-kva.test/%C3%BC"),
        ("https://XN--BCHER-KVA.test/", "https://xn--bcher-kva.test/"),
        ("https://b%C3%BCcher.test/", "https://xn--bcher-kva.test/"),
        ("https://faß.test/", "https://xn--fa-hia.test/"),
        ("https://例え.テスト/", "https://xn--r8jz45g.xn--zckzah/"),
        ("http://[2001:DB8::1]:80/", "http://[2001:db8::1]/"),
        ("https://me@a.test/", "https://me@a.test/"),
        ("https://a.test/../../x", "https://a.test/x"),
    ],
)
def test_each_part_of_an_address_has_its_own_equivalence(given_as: str, one: str) -> None:
    assert normal(given_as) == one


@pytest.mark.parametrize(
    "text", ["p", "/pin/A", "android-app://com.x/Y", "https://[::1/", "https://a.test:x/Y", "", "//A"]
)
def test_what_is_no_address_of_the_web_is_left_alone(text: str) -> None:
    assert normal(text) == text


@given(st.one_of(st.text(), st.text(alphabet="/.%2eEäA:?#@ h-", max_size=30).map("https://Shop.test".__add__)))
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    assert normal(normal(text)) == normal(text)


@pytest.mark.transform
def test_a_column_of_addresses_keeps_its_nulls(spark: SparkSession) -> None:
    rows = local_frame(spark, [(None,), ("https://A.test",), ("https://a.test/b/",)], "page_url string")
    expected = {None, "https://a.test/", "https://a.test/b/"}
    assert {r[0] for r in rows.select(normal_column(F.col("page_url"))).collect()} == expected
    assert {r[0] for r in normalised(rows, "page_url").collect()} == expected
