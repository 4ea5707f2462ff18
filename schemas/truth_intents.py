"""truth_intents: what people want when they look for a simulated image. Only in <schema>_truth."""

from pyspark.sql.types import ArrayType, StringType, StructType

from schemas.table import Table, Write, column

TRUTH_INTENTS = Table(
    name="truth_intents",
    comment="The intents behind the simulated search demand: per image and locale 2 description, 2 style, 3 use_case.",
    schema=StructType(
        [
            column("signature", StringType(), "SHA-256 of the delivered bytes"),
            column("locale", StringType(), "language of the queries; a signature shown in two locales has both"),
            column("category", StringType(), "description, style or use_case"),
            column("intent", StringType(), "which of the category's intents, such as tone or pair"),
            column("paraphrases", ArrayType(StringType(), containsNull=False), "all ways to ask, the head first"),
            column("head", StringType(), "the most demanded paraphrase"),
        ]
    ),
    key=("signature", "locale", "category", "intent"),
    write=Write.MERGE_AND_DELETE_MISSING,
    checks={"known_category": "category in ('description', 'style', 'use_case')"},
)
