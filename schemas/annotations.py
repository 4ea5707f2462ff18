"""annotations: the validated queries of each image content."""

from pyspark.sql.types import ArrayType, BooleanType, DoubleType, IntegerType, StringType, StructType

from schemas.table import Table, Write, column

ANNOTATIONS = Table(
    name="annotations",
    comment="Validated queries per signature, where they came from, and whether the console confirms them",
    key=("signature", "query_id"),
    write=Write.MERGE_AND_DELETE_MISSING,
    schema=StructType(
        [
            column("signature", StringType(), "content annotated"),
            column("query_id", StringType(), "row of queries"),
            column("query", StringType(), "the text that it goes by"),
            column(
                "locale",
                StringType(),
                "locale that it annotates the content in; one it was routed to may have no row of it",
            ),
            column("category", StringType(), "description, style or use_case, as its best source called it"),
            column("sources", ArrayType(StringType(), False), "who has it for the image, sorted: console, vlm"),
            column("confirmed", BooleanType(), "Eq. 1 kept this query for this signature, in whatever wording"),
            column("confidence", DoubleType(), "how sure the model was of it, 0 to 1; null: not known", nullable=True),
            column(
                "position",
                IntegerType(),
                "in its locale, 1 the best: the model's own first, then the console's by rank",
            ),
            column("model_version", StringType(), "model that wrote it; null: console alone", nullable=True),
        ]
    ),
    checks={
        "has_a_source": "size(sources) > 0",
        "confirmed_by_the_console": "confirmed = array_contains(sources, 'console')",
    },
    version=3,
)
