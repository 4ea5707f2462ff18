"""Measure whether the queries that images are finally annotated with are what people would look for them by.

    geo evaluate-annotations --conf conf/demo.yml

Reads images, image_annotations, annotations, queries, query_merges, query_performance, training_examples and the truth
of the simulated platform; where there is none, a query counts when more than one source has it for the image. Tells
images that the console knows from those that it does not, and of these those that the model was not tuned on either;
and of the model's own words those that a round trip confirms from the rest.
Replaces its slice of evaluations. Counts images.
"""

from dataclasses import dataclass

from pyspark.sql import functions as F

from geo_lib.arms import of_arm
from geo_lib.counts import Counts
from geo_lib.evaluation.published import (
    Part,
    against_a_second_source,
    against_truth,
    measure_parts,
    parts,
    share,
    wanted_words,
)
from geo_lib.evaluation.rows import OVERALL, Measured, evaluation_rows, report_lines
from geo_lib.queries.canonical import canonical_annotations, goes_by
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.spark import held, local_frame, settled
from geo_lib.vlm.training_set import taught
from jobs.run.job import Context, Job
from schemas.annotations import ANNOTATIONS
from schemas.evaluations import EVALUATIONS
from schemas.image_annotations import IMAGE_ANNOTATIONS
from schemas.images import IMAGES
from schemas.queries import QUERIES
from schemas.query_merges import QUERY_MERGES
from schemas.query_performance import QUERY_PERFORMANCE
from schemas.training_examples import TRAINING_EXAMPLES
from schemas.truth_intents import TRUTH_INTENTS

AGAINST_TRUTH, AGAINST_A_SECOND_SOURCE = "annotations", "annotations_second_source"
EVERY, KNOWN, FRESH, UNSEEN = "all_images", "with_history", "without_history", "neither_history_nor_training"
FOUND_AGAIN, NOT_FOUND_AGAIN = "model_alone_retrieved", "model_alone_not_retrieved"
"""Of what the console does not have for the image: by whether the query finds it without its own help."""
METRIC = "annotations_right"


@dataclass(frozen=True, slots=True)
class EvaluateAnnotations:
    """The knobs of this job."""

    seed: int = 0


def run(ctx: Context, knobs: EvaluateAnnotations) -> Counts:
    known = ctx.read(QUERY_PERFORMANCE).select("signature", F.lit(KNOWN).alias("known")).distinct()
    tuned_on = taught(ctx.read(TRAINING_EXAMPLES)).where("split = 'train'")
    # by the thing shown: the model has seen it in another picture's bytes, too
    is_tuned_on = tuned_on.select("split_key", F.lit(True).alias("tuned_on")).distinct()
    history = F.coalesce("known", F.lit(FRESH)).alias("arm")
    with held(
        ctx.read(IMAGES).select("image_id", "signature", "split_key", "locale")
        .join(known, on="signature", how="left").join(is_tuned_on, on="split_key", how="left")
        .select("image_id", "signature", "locale", history, F.col("tuned_on").isNotNull().alias("tuned_on"))
    ) as images:  # fmt: skip
        words = ctx.read(QUERIES).select("query_id", "words")
        annotated = of_arm(ctx.read(IMAGE_ANNOTATIONS)).select(
            "image_id", "query_id", "category", "confirmed", "retrieved"
        )
        shown = annotated.join(images, on="image_id", how="inner").join(words, on="query_id", how="inner")
        intents = ctx.truth(TRUTH_INTENTS)
        if intents is None:
            queries = ctx.read(QUERIES)
            said = canonical_annotations(ctx.read(ANNOTATIONS), queries, goes_by(queries, ctx.read(QUERY_MERGES)))
            judged = against_a_second_source(shown, said)
            evaluation, against = AGAINST_A_SECOND_SOURCE, "a second source"
        else:
            judged = against_truth(shown, wanted_words(intents))
            evaluation, against = AGAINST_TRUTH, "the simulated truth"
        judged = settled(judged)
        found = parts(judged, by="image_id")
        of_model = judged.where("not confirmed")
        trips = {
            FOUND_AGAIN: parts(of_model.where("retrieved"), by="image_id"),
            NOT_FOUND_AGAIN: parts(of_model.where("not retrieved"), by="image_id"),
        }
        rows_of = images.select("image_id", "arm", "tuned_on").collect()
    members = {EVERY: {row["image_id"] for row in rows_of}} | {
        arm: {row["image_id"] for row in rows_of if row["arm"] == arm} for arm in (KNOWN, FRESH)
    }
    members[UNSEEN] = members[FRESH] - {row["image_id"] for row in rows_of if row["tuned_on"]}
    by_arm: dict[str, list[Part]] = {arm: [p for p in found if p.name in named] for arm, named in members.items()}
    arms = [*by_arm.items(), *trips.items()]
    measured = [m for arm, of_one in arms for m in measure_parts(arm, of_one, seed=knobs.seed)]
    figures = list[tuple[str, Measured]]()
    for arm, of_one in by_arm.items():
        counted = {
            "annotations_per_image": share(sum(part.counts[1] for part in of_one), len(members[arm])),
            "images_with_any": share(len(of_one), len(members[arm])),
        }
        figures += [(metric, Measured(arm, OVERALL, it)) for metric, it in counted.items() if it is not None]
    rows = evaluation_rows(evaluation, measured, metric=METRIC, unit="images", versions={})
    for metric, one in figures:
        rows += evaluation_rows(evaluation, [one], metric=metric, unit="images", versions={})
    ctx.write(EVALUATIONS, local_frame(ctx.spark, rows, EVALUATIONS.schema), slices=[evaluation])
    lines = [f"{m.arm:30}{m.estimate.value:>8.3f}  {metric}, of {m.estimate.n:,}" for metric, m in figures]
    title = f"share of annotations that people would look for the image by, by {against}"
    return Counts(
        len(rows_of),
        len(found),
        dropped={"no_annotation": len(rows_of) - len(found)},
        produced={"annotations": sum(part.counts[1] for part in found)},
        report="\n".join([report_lines(title, measured, {}, columns=CATEGORIES), *lines]),
    )


JOB = Job(
    name="evaluate_annotations",
    knobs=EvaluateAnnotations,
    run=run,
    unit="images",
    reads=(IMAGES, IMAGE_ANNOTATIONS, ANNOTATIONS, QUERIES, QUERY_MERGES, QUERY_PERFORMANCE, TRAINING_EXAMPLES),
    reads_truth=(TRUTH_INTENTS,),
    shares=(EVALUATIONS,),
    ask=(
        "select arm, segment, metric, value, ci_low, ci_high, n from {schema}.evaluations "
        "where evaluation like 'annotations%'",
    ),
)
