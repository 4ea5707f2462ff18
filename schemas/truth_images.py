"""truth_images: what each simulated image shows. Only in <schema>_truth, only of a simulated platform."""

from pyspark.sql.types import BooleanType, StringType, StructType

from schemas.table import Table, Write, column

TRUTH_IMAGES = Table(
    name="truth_images",
    comment="Attributes of every simulated image. Evaluation and the oracle read it, no step of the job does.",
    schema=StructType(
        [
            column("image_id", StringType(), "row of the catalogue"),
            column("signature", StringType(), "SHA-256 of the delivered bytes; several image_ids may share it"),
            column("world", StringType(), "home, fashion or celebrations"),
            column("locale", StringType(), "locale of the page that shows it"),
            column("kind", StringType(), "what it shows, such as armchair"),
            column("colour", StringType(), "colour of the thing shown"),
            column("pattern", StringType(), "plain, striped, dotted, floral or checked"),
            column("material", StringType(), "what the thing is made of"),
            column("setting", StringType(), "the place it stands in"),
            column("novel_combination", BooleanType(), "whether no training image shows this kind in this colour"),
            column("caption", StringType(), "one plain sentence in the image's locale"),
        ]
    ),
    key=("image_id",),
    write=Write.MERGE_AND_DELETE_MISSING,
)
