"""evaluations: every measured number that a notebook draws, with its interval and its sample size."""

from pyspark.sql.types import DoubleType, LongType, StringType, StructType

from schemas.table import Table, Write, column

EVALUATIONS = Table(
    name="evaluations",
    comment="Measurements by arm and segment; a value from the literature is an arm of its own",
    key=("evaluation", "arm", "segment", "metric"),
    write=Write.REPLACE_WHERE,
    slice_by="evaluation",
    checks={"interval_ordered": "ci_low is null or ci_low <= ci_high"},
    schema=StructType(
        [
            column("evaluation", StringType(), "what was asked, and against which truth"),
            column("arm", StringType(), "who answered"),
            column(
                "segment",
                StringType(),
                "overall, a category, novel_combinations, locale:<code>, locale:<code>/<category> or page:<collection>",
            ),
            column(
                "metric",
                StringType(),
                "rouge1_f1: matched ROUGE-1 F1; items_right, annotations_right: shares; others as they say",
            ),
            column("value", DoubleType(), "rounded to 4 decimals"),
            column(
                "ci_low", DoubleType(), "2.5 % bootstrap quantile, 4 decimals; null when none can be had", nullable=True
            ),
            column(
                "ci_high",
                DoubleType(),
                "97.5 % bootstrap quantile, 4 decimals; null when none can be had",
                nullable=True,
            ),
            column("n", LongType(), "how many units the value is a mean of"),
            column(
                "unit", StringType(), "what n counts: signatures, pages, images, wishes, examples, queries, phrasings"
            ),
            column("model_version", StringType(), "weights that answered; null when no model did", nullable=True),
        ]
    ),
)
