"""Plan every link of the site and measure the authority that it gives each page.

    geo plan-links --conf conf/demo.yml

Reads images, collections, collection_items, image_annotations and query_embeddings; writes links and
page_authority. An image with neither annotation nor collection gets no page (nothing_to_say), nor does one that is
in no collection and for which its locale's page has no room (unlisted).
"""

from dataclasses import dataclass

from pyspark.sql import functions as F

from geo_lib.arms import in_arm, of_arm
from geo_lib.catalogue.names import image_names
from geo_lib.config import setting
from geo_lib.counts import Counts
from geo_lib.embeddings.family import Families, default_families, founding, refuse_unlike_families, vectors_of
from geo_lib.links.authority import page_authority
from geo_lib.links.plan import image_fates, planned_links, planned_pages, related_collections
from geo_lib.spark import settled
from jobs.run.job import Context, Job
from schemas.collection_items import COLLECTION_ITEMS
from schemas.collections import COLLECTIONS, PUBLISH
from schemas.image_annotations import IMAGE_ANNOTATIONS
from schemas.images import IMAGES
from schemas.links import LINKS
from schemas.page_authority import PAGE_AUTHORITY
from schemas.query_embeddings import QUERY_EMBEDDINGS


@dataclass(frozen=True, slots=True)
class PlanLinks:
    """The knobs of this job."""

    families: Families = setting(default_families)
    """The first founds the collections; its images are their items."""
    max_collections: int = 8
    """Collections that an image links to."""
    related: int = 6
    """Nearest collections that a collection links to, and that link back."""
    min_related_similarity: float = 0.35
    """Cosine of two queries below which their collections have nothing to do with each other."""
    siblings: int = 8
    """Images of its best collection that an image links to."""
    home_collections: int = 12
    """Most wanted collections per locale on the home page."""
    damping: float = 0.85
    max_links_per_page: int = 20_000
    """No reader and no crawler follows more. A locale's page lists only as many images that no collection shows, and
    any page that still has more is refused."""

    def __post_init__(self) -> None:
        refuse_unlike_families(self.families)
        if not 0 < self.damping < 1:
            raise ValueError(f"damping must lie between 0 and 1, not {self.damping}")


def run(ctx: Context, knobs: PlanLinks) -> Counts:
    family = founding(knobs.families)
    vectors = vectors_of(ctx.read(QUERY_EMBEDDINGS), family=family, id_as="query_id")
    of_family = ctx.read(COLLECTION_ITEMS).where(F.col("family") == family)
    # each of these stands many times in what follows
    images = settled(ctx.read(IMAGES))
    annotations = settled(of_arm(ctx.read(IMAGE_ANNOTATIONS)))
    collections = settled(ctx.read(COLLECTIONS).where(F.col("state") == PUBLISH))
    items = settled(of_family.join(collections.select("collection_id"), on="collection_id", how="left_semi"))
    fates = settled(image_fates(images, collections, items, annotations, max_links_per_page=knobs.max_links_per_page))
    pages = settled(planned_pages(fates, collections))
    related = related_collections(
        collections,
        vectors,
        per_collection=knobs.related,
        min_similarity=knobs.min_related_similarity,
    )
    links = settled(
        planned_links(
            pages,
            collections,
            items,
            annotations,
            image_names(images, annotations),
            related,
            max_collections=knobs.max_collections,
            siblings=knobs.siblings,
            home_collections=knobs.home_collections,
        )
    )
    authority = page_authority(pages, links, damping=knobs.damping, max_links_per_page=knobs.max_links_per_page)
    ctx.write(LINKS, in_arm(links))
    ctx.write(PAGE_AUTHORITY, in_arm(authority))
    without_page = fates.where("reason is not null").select("reason")
    return Counts.tallied(
        pages.select(F.lit(None).cast("string").alias("reason")).unionByName(without_page),
        rows_in=images.count() + pages.where("kind != 'image'").count(),
        produced={"links": links.count(), "unreachable_pages": authority.where("click_depth is null").count()},
    )


JOB = Job(
    name="plan_links",
    knobs=PlanLinks,
    run=run,
    unit="pages",
    reads=(IMAGES, COLLECTIONS, COLLECTION_ITEMS, IMAGE_ANNOTATIONS, QUERY_EMBEDDINGS),
    writes=(LINKS, PAGE_AUTHORITY),
)
