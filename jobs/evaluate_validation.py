"""Measure whether the checks stop the queries that they must, and let pass those that only look like them.

    geo evaluate-validation --conf conf/demo.yml

Reads the queries planted in the truth of the simulated platform, asks the chain of checks about each, of a duplicate
whether it would be joined to what it rewords, and replaces its slices of evaluations: recall and precision by kind and
locale, and where eligibility@champion is part of the chain the same without it. Counts planted queries: kept are those
that it told right. A platform that is not simulated has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from geo_lib.config import setting
from geo_lib.counts import Counts
from geo_lib.embeddings.family import (
    Families,
    default_families,
    encoder_folders,
    family,
    refuse_unlike_families,
)
from geo_lib.evaluation.planted import joined, stopped, tried
from geo_lib.evaluation.rows import Measured, report_lines, rows_by_metric
from geo_lib.evaluation.validation import Tried, measured_validation
from geo_lib.models import ELIGIBILITY_CHAMPION
from geo_lib.queries.chain import chain
from geo_lib.queries.checks.check import Check
from geo_lib.queries.checks.language import Language
from geo_lib.queries.eligibility.model import loader
from geo_lib.queries.merging import Merging
from geo_lib.spark import local_frame
from jobs.run.job import Context, Job
from schemas.evaluations import EVALUATIONS
from schemas.truth_planted import TRUTH_PLANTED

EVALUATION, LISTS_ALONE = "validation", "validation_lists_alone"
"""Evaluations: the chain as it serves, and the same without what was learned."""


@dataclass(frozen=True, slots=True)
class EvaluateValidation:
    """The knobs of this job."""

    language: Language = setting(Language)
    families: Families = setting(default_families)
    """The first tells how near a duplicate is to what it rewords."""
    merging: Merging = setting(Merging)
    seed: int = 0

    def __post_init__(self) -> None:
        refuse_unlike_families(self.families)


def run(ctx: Context, knobs: EvaluateValidation) -> Counts:
    planted = ctx.truth(TRUTH_PLANTED)
    rows = [] if planted is None else planted.orderBy(*TRUTH_PLANTED.key).collect()
    if not rows:
        return Counts(0, 0, report="nothing is planted here, so nothing can be measured")
    to_stop, to_join = ([row for row in rows if (row["of"] is None) == alone] for alone in (True, False))
    of_duplicates = tried(ctx.spark, to_join, joined(family(knobs.families[0]), knobs.merging))

    def measured_by(checks: Sequence[Check]) -> tuple[list[Tried], dict[str, list[Measured]]]:
        all_tried = [*tried(ctx.spark, to_stop, stopped(checks)), *of_duplicates]
        return all_tried, measured_validation(all_tried, seed=knobs.seed)

    champion = ctx.model_if_any(ELIGIBILITY_CHAMPION)
    learned = loader(champion)
    version = None if champion is None or learned is None else champion.model_version
    served, measured = measured_by(chain(knobs.language, eligibility=learned))
    versions = {it.kind: version for it in served}
    found = rows_by_metric(EVALUATION, measured, unit="queries", versions=versions)
    alone = {} if learned is None else measured_by(chain(knobs.language))[1]
    found += rows_by_metric(LISTS_ALONE, alone, unit="queries", versions={})
    frame = local_frame(ctx.spark, found, EVALUATIONS.schema)
    ctx.write(EVALUATIONS, frame, slices=[EVALUATION, LISTS_ALONE])
    missed = sum(it.unfit and not it.stopped for it in served)
    lost = sum(it.stopped and not it.unfit for it in served)
    columns = [f"locale:{locale}" for locale in sorted({row["locale"] for row in rows})]
    tables = [
        report_lines(f"{metric} of {whose}, by kind of planted query", of_metric, {}, columns=columns)
        for whose, by_metric in (("the checks", measured), ("the lists alone", alone))
        for metric, of_metric in by_metric.items()
    ]
    return Counts(
        len(rows),
        len(rows) - missed - lost,
        dropped={why: n for why, n in (("passed_but_unfit", missed), ("stopped_but_fit", lost)) if n},
        report="\n".join(tables),
    )


JOB = Job(
    name="evaluate_validation",
    knobs=EvaluateValidation,
    run=run,
    unit="queries",
    reads_truth=(TRUTH_PLANTED,),
    reads_models=lambda _: (ELIGIBILITY_CHAMPION,),
    files=lambda knobs: encoder_folders(knobs.families),
    shares=(EVALUATIONS,),
    ask=(
        "select arm, segment, metric, value, ci_low, ci_high, n from {schema}.evaluations "
        "where evaluation like 'validation%' order by evaluation, arm, segment",
    ),
)
