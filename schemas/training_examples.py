"""training_examples: what the VLM is tuned on and, apart, what it is measured on while it is tuned."""

from pyspark.sql.types import ArrayType, IntegerType, StringType, StructType

from schemas.table import Table, Write, column

TRAINING_EXAMPLES = Table(
    name="training_examples",
    comment="One conversation per signature and locale: an image, a prompt, and the queries to answer with",
    key=("example_id",),
    write=Write.MERGE_AND_DELETE_MISSING,
    version=3,
    checks={
        "split_known": "split in ('train', 'held_out')",
        "tokens_positive": "visual_tokens > 0 and text_tokens > 0 and response_tokens > 0",
    },
    schema=StructType(
        [
            column("example_id", StringType(), "first 32 hex digits of the SHA-256 of signature and locale"),
            column("signature", StringType(), "SHA-256 of the delivered image bytes"),
            column("split_key", StringType(), "what the split hashes: the signature, or the thing shown"),
            column("split", StringType(), "train or held_out, by the hash of split_key"),
            column("locale", StringType(), "locale of the image row that the metadata came from"),
            column("prompt_version", StringType(), "version of the prompt's text"),
            column("prompt", StringType(), "user text as rendered, before the chat template"),
            column("response", StringType(), "compact JSON: description, style, use_case, in that order"),
            column("description", ArrayType(StringType(), False), "chosen description queries, best first"),
            column("style", ArrayType(StringType(), False), "chosen style queries, best first"),
            column("use_case", ArrayType(StringType(), False), "chosen use-case queries, best first"),
            column(
                "from_oracle",
                ArrayType(StringType(), False),
                "those of the queries that an oracle alone has; null: made before any oracle was asked",
                nullable=True,
            ),
            column("visual_tokens", IntegerType(), "image tokens under the pixel bounds of the training run"),
            column("text_tokens", IntegerType(), "tokens of the rendered chat up to the answer, image tokens apart"),
            column("response_tokens", IntegerType(), "tokens of the response with its end-of-turn token"),
            column(
                "dropped",
                StringType(),
                "too_long: more tokens than an example may have, so neither taught nor measured by; null: it is",
                nullable=True,
            ),
        ]
    ),
)
