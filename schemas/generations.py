"""generations: what a model wrote for an image, as it wrote it, or why there is nothing."""

from pyspark.sql.types import IntegerType, StringType, StructType

from schemas.table import Table, Write, column

GENERATIONS = Table(
    name="generations",
    comment="Raw model answers; appended once per signature, model, prompt as rendered and decoding, never changed",
    key=("signature", "model_version", "prompt_version", "decoding_version", "prompt"),
    write=Write.APPEND,
    checks={"text_or_error": "(text is null) <> (error_class is null)"},
    schema=StructType(
        [
            column("signature", StringType(), "SHA-256 of the delivered image bytes"),
            column("model_version", StringType(), "version of the weights that answered"),
            column("prompt_version", StringType(), "version of the prompt's wording"),
            column("decoding_version", StringType(), "hash of the decoding parameters"),
            column(
                "prompt",
                StringType(),
                "user text as rendered: wording, locale, title, board and creator category; before the chat template",
            ),
            column("text", StringType(), "the answer, unparsed; null when there was an error", nullable=True),
            column(
                "error_class",
                StringType(),
                "undecodable_image or aspect_ratio; null when there is an answer; what a setting may cure is not kept",
                nullable=True,
            ),
            column(
                "error_message", StringType(), "what was wrong, in words; null when there is an answer", nullable=True
            ),
            column(
                "finish_reason",
                StringType(),
                "stop, or length when the answer was cut; null for an error",
                nullable=True,
            ),
            column(
                "prompt_tokens", IntegerType(), "tokens read, image tokens included; null for an error", nullable=True
            ),
            column("output_tokens", IntegerType(), "tokens written; null for an error", nullable=True),
        ]
    ),
    version=2,
)
