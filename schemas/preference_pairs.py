"""preference_pairs: of two answers about one picture, the one that the search console speaks for."""

from pyspark.sql.types import ArrayType, IntegerType, StringType, StructType

from schemas.table import Table, Write, column

PREFERENCE_PAIRS = Table(
    name="preference_pairs",
    comment="Two whole answers per training example, of one shape, that differ in queries alone",
    key=("example_id",),
    write=Write.MERGE_AND_DELETE_MISSING,
    checks={
        "split_known": "split in ('train', 'held_out')",
        "differ": "chosen <> rejected",
        "of_one_shape": "size(retained) = size(ignored) and size(ignored) > 0",
    },
    schema=StructType(
        [
            column("example_id", StringType(), "the training example whose answer is chosen"),
            column("signature", StringType(), "content that both answers are about"),
            column("locale", StringType(), "locale of the example"),
            column("split", StringType(), "train, or held_out: those teach nothing, and measure what was learned"),
            column("prompt", StringType(), "user text as rendered, before the chat template"),
            column("chosen", StringType(), "the example's answer"),
            column("rejected", StringType(), "the same with ignored queries in the place of retained ones"),
            column("retained", ArrayType(StringType(), False), "queries that only the chosen answer has"),
            column(
                "ignored",
                ArrayType(StringType(), False),
                "what stands in their place, one for one: queries that the picture was shown for and nobody clicked",
            ),
            column("visual_tokens", IntegerType(), "image tokens under the pixel bounds of the training set"),
        ]
    ),
)
