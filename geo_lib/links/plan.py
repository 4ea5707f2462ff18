"""Plan every link of the site. Pure: no reads, no writes.

Hub and spoke (paper, 2.4 and 3.3): images link to the collections of their annotations, collections to their
images and to related collections, and hubs reach whatever nothing else would, so that no page is an orphan.
"""

from functools import reduce

import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from geo_lib.addresses import HOME, image_url, locale_url
from geo_lib.catalogue.names import capitalised
from geo_lib.embeddings.vectors import exact_top_k, stacked
from geo_lib.spark import settled

PLACEMENT = {
    "hub": 1.0,
    "annotation": 1.0,
    "item": 1.0,
    "member": 0.5,
    "related": 0.5,
    "sibling": 0.25,
    "up": 0.25,
}
"""How much a link of each kind counts against the others on its page: what the page is about counts whole,
what stands beside it half, and what every page carries a quarter. Judgement, not measurement."""
NOTHING_TO_SAY = "nothing_to_say"
UNLISTED = "unlisted"


def image_fates(
    images: DataFrame, collections: DataFrame, items: DataFrame, annotations: DataFrame, *, max_links_per_page: int
) -> DataFrame:
    """``image_id, locale, reason`` of every image: why it gets no page, null when it gets one.

    ``collections``: published ones; ``items``: theirs; ``annotations``: image_annotations. An image has a page
    when there is something to say about it: an annotation, or a collection that shows it. One in no collection is
    reached from its locale's page alone, so beyond what that page may link to it is unlisted; those whose best
    annotation scores highest come first, ties by image_id.
    """
    shown = items.select("image_id").distinct().withColumn("is_shown", F.lit(True))
    said = annotations.groupBy("image_id").agg(F.max("score").alias("best"))
    # of a locale's page one link goes home
    rooms = collections.groupBy("locale").agg((F.lit(max_links_per_page - 1) - F.count("*")).alias("room"))
    is_shown = F.coalesce("is_shown", F.lit(False))
    is_alone = ~is_shown & F.col("best").isNotNull()
    best_first = Window.partitionBy("locale", is_alone).orderBy(F.desc("best"), "image_id")
    is_beyond = F.row_number().over(best_first) > F.coalesce("room", F.lit(max_links_per_page - 1))
    reason = F.when(~is_shown & F.col("best").isNull(), NOTHING_TO_SAY).when(is_alone & is_beyond, UNLISTED)
    return (
        images.select("image_id", "locale")
        .join(shown, on="image_id", how="left")
        .join(said, on="image_id", how="left")
        .join(rooms, on="locale", how="left")
        .select("image_id", "locale", reason.alias("reason"))
    )


def planned_pages(fates: DataFrame, collections: DataFrame) -> DataFrame:
    """``page, kind, id, locale`` of every page: home, locales, published collections, and images.

    ``fates``: ``image_fates``; ``collections``: published ones.
    """
    of_images = fates.where("reason is null").select(
        image_url(F.col("locale"), F.col("image_id")).alias("page"),
        F.lit("image").alias("kind"),
        F.col("image_id").alias("id"),
        "locale",
    )
    of_collections = collections.select(
        F.col("url").alias("page"), F.lit("collection").alias("kind"), F.col("collection_id").alias("id"), "locale"
    )
    content = of_images.unionByName(of_collections)
    locales = (
        content.select("locale")
        .distinct()
        .select(
            locale_url(F.col("locale")).alias("page"),
            F.lit("locale").alias("kind"),
            F.col("locale").alias("id"),
            "locale",
        )
    )
    home = (
        content.groupBy()
        .agg(F.count("*").alias("n"))
        .select(
            F.lit(HOME).alias("page"), F.lit("home").alias("kind"), F.lit("home").alias("id"), F.lit("").alias("locale")
        )
    )
    return content.unionByName(locales).unionByName(home)


def planned_links(
    pages: DataFrame,
    collections: DataFrame,
    items: DataFrame,
    annotations: DataFrame,
    names: DataFrame,
    related: DataFrame,
    *,
    max_collections: int,
    siblings: int,
    home_collections: int,
) -> DataFrame:
    """``source, target, kind, anchor, weight`` of every link; see ``schemas.links`` for the kinds.

    ``pages``: ``planned_pages``; ``collections`` and ``items``: published ones; ``names``: image_names;
    ``related``: ``related_collections``. A weight is the placement's, times the cosine or annotation score
    behind the link where there is one, at 6 decimals and never 0.
    """
    shown = pages.where(F.col("kind") == "image").select(
        F.col("id").alias("image_id"), F.col("page").alias("image_page"), "locale"
    )
    shown = shown.join(names.select("image_id", "name"), on="image_id", how="left")
    shown = settled(shown.withColumn("name", F.coalesce("name", "image_id")))
    pages_of_collections = collections.select(
        "collection_id", F.col("url").alias("collection_page"), "title", "locale", "demand", "items"
    )
    membership = settled(
        items.join(pages_of_collections.drop("locale", "items"), on="collection_id", how="inner").join(
            shown.select("image_id", "image_page", "name"), on="image_id", how="inner"
        )
    )
    parts = [
        _to_collections(membership, annotations, pages_of_collections, shown, most=max_collections),
        membership.select(
            F.col("collection_page").alias("source"),
            F.col("image_page").alias("target"),
            F.lit("item").alias("kind"),
            F.col("name").alias("anchor"),
            F.col("score").alias("strength"),
        ),
        related,
        _to_siblings(membership, most=siblings),
        _from_hubs(shown, pages_of_collections, items, home_collections=home_collections),
        _upwards(pages),
    ]
    links = reduce(DataFrame.unionByName, parts)
    placement = F.create_map(*(F.lit(value) for pair in PLACEMENT.items() for value in pair))[F.col("kind")]
    weight = F.greatest(F.round(placement * F.greatest("strength", F.lit(0.01)), 6), F.lit(1e-6))
    return links.select("source", "target", "kind", "anchor", weight.alias("weight"))


def related_collections(
    collections: DataFrame, query_embeddings: DataFrame, *, per_collection: int, min_similarity: float
) -> DataFrame:
    """``source, target, kind, anchor, strength``: each published collection and those nearest to it, both ways.

    Nearness is the cosine of the queries, within a locale. When b is among the nearest of a, a links to b and
    b to a, so a popular neighbour may have more links than ``per_collection``.
    """

    def nearest_of(rows: pd.DataFrame) -> pd.DataFrame:
        rows = rows.sort_values("url", ignore_index=True)
        vectors = stacked(rows["embedding"])
        pairs: dict[tuple[int, int], float] = {}
        for start in range(0, len(rows), 2048):  # blocks, so that the matrix of cosines stays small
            found, scores = exact_top_k(vectors, vectors[start : start + 2048], k=per_collection + 1)
            for offset, (positions, cosines) in enumerate(zip(found.tolist(), scores.tolist(), strict=True)):
                others = [p for p in zip(positions, cosines, strict=True) if p[0] != start + offset]
                for other, cosine in others[:per_collection]:
                    if cosine >= min_similarity:
                        pairs[start + offset, other] = pairs[other, start + offset] = round(float(cosine), 6)
        ends = sorted(pairs)
        return pd.DataFrame(
            {
                "source": [rows["url"][a] for a, _ in ends],
                "target": [rows["url"][b] for _, b in ends],
                "kind": "related",
                "anchor": [rows["title"][b] for _, b in ends],
                "strength": [pairs[pair] for pair in ends],
            }
        ).astype({"source": object, "target": object, "anchor": object, "strength": "float64"})

    vectors = collections.join(query_embeddings.select("query_id", "embedding"), on="query_id", how="inner")
    return (
        vectors.select("locale", "url", "title", "embedding")
        .groupBy("locale")
        .applyInPandas(nearest_of, "source string, target string, kind string, anchor string, strength double")
    )


def _to_collections(
    membership: DataFrame, annotations: DataFrame, collections: DataFrame, shown: DataFrame, *, most: int
) -> DataFrame:
    """Image to collections: first those of its annotations, then others that show it, at most ``most``."""
    annotated = (
        annotations.where("collection_id is not null")
        .join(shown.select("image_id", "image_page", F.col("locale").alias("spoken")), on="image_id", how="inner")
        .join(collections.select("collection_id", "collection_page"), on="collection_id", how="inner")
        .withColumn("nth", F.row_number().over(Window.partitionBy("image_id", "collection_id").orderBy("rank")))
        .where(F.col("nth") == 1)
        .select(
            *("image_page", "collection_page", F.lit("annotation").alias("kind")),
            *(capitalised(F.col("query"), F.col("spoken")).alias("anchor"), F.col("score").alias("strength")),
        )
    )
    shows_it = membership.select(
        *("image_page", "collection_page", F.lit("member").alias("kind")),
        *(F.col("title").alias("anchor"), F.col("score").alias("strength")),
    ).join(annotated.select("image_page", "collection_page"), on=["image_page", "collection_page"], how="left_anti")
    annotated_first = Window.partitionBy("image_page").orderBy("kind", F.desc("strength"), "collection_page")
    return (
        annotated.unionByName(shows_it)
        .withColumn("nth", F.row_number().over(annotated_first))
        .where(F.col("nth") <= most)
        .select(
            F.col("image_page").alias("source"), F.col("collection_page").alias("target"), "kind", "anchor", "strength"
        )
    )


def _to_siblings(membership: DataFrame, *, most: int) -> DataFrame:
    """Image to the images that follow it in the collection that it fits best; after the last comes the first."""
    best_first = Window.partitionBy("image_page").orderBy(F.desc("score"), "collection_page")
    home = (
        membership.withColumn("nth", F.row_number().over(best_first))
        .where(F.col("nth") == 1)
        .select(F.col("image_page").alias("source"), "collection_id", F.col("rank").alias("own_rank"))
    )
    sizes = membership.groupBy("collection_id").agg(F.max("rank").alias("size"))
    distance = F.pmod(F.col("rank") - F.col("own_rank"), F.col("size"))
    return (
        home.join(sizes, on="collection_id", how="inner")
        .join(
            membership.select("collection_id", "image_page", "name", "rank", "score"), on="collection_id", how="inner"
        )
        .where(distance.between(1, most))
        .select(
            *("source", F.col("image_page").alias("target"), F.lit("sibling").alias("kind")),
            *(F.col("name").alias("anchor"), F.col("score").alias("strength")),
        )
    )


def _from_hubs(shown: DataFrame, collections: DataFrame, items: DataFrame, *, home_collections: int) -> DataFrame:
    """Home to locales and the most wanted collections; locale to its collections and to images in none."""
    most_wanted = Window.partitionBy("locale").orderBy(F.desc("demand"), F.desc("items"), "collection_page")
    hub, whole = F.lit("hub").alias("kind"), F.lit(1.0).alias("strength")
    everywhere = shown.select("locale").union(collections.select("locale")).distinct()
    alone = shown.join(items.select("image_id"), on="image_id", how="left_anti")
    return reduce(
        DataFrame.unionByName,
        [
            everywhere.select(
                *(F.lit(HOME).alias("source"), locale_url(F.col("locale")).alias("target"), hub),
                *(F.col("locale").alias("anchor"), whole),
            ),
            collections.withColumn("nth", F.row_number().over(most_wanted))
            .where(F.col("nth") <= home_collections)
            .select(
                *(F.lit(HOME).alias("source"), F.col("collection_page").alias("target"), hub),
                *(F.col("title").alias("anchor"), whole),
            ),
            collections.select(
                *(locale_url(F.col("locale")).alias("source"), F.col("collection_page").alias("target"), hub),
                *(F.col("title").alias("anchor"), whole),
            ),
            alone.select(
                *(locale_url(F.col("locale")).alias("source"), F.col("image_page").alias("target"), hub),
                *(F.col("name").alias("anchor"), whole),
            ),
        ],
    )


def _upwards(pages: DataFrame) -> DataFrame:
    """Every page to its locale's page and to home, as the head of the page shows them."""
    below_locale = F.col("kind").isin("collection", "image")
    steps = [
        (pages.where(below_locale), locale_url(F.col("locale")), F.col("locale")),
        (pages.where(F.col("kind") != "home"), F.lit(HOME), F.lit("home")),
    ]
    return reduce(
        DataFrame.unionByName,
        [
            df.select(
                *(F.col("page").alias("source"), target.alias("target"), F.lit("up").alias("kind")),
                *(anchor.alias("anchor"), F.lit(1.0).alias("strength")),
            )
            for df, target, anchor in steps
        ],
    )
