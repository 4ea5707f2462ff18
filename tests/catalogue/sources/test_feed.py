"""Product feeds of three kinds that say the same."""

import pytest

from geo_lib.catalogue.sources.document import xml
from geo_lib.catalogue.sources.feed import tabbed_products, xml_products
from geo_lib.catalogue.sources.found import Found, LeftOut
from geo_lib.errors import InputError

G = 'xmlns:g="http://base.google.com/ns/1.0"'
PICTURE = "<g:image_link>https://cdn.test/1.jpg</g:image_link>"
MORE = "<g:additional_image_link>https://cdn.test/2.jpg</g:additional_image_link>"
FIELDS = f"{PICTURE}{MORE}<g:product_type>Home &gt; Furniture &gt; Chairs</g:product_type><g:id>p1</g:id>"
RSS = f"""<rss version="2.0" {G}><channel><title>Shop</title><link>https://shop.test</link><item>
<title>Oak chair</title><link>https://shop.test/p1</link><description><![CDATA[<p>Solid <b>oak</b></p>]]></description>
{FIELDS}</item></channel></rss>"""
ATOM = f"""<feed xmlns="http://www.w3.org/2005/Atom" {G}><id>feed</id><entry><title>Oak chair</title>
<link rel="self" href="https://shop.test/entry"/><link href="https://shop.test/p1"/><summary>Solid oak</summary>
{FIELDS}</entry></feed>"""
TABBED = (
    "ID\tTitle\tdescription\tlink\timage link\tadditional_image_link\tproduct_type\n"
    'p1\tOak chair\t"Solid oak"\thttps://shop.test/p1\thttps://cdn.test/1.jpg\thttps://cdn.test/2.jpg\tHome > Chairs\n'
)


def products(text: str) -> list[Found | LeftOut]:
    if text.startswith("<"):
        return list(xml_products(xml(text.encode(), what="x"), address="feed", site_url=None))
    return list(tabbed_products(text.encode(), address="feed", site_url=None))


@pytest.mark.parametrize("text", [RSS, ATOM, TABBED, "\ufeff" + TABBED])
def test_every_picture_of_a_product_is_a_row_with_the_products_words(text: str) -> None:
    first, second = products(text)
    assert isinstance(first, Found)
    assert isinstance(second, Found)
    assert (first.image_id, first.uri, first.page_url) == ("p1", "https://cdn.test/1.jpg", "https://shop.test/p1")
    assert (first.title, first.description, first.board_title) == ("Oak chair", "Solid oak", "Chairs")
    assert second.uri == "https://cdn.test/2.jpg"
    assert second.image_id.startswith("p1-")


def test_an_additional_picture_keeps_its_id_when_another_comes_before_it() -> None:
    more = RSS.replace(MORE, MORE.replace("2.jpg", "0.jpg") + MORE)
    assert products(RSS)[1] in products(more)


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        ("<g:id>p1</g:id>", "no_id"),
        ("<link>https://shop.test/p1</link>", "no_page_address"),
        (PICTURE + MORE, "no_image_address"),
    ],
)
def test_a_product_that_lacks_something_is_left_out_and_named(lost: str, reason: str) -> None:
    assert lost in RSS
    (left,) = products(RSS.replace(lost, ""))
    assert isinstance(left, LeftOut)
    assert left.reason == reason


def test_lines_of_a_tabbed_feed_stand_alone_and_a_header_is_needed() -> None:
    _, _, left, short = products(TABBED + "\n" + "\t".join("abcdefghi") + "\np2\n")
    assert isinstance(left, LeftOut)
    assert isinstance(short, LeftOut)
    assert (left.reason, left.where, short.reason) == ("too_many_columns", "feed, line 4", "no_page_address")
    with pytest.raises(InputError, match="its first line lacks link, image_link"):
        products("id\ttitle\n1\tx")
    with pytest.raises(InputError, match="is not UTF-8"):
        list(tabbed_products(TABBED.replace("Oak", "Bär").encode("latin-1"), address="feed", site_url=None))
