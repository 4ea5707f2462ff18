"""From the tables to pages: gather once, then make one page after the other."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.addresses import HOME
from geo_lib.catalogue.names import image_names
from geo_lib.catalogue.text import present
from geo_lib.pages.page import Annotation, Card, Page, Picture, Section, Step
from geo_lib.pages.words import language_name, words

Row = Mapping[str, Any]
K = TypeVar("K")

_COVERS = 3
_TERMS = 3
_LONGEST_DESCRIPTION = 155


@dataclass(frozen=True, slots=True)
class Material:
    """What the pages are made of, as rows by their address or id."""

    pages: Sequence[Row]
    """page, kind, id, locale; sorted by page."""
    links: Mapping[tuple[str, str], Sequence[Row]]
    """(source, kind) to target, anchor, weight, best first."""
    pictures: Mapping[str, Picture]
    """Page of an image to its picture."""
    texts: Mapping[str, str]
    """Page of an image to the catalogue's description."""
    annotations: Mapping[str, Sequence[Row]]
    """image_id to its annotations, best first."""
    collections: Mapping[str, Row]
    """Page of a collection to its title and demand."""
    page_of: Mapping[str, str]
    """collection_id to page."""
    image_of: Mapping[str, str]
    """Page of an image to its image_id."""
    twins: Mapping[str, Mapping[str, str]]
    """Page of an image to the pages of the same bytes: by locale that of the smallest image_id."""
    site_name: str
    min_annotations: int
    """An image page with fewer stays out of search."""
    no_picture: Mapping[str, str] = field(default_factory=dict)
    """Page of an image whose picture could not be rendered, to the reason."""


def gathered(
    authority: DataFrame,
    links: DataFrame,
    images: DataFrame,
    collections: DataFrame,
    annotations: DataFrame,
    rendered: DataFrame,
    *,
    site_name: str,
    min_annotations: int,
) -> Material:
    """Everything on the driver. ``collections``: published ones; ``rendered``: see ``media.rendered``.

    A page comes to some kilobytes here, so this holds for some 100,000 pages; more want more ``spark.driver.memory``.
    """
    credit = F.coalesce(present(F.col("creator")), F.lit(""))
    shown = _rows(
        images.select(
            *("image_id", "signature", "locale", credit.alias("credit"), present(F.col("description")).alias("text"))
        )
        .join(image_names(images, annotations), on="image_id", how="inner")
        .join(rendered, on="signature", how="left"),
        by=lambda row: row["image_id"],
    )
    told = _rows(collections.select("collection_id", "locale", "url", "title", "demand"))
    locales = {("image", row["image_id"]): row["locale"] for row in shown}
    locales |= {("collection", row["collection_id"]): row["locale"] for row in told}
    planned = _rows(authority.select("page", "kind", "id"), by=lambda row: row["page"])
    pages = [{**row, "locale": _locale_of(row, locales)} for row in planned]
    image_pages = {row["id"]: row["page"] for row in pages if row["kind"] == "image"}
    of_pages = [{**row, "page": image_pages[row["image_id"]]} for row in shown if row["image_id"] in image_pages]
    edges = links.select("source", "kind", "target", "anchor", "weight")
    said = annotations.select("image_id", "rank", "query", "category", "confirmed", "collection_id")
    return Material(
        pages=pages,
        links=_grouped(
            _rows(edges, by=lambda row: (row["source"], row["kind"], -row["weight"], row["target"])),
            lambda row: (row["source"], row["kind"]),
        ),
        pictures={row["page"]: _picture(row) for row in of_pages if row["small"] is not None},
        texts={row["page"]: row["text"] for row in of_pages if row["text"]},
        annotations=_grouped(
            _rows(said, by=lambda row: (row["image_id"], row["rank"])), lambda row: str(row["image_id"])
        ),
        collections={row["url"]: row for row in told},
        page_of={row["collection_id"]: row["url"] for row in told},
        image_of={page: image_id for image_id, page in image_pages.items()},
        twins=_twins(of_pages),
        site_name=site_name,
        min_annotations=min_annotations,
        no_picture={row["page"]: row["error"] or "no stored picture" for row in of_pages if row["small"] is None},
    )


def ready(material: Material) -> list[Row]:
    """The pages that have what they take, in the order of addresses: an image's needs its picture."""
    return [row for row in material.pages if row["kind"] != "image" or row["page"] in material.pictures]


def assembled(material: Material) -> Iterator[Page]:
    """Every page that is ready, one after the other."""
    makers = {"home": _home, "locale": _locale, "collection": _collection, "image": _image}
    for row in ready(material):
        yield makers[row["kind"]](row, material)


def _home(row: Row, material: Material) -> Page:
    linked = _links(material, HOME, "hub")
    locales = [str(link["anchor"]) for link in linked if link["target"] not in material.collections]
    urls = {str(link["anchor"]): str(link["target"]) for link in linked if link["target"] not in material.collections}
    locale_of = {page["page"]: page["locale"] for page in material.pages if page["kind"] == "collection"}
    cards: dict[str, list[Row]] = {locale: [] for locale in sorted(locales, key=lambda it: (it != "en", it))}
    for link in linked:
        if link["target"] in material.collections:
            cards[locale_of[link["target"]]].append(link)
    first = next(iter(cards), "en")
    return Page(
        url=HOME,
        kind="home",
        id=row["id"],
        locale=first,
        title=material.site_name,
        description=words(first).tagline,
        sections=[
            Section(locale=locale, cards=_cards(_most_wanted(of_locale, material), material), url=urls[locale])
            for locale, of_locale in cards.items()
        ],
    )


def _locale(row: Row, material: Material) -> Page:
    said = words(row["locale"])
    linked = _links(material, row["page"], "hub")
    cards = _cards(_most_wanted([k for k in linked if k["target"] in material.collections], material), material)
    pictures = _pictures([link for link in linked if link["target"] not in material.collections], material)
    hubs = {page["locale"]: page["page"] for page in material.pages if page["kind"] == "locale"}
    return Page(
        url=row["page"],
        kind="locale",
        id=row["id"],
        locale=row["locale"],
        title=f"{said.ideas} · {language_name(row['locale'])}",
        description=f"{said.tagline} {said.collections.format(n=len(cards))}",
        steps=[Step(HOME, said.home)],
        alternates=hubs,
        sections=[Section(locale=row["locale"], cards=cards)],
        pictures=pictures,
    )


def _collection(row: Row, material: Material) -> Page:
    said, title = words(row["locale"]), str(material.collections[row["page"]]["title"])
    pictures = _pictures(_links(material, row["page"], "item"), material)
    terms = _terms(row["page"], title, material)
    lede = said.lede.format(n=len(pictures), title=title)
    return Page(
        url=row["page"],
        kind="collection",
        id=row["id"],
        locale=row["locale"],
        title=title,
        description=_shortened(f"{lede} {said.also_known}: {', '.join(terms)}." if terms else lede),
        steps=_steps(row),
        pictures=pictures,
        cards=_cards(_links(material, row["page"], "related"), material),
        terms=terms,
    )


def _image(row: Row, material: Material) -> Page:
    picture = material.pictures[row["page"]]
    text = material.texts.get(row["page"])
    found = material.annotations.get(row["id"], ())
    planned = {link["target"] for link in _links(material, row["page"], "annotation")}
    pages = [material.page_of.get(annotation["collection_id"]) for annotation in found]
    annotations = [
        Annotation(a["query"], a["category"], bool(a["confirmed"]), page if page in planned else None)
        for a, page in zip(found, pages, strict=True)
    ]
    said = ", ".join(a.text for a in annotations[:3])
    twins = material.twins[row["page"]]
    stands_in = twins[row["locale"]]
    return Page(
        url=row["page"],
        kind="image",
        id=row["id"],
        locale=row["locale"],
        title=picture.name,
        description=_shortened(text or said or picture.name),
        indexed=len(annotations) >= material.min_annotations,
        canonical=None if stands_in == row["page"] else stands_in,
        alternates=twins,
        steps=_steps(row),
        picture=picture,
        pictures=_pictures(_links(material, row["page"], "sibling"), material),
        cards=_cards(_links(material, row["page"], "member"), material),
        annotations=annotations,
        text=text,
    )


def _twins(of_pages: Sequence[Row]) -> dict[str, dict[str, str]]:
    """``Material.twins`` of rows in the order of image_id; a row whose picture could not be rendered is no twin."""
    shown = [row for row in of_pages if row["small"] is not None]
    first: dict[str, dict[str, str]] = {}
    for row in shown:
        first.setdefault(row["signature"], {}).setdefault(row["locale"], row["page"])
    return {row["page"]: dict(sorted(first[row["signature"]].items())) for row in shown}


def _steps(row: Row) -> list[Step]:
    locale = row["locale"]
    hub = "/" + row["page"].split("/")[1] + "/"
    return [Step(HOME, words(locale).home), Step(hub, language_name(locale))]


def _links(material: Material, source: str, kind: str) -> Sequence[Row]:
    return material.links.get((source, kind), ())


def _most_wanted(links: Sequence[Row], material: Material) -> list[Row]:
    """Collections by demand, then by title: what people look for most comes first."""

    def order(link: Row) -> tuple[int, str, str]:
        collection = material.collections[link["target"]]
        return -collection["demand"], collection["title"], link["target"]

    return sorted(links, key=order)


def _pictures(links: Sequence[Row], material: Material) -> list[Picture]:
    return [material.pictures[link["target"]] for link in links if link["target"] in material.pictures]


def _cards(links: Sequence[Row], material: Material) -> list[Card]:
    cards = []
    for link in links:
        pictures = _pictures(_links(material, link["target"], "item"), material)
        cards.append(Card(link["target"], link["anchor"], len(pictures), pictures[:_COVERS]))
    return cards


def _terms(page: str, title: str, material: Material) -> list[str]:
    """The commonest other annotations of a collection's pictures; ties in the alphabet's order."""
    ids = [material.image_of[link["target"]] for link in _links(material, page, "item")]
    counted = Counter(a["query"] for image_id in ids for a in material.annotations.get(image_id, ()))
    commonest = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return [term for term, n in commonest if n > 1 and term.lower() != title.lower()][:_TERMS]


def _picture(row: Row) -> Picture:
    return Picture(
        url=row["page"],
        full=row["full"],
        small=row["small"],
        width=int(row["width"]),
        height=int(row["height"]),
        colour=row["colour"],
        name=row["name"] or row["image_id"],
        title=row["title"],
        credit=row["credit"] or None,
    )


def _shortened(text: str) -> str:
    """At most as long as a search result shows, cut between words."""
    if len(text) <= _LONGEST_DESCRIPTION:
        return text
    return text[:_LONGEST_DESCRIPTION].rpartition(" ")[0].rstrip(" ,.;:·") + " …"


def _grouped(rows: Sequence[Row], key: Callable[[Row], K]) -> dict[K, list[Row]]:
    found: dict[K, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def _rows(df: DataFrame, *, by: Callable[[Row], Any] | None = None) -> list[Row]:
    """All rows, sorted here: to sort in Spark what is collected anyway costs two more jobs."""
    rows: list[Row] = [row.asDict() for row in df.collect()]
    return rows if by is None else sorted(rows, key=by)


def _locale_of(page: Row, locales: Mapping[tuple[str, str], str]) -> str | None:
    """Of a page of ``authority``: what a locale's own page is about, none for the home page, else its content's."""
    match page["kind"]:
        case "home":
            return ""
        case "locale":
            return str(page["id"])
        case kind:
            return locales.get((kind, page["id"]))
