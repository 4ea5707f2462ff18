"""Write the site: HTML pages, pictures, style sheet, sitemap and robots.txt.

    geo publish-pages --conf conf/demo.yml

Reads the link plan and what the pages are about; writes site/ in the lakehouse and then pages. A file is written
only if its content changed, and what no longer belongs to the site is removed.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from pathlib import Path

from pyspark.sql import functions as F

from geo_lib.arms import of_arm
from geo_lib.counts import Counts
from geo_lib.pages.assemble import Material, assembled, gathered, ready
from geo_lib.pages.media import rendered
from geo_lib.pages.page import Page
from geo_lib.pages.render import STYLE, Frame, render, style_sheet
from geo_lib.pages.site import Site
from geo_lib.pages.sitemap import Entry, robots, sitemaps
from geo_lib.spark import local_frame
from jobs.run.job import Context, Job
from schemas.collections import COLLECTIONS, PUBLISH
from schemas.image_annotations import IMAGE_ANNOTATIONS
from schemas.image_bytes import IMAGE_BYTES
from schemas.images import IMAGES
from schemas.links import LINKS
from schemas.page_authority import PAGE_AUTHORITY
from schemas.pages import PAGES


@dataclass(frozen=True, slots=True)
class PublishPages:
    """The knobs of this job."""

    site_url: str = "https://visual-geo.example"
    """Where the site will be served, for canonical links and the sitemap; links between pages are relative."""
    site_name: str = "Visual GEO"
    min_annotations: int = 1
    """Annotations below which an image page stays out of search and sitemap."""
    max_failed_share: float = 0.01
    """Share of pages that may fail for want of a readable picture."""

    def __post_init__(self) -> None:
        if not self.site_url.startswith(("https://", "http://")):
            raise ValueError(f"site_url must begin with https:// or http://, not be {self.site_url!r}")


def run(ctx: Context, knobs: PublishPages) -> Counts:
    frame = Frame(root=knobs.site_url.rstrip("/"), name=knobs.site_name, simulated=ctx.simulated)
    site = Site(Path(ctx.path("site")))
    images = ctx.read(IMAGES)
    authority = of_arm(ctx.read(PAGE_AUTHORITY))
    shown = images.join(authority.where("kind = 'image'").select(F.col("id").alias("image_id")), on="image_id")
    pictures = ctx.read(IMAGE_BYTES).join(shown.select("signature"), on="signature", how="left_semi")
    material = gathered(
        authority,
        of_arm(ctx.read(LINKS)),
        images,
        ctx.read(COLLECTIONS).where(F.col("state") == PUBLISH),
        of_arm(ctx.read(IMAGE_ANNOTATIONS)),
        rendered(pictures, folder=str(site.folder)),
        site_name=knobs.site_name,
        min_annotations=knobs.min_annotations,
    )
    # before the first file: a site that cannot be published must leave the one that is as it was
    counts = Counts(
        rows_in=len(material.pages), kept=len(ready(material)), failed=Counter(material.no_picture.values())
    ).refuse_above(knobs.max_failed_share, unit=JOB.unit)
    before = {row["url"]: (row["content_hash"], row["lastmod"]) for row in ctx.read(PAGES).collect()}

    written, rows, entries = 0, [], []
    for done, page in enumerate(assembled(material), 1):
        content_hash, changed = site.write(f"{page.url[1:]}index.html", render(page, frame))
        written += changed
        url = frame.root + page.url
        lastmod = _lastmod(url, content_hash, before, ctx.as_of)
        state = "published" if page.indexed else "noindex"
        canonical = page.canonical and frame.root + page.canonical
        rows.append((url, page.kind, f"site{page.url}index.html", page.title, state, content_hash, lastmod, canonical))
        if page.indexed and canonical is None:
            entries.append(Entry(url, lastmod, _pictures_on(page, frame.root)))
        if done % 100 == 0:
            ctx.progress(done, counts.kept, "pages")
    root = f"{frame.root}/"
    for name, content in {
        STYLE[1:]: style_sheet(),
        "robots.txt": robots(root=root),
        **sitemaps(entries, root=root),
    }.items():
        site.write(name, content)
    ctx.write(PAGES, local_frame(ctx.spark, rows, PAGES.schema))
    removed = site.sweep(keep=_media(material))
    return replace(
        counts,
        kept=len(rows),
        produced={"files_written": written, "files_removed": removed, "pictures": len(material.pictures)},
        report=f"open {site.folder / 'index.html'}",
    )


def _lastmod(url: str, content_hash: str, before: Mapping[str, tuple[str, date]], as_of: date) -> date:
    """The day on which the page last changed: today only if its content differs from what was published."""
    earlier_hash, earlier_day = before.get(url, ("", as_of))
    return earlier_day if earlier_hash == content_hash else as_of


def _pictures_on(page: Page, root: str) -> list[str]:
    if page.kind == "image" and page.picture is not None:
        return [root + page.picture.full]
    return [root + picture.full for picture in page.pictures]


def _media(material: Material) -> set[str]:
    return set(chain.from_iterable((p.full, p.small) for p in material.pictures.values()))


JOB = Job(
    name="publish_pages",
    knobs=PublishPages,
    run=run,
    unit="pages",
    reads=(PAGE_AUTHORITY, LINKS, IMAGES, IMAGE_BYTES, COLLECTIONS, IMAGE_ANNOTATIONS),
    writes=(PAGES,),
    folders=lambda _: ("site",),
)
