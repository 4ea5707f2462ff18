"""image_bytes: the pictures themselves, once per content."""

from pyspark.sql.types import BinaryType, IntegerType, StringType, StructType

from schemas.table import Table, Write, column

IMAGE_BYTES = Table(
    name="image_bytes",
    comment="Decodable image bytes of at most 736 px on the longest side, one row per signature",
    key=("signature",),
    write=Write.MERGE,
    schema=StructType(
        [
            column("signature", StringType(), "SHA-256 (hex) of the bytes as delivered, before any resizing"),
            column("bytes", BinaryType(), "as delivered when small enough, else upright, over white, re-encoded"),
            column("width", IntegerType(), "pixels of the stored picture held upright"),
            column("height", IntegerType(), "pixels of the stored picture held upright"),
            column("format", StringType(), "of the stored bytes, as Pillow names it: JPEG, PNG, WEBP, GIF …"),
        ]
    ),
    checks={"has_area": "width > 0 and height > 0"},
    cluster_by=("signature",),  # whoever reads the pictures of some signatures opens the files of these alone
    version=2,
)
