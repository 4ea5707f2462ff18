"""Measure whether the images on the published collection pages answer the query that the page is for.

    geo evaluate-collections --conf conf/demo.yml

Reads collections, collection_items, queries, query_merges, annotations, images and the truth of the simulated
platform; where there is none, an image counts when more than one source has the page's query for it, and the evaluation
is named so.
Replaces its slice of evaluations, in which the worst pages stand one by one. Counts published collections.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from geo_lib.counts import Counts
from geo_lib.evaluation.published import (
    WISH,
    Coverage,
    Part,
    against_a_second_source,
    against_truth,
    coverage,
    measure_parts,
    parts,
    share,
    wanted_words,
)
from geo_lib.evaluation.rows import OVERALL, Measured, evaluation_rows, report_lines
from geo_lib.queries.canonical import canonical_annotations, goes_by
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.spark import held, local_frame
from jobs.run.job import Context, Job
from schemas.annotations import ANNOTATIONS
from schemas.collection_items import COLLECTION_ITEMS
from schemas.collections import COLLECTIONS, PUBLISH
from schemas.evaluations import EVALUATIONS
from schemas.images import IMAGES
from schemas.queries import QUERIES
from schemas.query_merges import QUERY_MERGES
from schemas.truth_intents import TRUTH_INTENTS

AGAINST_TRUTH, AGAINST_A_SECOND_SOURCE = "collections", "collections_second_source"
ARM, METRIC = "published", "items_right"
PAGE = "page:"
"""Begins the segment of a single page; its collection follows."""
_WORST = 10


@dataclass(frozen=True, slots=True)
class EvaluateCollections:
    """The knobs of this job."""

    min_images: int = 8
    """Images that must have a wish for it to deserve a page."""
    seed: int = 0


def run(ctx: Context, knobs: EvaluateCollections) -> Counts:
    published = (
        ctx.read(COLLECTIONS)
        .where(F.col("state") == PUBLISH)
        .join(ctx.read(QUERIES).select("query_id", "words", "category"), on="query_id", how="inner")
    )
    intents = ctx.truth(TRUTH_INTENTS)
    with held(published) as published:
        pages = published.select("collection_id", "title", "locale", "words", "items").collect()
        shown = _shown(ctx, published)
        if intents is None:
            queries = ctx.read(QUERIES)
            said = canonical_annotations(ctx.read(ANNOTATIONS), queries, goes_by(queries, ctx.read(QUERY_MERGES)))
            judged, figures = against_a_second_source(shown, said), list[tuple[str, Measured]]()
            evaluation, against = AGAINST_A_SECOND_SOURCE, "a second source"
        else:
            wanted = wanted_words(intents)
            judged = against_truth(shown, wanted)
            figures = _figures(coverage(pages, _ways(wanted), min_images=knobs.min_images))
            evaluation, against = AGAINST_TRUTH, "the simulated truth"
        found = parts(judged, by="collection_id")
    measured = measure_parts(ARM, found, seed=knobs.seed)
    halves = sum(part.share < 0.5 for part in found)
    if (below_half := share(halves, len(found))) is not None:
        figures.append(("pages_below_half", Measured(ARM, OVERALL, below_half)))
    worst = sorted(found, key=lambda part: (part.share, part.name))[:_WORST]
    rows = evaluation_rows(evaluation, measured, metric=METRIC, unit="pages", versions={})
    one_by_one = [
        Measured(ARM, f"{PAGE}{part.name}", right) for part in worst if (right := share(*part.counts)) is not None
    ]
    rows += evaluation_rows(evaluation, one_by_one, metric=METRIC, unit="images", versions={})
    for metric, one in figures:
        unit = "wishes" if metric == "wishes_with_page" else "pages"
        rows += evaluation_rows(evaluation, [one], metric=metric, unit=unit, versions={})
    ctx.write(EVALUATIONS, local_frame(ctx.spark, rows, EVALUATIONS.schema), slices=[evaluation])
    return Counts(
        len(pages),
        len(found),
        dropped={"without_items": len(pages) - len(found)},
        produced={"items": sum(part.counts[1] for part in found)},
        report="\n".join(
            [
                report_lines(f"share of images that answer their page, by {against}", measured, {}, columns=CATEGORIES),
                *(f"{metric:24}{one.estimate.value:>8.3f}  of {one.estimate.n:,}" for metric, one in figures),
                *_named(worst, pages),
            ]
        ),
    )


def _shown(ctx: Context, published: DataFrame) -> DataFrame:
    """collection_id, query_id, locale, category, words, signature: every image that a published page shows."""
    of_pages = published.select("collection_id", "family", "query_id", "locale", "category", "words")
    items = ctx.read(COLLECTION_ITEMS).select("collection_id", "family", "image_id")
    signatures = ctx.read(IMAGES).select("image_id", "signature")
    return of_pages.join(items, on=["collection_id", "family"], how="inner").join(
        signatures, on="image_id", how="inner"
    )


def _ways(wanted: DataFrame) -> list[Row]:
    """Every way to say a wish, with the images that have the wish."""
    images = wanted.groupBy(*WISH).agg(F.count_distinct("signature").alias("images"))
    return wanted.select(*WISH, "words").distinct().join(images, on=list(WISH), how="inner").collect()


def _figures(found: Coverage) -> list[tuple[str, Measured]]:
    counted = {
        "wishes_with_page": share(found.with_page, found.wishes),
        "pages_repeating_a_wish": share(found.repeating, found.pages),
        "pages_nobody_wants": share(found.unwanted, found.pages),
    }
    return [(metric, Measured(ARM, OVERALL, it)) for metric, it in counted.items() if it is not None]


def _named(worst: Sequence[Part], pages: Sequence[Row]) -> list[str]:
    """The pages with the smallest share of right images, for people to look at."""
    of_page = {page["collection_id"]: page for page in pages}
    lines = [(*part.counts, of_page[part.name]) for part in worst]
    return [f"worst  {right} of {whole} right  {page['locale']}  {page['title']}" for right, whole, page in lines]


JOB = Job(
    name="evaluate_collections",
    knobs=EvaluateCollections,
    run=run,
    unit="published collections",
    reads=(COLLECTIONS, COLLECTION_ITEMS, QUERIES, QUERY_MERGES, ANNOTATIONS, IMAGES),
    reads_truth=(TRUTH_INTENTS,),
    shares=(EVALUATIONS,),
    ask=(
        "select segment, metric, value, ci_low, ci_high, n from {schema}.evaluations "
        "where evaluation like 'collections%'",
    ),
)
