"""Measure whether the checks stop the queries that they must, and let pass those that only look like them.

    geo evaluate-validation --conf conf/demo.yml

Reads the queries planted in the truth of the simulated platform, asks the chain of checks about each, of a duplicate
whether it would be joined to what it rewords, and replaces its slice of evaluations: recall and precision by kind and
locale. Counts planted queries: kept are those that it told right. A platform that is not simulated has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from pyspark.sql import Row

from geo_lib.config import setting
from geo_lib.counts import Counts
from geo_lib.embeddings.family import (
    QUERIES,
    Families,
    default_families,
    encoder_folders,
    family,
    refuse_unlike_families,
)
from geo_lib.evaluation.rows import report_lines, rows_by_metric
from geo_lib.evaluation.validation import Tried, measured_validation
from geo_lib.queries.chain import chain, stops
from geo_lib.queries.checks.check import Said
from geo_lib.queries.checks.language import Language
from geo_lib.queries.merging import Merging, cosines, is_merged
from geo_lib.queries.rewording import meaning
from geo_lib.queries.text import normalise, same_words_key
from geo_lib.spark import local_frame
from jobs.run.job import Context, Job
from schemas.evaluations import EVALUATIONS
from schemas.truth_planted import TRUTH_PLANTED

EVALUATION = "validation"


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
    said = [Said(row["locale"], row["query"], normalise(row["query"], locale=row["locale"])) for row in to_stop]
    stopped = [stop is not None for stop in stops(said, chain(knobs.language))]
    tried = [
        Tried(row["kind"], row["locale"], row["unfit"], is_told)
        for row, is_told in zip([*to_stop, *to_join], [*stopped, *_joined(knobs, to_join)], strict=True)
    ]
    measured = measured_validation(tried, seed=knobs.seed)
    found = rows_by_metric(EVALUATION, measured, unit="queries", versions={})
    ctx.write(EVALUATIONS, local_frame(ctx.spark, found, EVALUATIONS.schema), slices=[EVALUATION])
    missed = sum(it.unfit and not it.stopped for it in tried)
    lost = sum(it.stopped and not it.unfit for it in tried)
    columns = [f"locale:{locale}" for locale in sorted({row["locale"] for row in rows})]
    tables = [
        report_lines(f"{metric} of the checks, by kind of planted query", of_metric, {}, columns=columns)
        for metric, of_metric in measured.items()
    ]
    return Counts(
        len(rows),
        len(rows) - missed - lost,
        dropped={why: n for why, n in (("passed_but_unfit", missed), ("stopped_but_fit", lost)) if n},
        report="\n".join(tables),
    )


def _joined(knobs: EvaluateValidation, rows: Sequence[Row]) -> list[bool]:
    """Whether validation or merging would make one query of each row's and the one that it is ``of``."""
    if not rows:
        return []
    encoder = family(knobs.families[0]).encoders[QUERIES].load()
    pairs = [[normalise(row[name], locale=row["locale"]) for name in ("of", "query")] for row in rows]
    ones, others = (
        encoder.encode(pd.DataFrame({"texts": [[text] for text in side]})) for side in zip(*pairs, strict=True)
    )
    return [
        same_words_key(one, locale=row["locale"]) == same_words_key(other, locale=row["locale"])
        or is_merged(
            meaning(one, locale=row["locale"]),
            meaning(other, locale=row["locale"]),
            cosine,
            min_similarity=knobs.merging.min_similarity,
        )
        for row, (one, other), cosine in zip(rows, pairs, cosines(ones, others), strict=True)
    ]


JOB = Job(
    name="evaluate_validation",
    knobs=EvaluateValidation,
    run=run,
    unit="queries",
    reads_truth=(TRUTH_PLANTED,),
    files=lambda knobs: encoder_folders(knobs.families),
    shares=(EVALUATIONS,),
    ask=(
        "select arm, segment, metric, value, ci_low, ci_high, n from {schema}.evaluations "
        "where evaluation = 'validation' order by arm, segment",
    ),
)
