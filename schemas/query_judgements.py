"""query_judgements: what a large model says of texts that people typed. To be learned from, not to be obeyed."""

from pyspark.sql.types import BooleanType, StringType, StructType

from schemas.table import Table, Write, column

QUERY_JUDGEMENTS = Table(
    name="query_judgements",
    comment="Synthetic judgements of texts by an oracle, parsed from generations; they teach, and stop nothing",
    key=("locale", "query", "model_version", "prompt_version"),
    write=Write.MERGE_AND_DELETE_MISSING,
    schema=StructType(
        [
            column("locale", StringType(), "locale that the text was typed in"),
            column("query", StringType(), "as typed, in lower case and one line"),
            column("brand", BooleanType(), "it names a brand or what belongs to one"),
            column(
                "off_voice", BooleanType(), "it sells, urges, complains, shames, baits, promises, takes sides, gossips"
            ),
            column("weak_intent", BooleanType(), "nothing that pictures could answer"),
            column("grey", BooleanType(), "lawful and yet delicate: gambling, drugs, cures, the suggestive, weapons"),
            column("exclusionary", BooleanType(), "it shuts people out or belittles them"),
            column("model_version", StringType(), "the endpoint's model that judged it"),
            column("prompt_version", StringType(), "version of the prompt's wording"),
        ]
    ),
)
