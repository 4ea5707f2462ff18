"""truth_planted: queries that validation must stop, and near misses that it must let pass. Only in <schema>_truth."""

from pyspark.sql.types import BooleanType, StringType, StructType

from schemas.table import Table, Write, column

TRUTH_PLANTED = Table(
    name="truth_planted",
    comment="Simulated queries, each unfit in one way or a near miss; written without sight of what should stop them",
    schema=StructType(
        [
            column(
                "kind", StringType(), "what is wrong with it, or what it only seems to be: unsafe, exclusionary, ..."
            ),
            column("locale", StringType(), "locale of the query"),
            column("query", StringType(), "as somebody might type it"),
            column("unfit", BooleanType(), "it must be stopped; false: a near miss, which must pass"),
            column(
                "of",
                StringType(),
                "kind duplicate: the query that it rewords (unfit: to be joined with it) or only resembles; else null",
                nullable=True,
            ),
        ]
    ),
    key=("kind", "locale", "query"),
    write=Write.MERGE_AND_DELETE_MISSING,
)
