"""What a page consists of, before it is HTML. Addresses are paths from the root of the site."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["home", "locale", "collection", "image"]


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as it appears on a page: where it leads, its two renditions, and what it is called."""

    url: str
    full: str
    small: str
    width: int
    height: int
    colour: str
    name: str
    """What is to be seen: the caption, and the words for those who cannot see it."""
    title: str | None = None
    """What its owner called it."""
    credit: str | None = None

    @property
    def ratio(self) -> float:
        """Width by height, within what a row of the grid can hold."""
        return round(min(max(self.width / self.height, 0.5), 2.5), 3)

    @property
    def is_small(self) -> bool:
        """So small that it would only blur in a place made for pictures: it is shown on a tile of its colour."""
        return max(self.width, self.height) < 160


@dataclass(frozen=True, slots=True)
class Card:
    """A link to a collection: its anchor, its size and up to three of its pictures."""

    url: str
    anchor: str
    items: int
    covers: Sequence[Picture]


@dataclass(frozen=True, slots=True)
class Annotation:
    """One of an image's queries; with the address of its collection if it has a published one."""

    text: str
    category: str
    confirmed: bool
    url: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step from home to here."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """Cards of one language, on a hub."""

    locale: str
    cards: Sequence[Card]
    url: str | None = None
    """The locale's own page, where it is another one."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page. What a kind does not have stays empty."""

    url: str
    kind: Kind
    id: str
    locale: str
    """Locale of the page; for home, the first locale of the site."""
    title: str
    description: str
    indexed: bool = True
    canonical: str | None = None
    """The page that search should show instead: it has the same picture and the same words. Null: none has."""
    steps: Sequence[Step] = ()
    alternates: Mapping[str, str] = field(default_factory=dict)
    """Locale to page with the same content in it, itself included."""
    picture: Picture | None = None
    pictures: Sequence[Picture] = ()
    sections: Sequence[Section] = ()
    cards: Sequence[Card] = ()
    annotations: Sequence[Annotation] = ()
    terms: Sequence[str] = ()
    """What the pictures of a collection are also called."""
    text: str | None = None
    """The catalogue's own description."""
