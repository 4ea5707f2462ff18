"""Say what training examples cost in tokens, and what the limit on them costs, by category and locale.

    geo audit-tokens --conf conf/demo.yml

Reads training_examples and the sizes of image_bytes; replaces its slice of evaluations. An example of more than
max_sequence_tokens was dropped whole, never cut; of how many a smaller picture would have saved it says the number and
the max_pixels that they ask for. Counts training examples.
"""

from dataclasses import dataclass

from pyspark.sql import functions as F

from geo_lib.config import setting
from geo_lib.counts import Counts
from geo_lib.evaluation.token_budget import EVALUATION, budget_lines, budget_rows, budgets, priced
from geo_lib.serving.processor import bounds_of, load_processor
from geo_lib.spark import held, local_frame
from geo_lib.vlm.settings import BaseVlm
from geo_lib.vlm.training_set import TOO_LONG
from jobs.run.job import Context, Job
from schemas.evaluations import EVALUATIONS
from schemas.image_bytes import IMAGE_BYTES
from schemas.training_examples import TRAINING_EXAMPLES


@dataclass(frozen=True, slots=True)
class AuditTokens:
    """The knobs of this job."""

    vlm: BaseVlm = setting(BaseVlm)
    """Its limit, and how small its processor lets a picture be."""


def run(ctx: Context, knobs: AuditTokens) -> Counts:
    base, limit = knobs.vlm.files(cache=ctx.path("models", "hub")), knobs.vlm.max_sequence_tokens
    bounds = bounds_of(load_processor(base.path, min_pixels=knobs.vlm.min_pixels, max_pixels=knobs.vlm.max_pixels))
    sizes = ctx.read(IMAGE_BYTES).select("signature", "width", "height")
    with held(priced(ctx.read(TRAINING_EXAMPLES), sizes, bounds=bounds, limit=limit)) as examples:
        found = budgets(examples)
        fits_at = examples.agg(F.min("fits_at")).collect()[0][0]
    ctx.write(EVALUATIONS, local_frame(ctx.spark, budget_rows(found), EVALUATIONS.schema), slices=[EVALUATION])
    if not found:
        return Counts(0, 0, report="there is no training example")
    overall = found[0]
    lines = [f"tokens of training examples, p50/p99/most; {limit:,} are allowed", *budget_lines(found)]
    if fits_at is not None:
        lines.append(f"at max_pixels {fits_at:,} instead of {bounds.max_pixels:,} every savable one would fit")
    return Counts(
        overall.examples,
        overall.examples - overall.too_long,
        dropped={TOO_LONG: overall.too_long} if overall.too_long else {},
        produced={"saved_by_a_smaller_picture": overall.saved, "queries_lost": overall.queries_too_long},
        report="\n".join(lines),
    )


JOB = Job(
    name="audit_tokens",
    knobs=AuditTokens,
    run=run,
    unit="training examples",
    reads=(TRAINING_EXAMPLES, IMAGE_BYTES),
    shares=(EVALUATIONS,),
    files=lambda knobs: knobs.vlm.folders,
    ask=("select arm, segment, metric, value, n from {schema}.evaluations where evaluation = 'token_budget'",),
)
