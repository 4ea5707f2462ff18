"""schema.org data of a page, as JSON-LD. It earns no rich result of its own; it says what the page is."""

from typing import Any

from geo_lib.locales import tag_of
from geo_lib.pages.page import Page, Picture

Node = dict[str, Any]


def structured_data(page: Page, *, root: str, site_name: str) -> Node:
    """The page, its pictures and the way to it, as one graph. ``root``: absolute, without a last slash."""
    of_kind = {"collection": _collection, "image": _image, "locale": _hub, "home": _hub}[page.kind]
    about: Node = {
        "@id": root + page.url,
        "url": root + page.url,
        "name": page.title,
        "description": page.description,
        "isPartOf": {"@type": "WebSite", "@id": f"{root}/", "url": f"{root}/", "name": site_name},
    }
    if (language := tag_of(page.locale)) is not None:
        about["inLanguage"] = language
    graph = [about | of_kind(page, root)]
    if page.steps:
        graph.append(_way(page, root))
    return {"@context": "https://schema.org", "@graph": graph}


def _collection(page: Page, root: str) -> Node:
    items = [
        {"@type": "ListItem", "position": place, "item": _image_object(picture, root)}
        for place, picture in enumerate(page.pictures, 1)
    ]
    items_list = {"@type": "ItemList", "numberOfItems": len(items), "itemListElement": items}
    return {"@type": "CollectionPage", "mainEntity": items_list} | _keywords(page.terms)


def _image(page: Page, root: str) -> Node:
    assert page.picture is not None, page.url
    keywords = _keywords([annotation.text for annotation in page.annotations])
    return {"@type": "ItemPage", "mainEntity": _image_object(page.picture, root) | keywords}


def _hub(page: Page, root: str) -> Node:
    cards = [card for section in page.sections for card in section.cards]
    parts = [{"@type": "CollectionPage", "url": root + card.url, "name": card.anchor} for card in cards]
    return {"@type": "CollectionPage"} | ({"hasPart": parts} if parts else {})


def _image_object(picture: Picture, root: str) -> Node:
    node: Node = {
        "@type": "ImageObject",
        "url": root + picture.url,
        "contentUrl": root + picture.full,
        "thumbnailUrl": root + picture.small,
        "name": picture.name,
        "caption": picture.title or picture.name,
        "width": picture.width,
        "height": picture.height,
    }
    return node | ({"creditText": picture.credit} if picture.credit else {})


def _keywords(terms: Any) -> Node:
    return {"keywords": list(terms)} if terms else {}


def _way(page: Page, root: str) -> Node:
    steps = [(step.text, step.url) for step in page.steps] + [(page.title, page.url)]
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": place, "name": text, "item": root + url}
            for place, (text, url) in enumerate(steps, 1)
        ],
    }
