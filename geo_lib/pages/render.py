"""A page as HTML: autoescaped templates, relative links, one style sheet."""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from geo_lib.locales import direction_of, tag_of
from geo_lib.pages.page import Page
from geo_lib.pages.structured import structured_data
from geo_lib.pages.words import language_name, words

STYLE = "/style.css"


@dataclass(frozen=True, slots=True)
class Frame:
    """What all pages of a site share."""

    root: str
    """Absolute address of the site without a last slash, for canonical links and structured data."""
    name: str
    simulated: bool


def render(page: Page, frame: Frame) -> str:
    """The whole HTML document. It depends on its arguments alone, so equal content gives equal bytes."""
    template = _environment().get_template(f"{page.kind}.html")
    return template.render(
        page=page,
        frame=frame,
        words=words(page.locale),
        words_of=words,
        language_name=language_name,
        alternates=_alternates(page),
        spoken=spoken,
        link=linker(page.url),
        style=STYLE,
        structured=structured_data(page, root=frame.root, site_name=frame.name),
    )


def spoken(locale: str) -> dict[str, str]:
    """``lang`` and ``dir`` of what is in a locale; a locale that is none leaves the language open, as HTML has it."""
    return {"lang": tag_of(locale) or "", "dir": direction_of(locale)}


def _alternates(page: Page) -> dict[str, str]:
    """Language tag to page with the same content; only what a search engine knows as one, and none to itself alone."""
    tagged = {tag: url for locale, url in page.alternates.items() if (tag := tag_of(locale)) is not None}
    return tagged if len(tagged) > 1 and page.url in tagged.values() else {}


def linker(here: str) -> Callable[[str], str]:
    """A function from a path of the site to the relative link from ``here``, which opens from files, too."""

    def link(target: str) -> str:
        return posixpath.relpath(f"{target}index.html" if target.endswith("/") else target, here)

    return link


def style_sheet() -> str:
    return files("geo_lib.pages").joinpath("templates", "style.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    # every value may come from a catalogue or a model: all are escaped, and none is marked as safe
    return Environment(
        loader=PackageLoader("geo_lib.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
