"""queries: every validated query, once per locale, whatever words and order it is said in."""

from pyspark.sql.types import ArrayType, DoubleType, IntegerType, LongType, StringType, StructType

from schemas.table import Table, Write, column

QUERIES = Table(
    name="queries",
    comment="Validated queries, one row per locale and set of telling words, under the text that it goes by",
    key=("query_id",),
    write=Write.MERGE_AND_DELETE_MISSING,
    schema=StructType(
        [
            column("query_id", StringType(), "first 32 hex digits of SHA-256 over locale, newline, text"),
            column("locale", StringType(), "locale that people search in by it"),
            column("query", StringType(), "normalised text; a later run keeps it, whatever is wanted more by then"),
            column("aliases", ArrayType(StringType(), False), "other texts with the same words, sorted"),
            column("words", StringType(), "its telling words: stems, sorted, one space between"),
            column("category", StringType(), "description, style or use_case: what most proposals called it"),
            column("language", StringType(), "ISO 639-1 as detected; null: no letters to tell by", nullable=True),
            column("language_score", DoubleType(), "0 to 1, 3 decimals; null with language", nullable=True),
            column(
                "demographics",
                ArrayType(StringType(), False),
                "group:attribute of the people that it speaks of, sorted; null: not looked for yet",
                nullable=True,
            ),
            column(
                "demand", LongType(), "console impressions of it and its aliases, ambiguous pages aside; 0: none seen"
            ),
            column(
                "images",
                IntegerType(),
                "signatures that it annotates in this locale, whether or not one of its rows shows them",
            ),
            column("normalisation_version", IntegerType(), "version of the rules that made the text"),
        ]
    ),
    version=3,
    checks={"category_known": "category in ('description', 'style', 'use_case')", "annotates": "images >= 1"},
)
