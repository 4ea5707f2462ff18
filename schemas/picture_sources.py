"""picture_sources: what each address of the catalogue gave when last looked at, so that it is not taken again."""

from pyspark.sql.types import DateType, LongType, StringType, StructType

from schemas.table import Table, Write, column

PICTURE_SOURCES = Table(
    name="picture_sources",
    comment="The ledger of image_bytes: by address, the picture that it gave and what to know it by next time",
    key=("uri",),
    write=Write.MERGE_AND_DELETE_MISSING,
    schema=StructType(
        [
            column("uri", StringType(), "the manifest's address, a relative one taken from its folder"),
            column("signature", StringType(), "of the picture it gave, as in image_bytes"),
            column("reader", StringType(), "hash of the settings and code that made of it what image_bytes holds"),
            column("address", StringType(), "address that answered: uri, or that of its smaller variant"),
            column("size", LongType(), "bytes as delivered"),
            column(
                "mtime_ns",
                LongType(),
                "nanoseconds from 1970 to the file's last change; null: no file, or a store that does not say",
                nullable=True,
            ),
            column("etag", StringType(), "the server's tag; null: it gave none, or this is a file", nullable=True),
            column("last_modified", StringType(), "as the server wrote it; null: not said, or a file", nullable=True),
            column("checked", DateType(), "as_of of the run that last found the picture there"),
            column(
                "missing_since", DateType(), "as_of of the first run that missed it; null: it is there", nullable=True
            ),
            column("trouble", StringType(), "reason code of what was wrong then; null: it is there", nullable=True),
        ]
    ),
    checks={"missing_for_a_reason": "missing_since is null or trouble is not null"},
)
