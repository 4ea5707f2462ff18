"""oracle_queries: what a large model would search for to find a picture. To be learned from, not to be believed."""

from pyspark.sql.types import IntegerType, StringType, StructType

from schemas.table import Table, Write, column

ORACLE_QUERIES = Table(
    name="oracle_queries",
    comment="Synthetic labels per signature and locale, parsed from generations; they teach, and confirm nothing",
    key=("signature", "locale", "query", "model_version", "prompt_version"),
    write=Write.MERGE_AND_DELETE_MISSING,
    checks={"placed_from_1": "position >= 1"},
    schema=StructType(
        [
            column("signature", StringType(), "content that was shown"),
            column("locale", StringType(), "locale that the queries were asked for in"),
            column("category", StringType(), "description, style or use_case, as the oracle called it"),
            column("position", IntegerType(), "place within its category, from 1"),
            column("query", StringType(), "as the oracle wrote it, in one line"),
            column("model_version", StringType(), "the endpoint's model that wrote it"),
            column("prompt_version", StringType(), "version of the prompt's wording"),
        ]
    ),
)
