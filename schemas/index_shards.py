"""index_shards: the manifest of the nearest-neighbour index, one row per file."""

from pyspark.sql.types import DoubleType, IntegerType, LongType, StringType, StructType

from schemas.table import Table, Write, column

INDEX_SHARDS = Table(
    name="index_shards",
    comment="Manifest of the HNSW shards; written after the files, so a shard listed here is complete.",
    schema=StructType(
        [
            column("index_version", StringType(), "hash of the vectors and of the parameters"),
            column("shard", StringType(), "locale and number: en-000"),
            column("locale", StringType(), "all that the shard holds has this locale"),
            column("index", StringType(), "what is indexed, as which family sees it: minilm_text/images"),
            column(
                "model_version",
                StringType(),
                "digest of the encoder's files that the vectors came from; null: not known, build the index again",
                nullable=True,
            ),
            column("rows", LongType(), "vectors in the shard"),
            column("dimension", IntegerType(), "length of each vector"),
            column("metric", StringType(), "what a score is: cosine"),
            column("m", IntegerType(), "HNSW: neighbours kept per vector"),
            column("ef_construction", IntegerType(), "HNSW: candidates looked at while building"),
            column("ef", IntegerType(), "HNSW: candidates looked at while searching, before clipping"),
            column("path", StringType(), "file, relative to the lakehouse; its ids lie beside it (.ids)"),
            column("checksum", StringType(), "SHA-256 of the shard's file followed by its ids"),
            column(
                "recall_at_10",
                DoubleType(),
                "share of the exact ten nearest that a seeded sample of queries finds, 6 decimals; "
                "null when there was no query to ask",
                nullable=True,
            ),
            column("source_table", StringType(), "table the vectors came from"),
            column("source_version", StringType(), "Delta table id and version they were read at"),
        ]
    ),
    key=("index", "shard"),
    write=Write.REPLACE_WHERE,
    slice_by="index",
    checks={"has_rows": "rows > 0", "recall_is_a_share": "recall_at_10 is null or recall_at_10 between 0 and 1"},
    version=3,
)
