"""generations: what a model wrote when it was asked, as it wrote it, or why there is nothing."""

from pyspark.sql.types import ArrayType, DoubleType, FloatType, IntegerType, StringType, StructType

from schemas.table import Table, Write, column

GENERATIONS = Table(
    name="generations",
    comment="Raw model answers; appended once per task, subject, model, prompt as rendered and decoding, never changed",
    key=("task", "subject", "model_version", "prompt_version", "decoding_version", "prompt"),
    write=Write.APPEND,
    checks={"text_or_error": "(text is null) <> (error_class is null)"},
    schema=StructType(
        [
            column(
                "task",
                StringType(),
                "what was asked for: queries (that should lead to an image), labels, judgements (to learn from)",
            ),
            column(
                "subject",
                StringType(),
                "what it was asked about; queries and labels: the image's signature; judgements: a hash of the prompt",
            ),
            column("model_version", StringType(), "version of the weights that answered, or an endpoint's model"),
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
                "undecodable_image, aspect_ratio or worker_lost (it kills whoever is to answer); of an endpoint "
                "refused, not_json, bad_schema; null when there is an answer; what a setting or another try may cure "
                "is not kept",
                nullable=True,
            ),
            column(
                "error_message", StringType(), "what was wrong, in words; null when there is an answer", nullable=True
            ),
            column(
                "finish_reason",
                StringType(),
                "stop, or length when the answer was cut; null where nothing was written",
                nullable=True,
            ),
            column(
                "prompt_tokens",
                IntegerType(),
                "tokens read, image tokens included; null: nobody counted",
                nullable=True,
            ),
            column("output_tokens", IntegerType(), "tokens written; null: nobody counted", nullable=True),
            column(
                "cost_dollars",
                DoubleType(),
                "charge for all tries that were answered, this one and those before it; null where nobody charges",
                nullable=True,
            ),
            column(
                "token_ends",
                ArrayType(IntegerType(), False),
                "characters of text written after each token; null where the server does not say",
                nullable=True,
            ),
            column(
                "token_logprobs",
                ArrayType(FloatType(), False),
                "natural logarithm of the probability of each token, before any decoding parameter; null as token_ends",
                nullable=True,
            ),
            column("endpoint", StringType(), "endpoint that was asked; null: a model of our own", nullable=True),
        ]
    ),
    version=6,
)
