"""query_decisions: every query that was proposed for an image, how far it came and why it stopped."""

from pyspark.sql.types import BooleanType, DoubleType, IntegerType, StringType, StructType

from schemas.table import Table, Write, column

QUERY_DECISIONS = Table(
    name="query_decisions",
    comment="One row per raw query, locale it was judged in and stage it reached: kept, or dropped with a reason",
    key=("signature", "locale", "source", "model_version", "position", "stage"),
    write=Write.MERGE_AND_DELETE_MISSING,
    schema=StructType(
        [
            column("signature", StringType(), "content that the query was proposed for"),
            column(
                "locale", StringType(), "locale that it was judged in: the picture's, or the one that it was routed to"
            ),
            column("source", StringType(), "who proposed it: vlm, console"),
            column("model_version", StringType(), "model that wrote it; console for what people typed"),
            column("position", IntegerType(), "place among the source's proposals for this signature, from 1"),
            column("query", StringType(), "as proposed; the raw answer where nothing could be parsed"),
            column(
                "stage",
                StringType(),
                "what it met there: parse, normalise, duplicate, safety, inclusiveness, eligibility, language",
            ),
            column("kept", BooleanType(), "it passed this stage"),
            column("reason", StringType(), "reason code of the drop; null: it passed", nullable=True),
            column("category", StringType(), "description, style or use_case; null: not told yet", nullable=True),
            column(
                "category_confidence",
                DoubleType(),
                "of the model that told the category, 0 to 1, 3 decimals; null: the proposer or the rules told it",
                nullable=True,
            ),
            column(
                "query_id",
                StringType(),
                "row of queries that it is a wording of, else id of its normalised text; null: none",
                nullable=True,
            ),
            column(
                "suggestion",
                StringType(),
                "what to say instead of what is exclusionary about it; null: nothing is, or nobody has a word",
                nullable=True,
            ),
            column(
                "routed_to",
                StringType(),
                "locale whose language it is in, where it was judged anew: rows of the same proposal; null: none",
                nullable=True,
            ),
        ]
    ),
    checks={"a_drop_has_a_reason": "kept = (reason is null)"},
    version=4,
)
