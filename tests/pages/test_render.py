"""HTML: what comes from outside stays text, links are relative, and the structured data is whole."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from geo_lib.pages.page import Annotation, Card, Page, Picture, Section, Step
from geo_lib.pages.render import Frame, linker, render, style_sheet

FRAME = Frame(root="https://x.test", name="Visual GEO", simulated=False)
EVIL = """"><script>alert(1)</script></script><img src=x onerror=alert(2)>'{{ 7*7 }}"""
PICTURE = Picture(
    url="/en/pin/1/",
    full="/media/ab/abc.jpg",
    small="/media/ab/abc-480.webp",
    width=400,
    height=500,
    colour="#aabbcc",
    name="Oak table",
    title="A round oak table",
    credit="Ida",
)
HOME = Step("/", "Home")
ENGLISH = Step("/en/", "English")
PAGES = {
    "home": Page("/", "home", "home", "en", "Visual GEO", "Pictures.", sections=[Section("en", [], "/en/")]),
    "locale": Page("/en/", "locale", "en", "en", "Ideas", "Pictures.", steps=[HOME], pictures=[PICTURE]),
    "collection": Page(
        *("/en/c/oak-tables/", "collection", "c1", "en", "Oak tables", "1 picture for Oak tables."),
        steps=[HOME, ENGLISH],
        pictures=[PICTURE],
        cards=[Card("/en/c/elm/", "Elm tables", 9, [PICTURE])],
        terms=["round table"],
    ),
    "image": Page(
        *("/en/pin/1/", "image", "1", "en", "Oak table", "A round oak table."),
        steps=[HOME, ENGLISH],
        picture=PICTURE,
        annotations=[
            Annotation("oak table", "description", True, "/en/c/oak-tables/"),
            Annotation("farmhouse", "style", False, None),
        ],
        text="Bought at a market.",
    ),
}


class Document(HTMLParser):
    """Tags with their attributes, and the content of every script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts.append(data)
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def poisoned(page: Page) -> Page:
    """The page with everything that a catalogue or a model may have said replaced by an attack."""
    picture = replace(PICTURE, name=EVIL, title=EVIL, credit=EVIL)
    return replace(
        page,
        title=EVIL,
        description=EVIL,
        picture=picture if page.picture else None,
        pictures=[picture] * len(page.pictures),
        cards=[Card("/en/c/elm/", EVIL, 9, [picture]) for _ in page.cards],
        annotations=[replace(annotation, text=EVIL) for annotation in page.annotations],
        terms=[EVIL] * len(page.terms),
        text=EVIL if page.text else None,
    )


@pytest.mark.parametrize("kind", PAGES)
def test_what_comes_from_outside_adds_no_element_and_ends_no_script(kind: str) -> None:
    clean, attacked = Document(render(PAGES[kind], FRAME)), Document(render(poisoned(PAGES[kind]), FRAME))
    assert [(tag, sorted(attributes)) for tag, attributes in attacked.tags] == [
        (tag, sorted(attributes)) for tag, attributes in clean.tags
    ]
    assert attacked.all("title") == [{}]
    assert EVIL in attacked.text
    (data,) = attacked.scripts
    assert json.loads(data)["@graph"][0]["name"] == EVIL


@pytest.mark.parametrize("kind", PAGES)
def test_links_between_pages_are_relative_and_name_the_file(kind: str) -> None:
    document = Document(render(PAGES[kind], FRAME))
    for link in document.all("a"):
        href = str(link["href"])
        assert href.startswith("#") or (href.endswith("index.html") and not href.startswith(("/", "http")))


def test_a_relative_link_leads_from_one_page_to_the_other() -> None:
    assert linker("/en/c/oak/")("/en/pin/1/") == "../../pin/1/index.html"
    assert linker("/")("/media/ab/x.webp") == "media/ab/x.webp"
    assert linker("/en/pin/1/")("/") == "../../../index.html"


def test_the_structured_data_of_a_collection_lists_its_images_in_order() -> None:
    (data,) = Document(render(PAGES["collection"], FRAME)).scripts
    page, way = json.loads(data)["@graph"]
    assert page["@type"] == "CollectionPage"
    assert page["mainEntity"] == {
        "@type": "ItemList",
        "numberOfItems": 1,
        "itemListElement": [
            {
                "@type": "ListItem",
                "position": 1,
                "item": {
                    "@type": "ImageObject",
                    "url": "https://x.test/en/pin/1/",
                    "contentUrl": "https://x.test/media/ab/abc.jpg",
                    "thumbnailUrl": "https://x.test/media/ab/abc-480.webp",
                    "name": "Oak table",
                    "caption": "A round oak table",
                    "width": 400,
                    "height": 500,
                    "creditText": "Ida",
                },
            }
        ],
    }
    assert [step["item"] for step in way["itemListElement"]] == [
        *("https://x.test/", "https://x.test/en/", "https://x.test/en/c/oak-tables/")
    ]


def test_a_page_names_its_one_address_and_stays_out_of_search_when_told_to() -> None:
    document = Document(render(replace(PAGES["image"], indexed=False), FRAME))
    links = {link["rel"]: link["href"] for link in document.all("link")}
    assert links["canonical"] == "https://x.test/en/pin/1/"
    assert {"name": "robots", "content": "noindex, follow"} in document.all("meta")
    assert "alternate" not in links


def test_every_picture_has_a_size_and_words_for_those_who_cannot_see_it() -> None:
    for image in Document(render(PAGES["collection"], FRAME)).all("img"):
        assert image["width"]
        assert image["height"]
        assert image["alt"] is not None


@pytest.mark.parametrize("kind", PAGES)
def test_a_simulated_site_says_so_on_every_page_and_a_real_one_does_not(kind: str) -> None:
    assert "Simulated platform" in Document(render(PAGES[kind], replace(FRAME, simulated=True))).text
    assert "Simulated" not in Document(render(PAGES[kind], FRAME)).text


@pytest.mark.parametrize(
    ("locale", "lang", "direction"),
    [
        *(("ar", "ar", "rtl"), ("he-IL", "he-IL", "rtl"), ("fa", "fa", "rtl"), ("ur_PK", "ur-PK", "rtl")),
        *(("de-AT", "de-AT", "ltr"), ("ar-Latn", "ar-Latn", "ltr"), ("en-UK", "en-GB", "ltr"), ("jp", "", "ltr")),
    ],
)
def test_a_page_says_its_language_and_where_its_lines_begin(locale: str, lang: str, direction: str) -> None:
    html = render(replace(PAGES["collection"], locale=locale), FRAME)
    assert Document(html).all("html") == [{"lang": lang, "dir": direction}]
    (data,) = Document(html).scripts
    assert json.loads(data)["@graph"][0].get("inLanguage", "") == lang


def test_a_hub_of_several_languages_says_so_for_each() -> None:
    sections = [Section("ar", [Card("/ar/c/x/", "X", 9, [])], "/ar/"), Section("jp", [], "/jp/")]
    document = Document(render(replace(PAGES["home"], sections=sections), FRAME))
    links = {link["href"]: link for link in document.all("a")}
    arabic, none = links["ar/index.html"], links["jp/index.html"]
    assert (arabic["hreflang"], arabic["lang"], arabic["dir"]) == ("ar", "ar", "rtl")
    assert ("hreflang" in none, none["lang"]) == (False, "")
    assert {"lang": "ar", "dir": "rtl"} in document.all("section")


def test_alternates_are_named_as_search_engines_know_them_and_none_to_itself_alone() -> None:
    def named(**alternates: str) -> dict[str | None, str | None]:
        page = replace(PAGES["locale"], alternates={k.replace("_", "-"): url for k, url in alternates.items()})
        links = Document(render(page, FRAME)).all("link")
        return {link["hreflang"]: link["href"] for link in links if link["rel"] == "alternate"}

    root = "https://x.test"
    found = named(en="/en/", en_UK="/en-UK/", jp="/jp/", es_419="/es-419/", german="/german/")
    assert found == {"en": f"{root}/en/", "en-GB": f"{root}/en-UK/", "es-419": f"{root}/es-419/"}
    assert named(en="/en/", jp="/jp/") == {}
    assert named(de="/de/", fr="/fr/") == {}


def test_the_style_sheet_knows_no_left_or_right() -> None:
    assert not re.findall(r"(?:margin|padding|border)-(?:left|right)|(?<![-\w])(?:left|right)\s*:", style_sheet())


def test_languages_without_texts_of_their_own_are_served_in_english() -> None:
    assert "More pictures" in render(replace(PAGES["locale"], locale="ja"), FRAME)
    assert "Weitere Bilder" in render(replace(PAGES["locale"], locale="de-AT"), FRAME)
