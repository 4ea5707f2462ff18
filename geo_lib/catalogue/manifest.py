"""From a manifest of three formats to catalogue rows, and from fetched pictures to the tables. Pure but ``read``."""

import re

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from geo_lib.errors import InputError
from geo_lib.files import folder_of
from geo_lib.locales import WELL_FORMED
from schemas.images import IMAGES

MANDATORY = ("image_id", "uri", "page_url", "locale")
OPTIONAL = ("title", "description", "creator", "creator_category", "board_title", "created_at")
_REASONS = {
    "image_id": "missing_image_id",
    "uri": "missing_uri",
    "page_url": "missing_page_url",
    "locale": "missing_locale",
}
DUPLICATE = "duplicate_image_id"
MALFORMED_LOCALE = "malformed_locale"


def read(spark: SparkSession, manifest: str) -> DataFrame:
    """The manifest as delivered; its suffix says how: .parquet (file or folder), .csv, .jsonl or .ndjson.

    Raises ``InputError`` for another suffix, a manifest that is not there, and missing mandatory columns.
    """
    from pyspark.errors import AnalysisException

    suffix = re.sub(r".*(\.[a-z]+)(\.gz)?/?$", r"\1", manifest.lower())
    try:
        match suffix:
            case ".parquet":
                rows = spark.read.parquet(manifest)
            case ".csv":
                rows = spark.read.csv(manifest, header=True, multiLine=True, escape='"')
            case ".jsonl" | ".ndjson":
                rows = spark.read.json(manifest, primitivesAsString=True)
            case _:
                raise InputError(f"the manifest {manifest} is no .parquet, .csv or .jsonl; name it by what it is.")
        columns = rows.columns  # on Connect nothing is looked at before
    except AnalysisException as wrong:
        raise InputError(f"the manifest {manifest} cannot be read: {wrong.getMessage() or wrong}") from wrong
    if missing := [name for name in MANDATORY if name not in columns]:
        raise InputError(
            f"the manifest {manifest} lacks {', '.join(missing)}: it needs {', '.join(MANDATORY)} and may have "
            f"{', '.join(OPTIONAL)}; it has {', '.join(columns)}."
        )
    return rows


def unknown_columns(rows: DataFrame) -> list[str]:
    """Columns of a manifest that no table takes."""
    return [name for name in rows.columns if name not in (*MANDATORY, *OPTIONAL)]


def catalogue_rows(manifest_rows: DataFrame, *, manifest: str) -> DataFrame:
    """One typed row per manifest row, with the ``row``, ``reason`` and ``detail`` of a rejection, null when fine.

    Blank text is null. A relative uri is taken from the manifest's folder. A locale is joined by hyphens: ``de_AT``
    is ``de-AT``. Of several rows with one image_id the first by (has no flaw, uri, page_url, all other columns)
    stays and the others are rejected as ``image_id#2``, ``#3`` …; rows without an image_id are rejected as
    ``<manifest file>#1`` … in the same order.
    """
    typed = manifest_rows.select(*[_typed(manifest_rows, name) for name in (*MANDATORY, *OPTIONAL)])
    missing = F.coalesce(*[F.when(F.col(name).isNull(), reason) for name, reason in _REASONS.items()])
    is_malformed = ~F.col("locale").rlike(f"\\A{WELL_FORMED}\\z")
    flaw = F.coalesce(missing, F.when(is_malformed, MALFORMED_LOCALE))
    in_order = [flaw.isNotNull(), F.col("uri"), F.col("page_url"), F.to_json(F.struct(*typed.columns))]
    nth = F.row_number().over(Window.partitionBy("image_id").orderBy(*in_order))
    has_no_id = F.col("image_id").isNull()
    nameless = F.concat(F.lit(manifest.rstrip("/").rsplit("/", 1)[-1]), F.lit("#"), F.col("nth"))
    repeated = F.concat("image_id", F.lit("#"), F.col("nth"))
    reason = F.when(has_no_id, _REASONS["image_id"]).when(F.col("nth") > 1, DUPLICATE).otherwise(flaw)
    found = F.concat(F.lit("the locale is "), "locale", F.lit("; it must be a language tag such as en or de-AT"))
    return typed.withColumn("nth", nth).select(
        "image_id",
        _absolute(F.col("uri"), folder=folder_of(manifest)).alias("uri"),
        *[name for name in (*MANDATORY, *OPTIONAL) if name not in ("image_id", "uri")],
        F.when(has_no_id, nameless).when(F.col("nth") > 1, repeated).otherwise(F.col("image_id")).alias("row"),
        reason.alias("reason"),
        F.when(reason == MALFORMED_LOCALE, found).alias("detail"),
    )


def with_pictures(rows: DataFrame, pictures: DataFrame) -> DataFrame:
    """``rows`` with the signature of their picture, or its reason and detail where it gave none.

    ``pictures``: as ``pictures.fetched`` returns them, unique by uri; rows already rejected keep their reason.
    """
    outcome = pictures.select("uri", "signature", F.col("reason").alias("no_picture"), F.col("detail").alias("why"))
    accepted = rows.where("reason is null").drop("reason", "detail").join(outcome, on="uri", how="left")
    columns = [*(c for c in rows.columns if c not in ("reason", "detail")), "signature", "reason", "detail"]
    return (
        accepted.withColumnsRenamed({"no_picture": "reason", "why": "detail"})
        .select(*columns)
        .unionByName(rows.where("reason is not null").withColumn("signature", F.lit(None).cast("string")))
    )


def images(rows: DataFrame, *, split_key_pattern: str | None = None) -> DataFrame:
    """Accepted rows as the catalogue.

    ``split_key``: the one group of ``split_key_pattern`` in image_id, else (no pattern, no match) the signature.
    Rows that share a signature share the smallest of their split keys, so that no content lies on both sides of
    the split.
    """
    named = F.regexp_extract("image_id", split_key_pattern, 1) if split_key_pattern else F.lit(None)
    thing = F.coalesce(F.nullif(named, F.lit("")), F.col("signature"))
    accepted = rows.where("reason is null").withColumn("split_key", F.min(thing).over(Window.partitionBy("signature")))
    return accepted.select(*IMAGES.schema.names)


def image_bytes(rows: DataFrame, pictures: DataFrame) -> DataFrame:
    """The picture of every signature that an accepted row shows, once."""
    shown = rows.where("reason is null").select("signature").distinct()
    held = pictures.where("reason is null").dropDuplicates(["signature"])  # equal bytes decode alike
    return held.join(shown, on="signature", how="left_semi").select("signature", "bytes", "width", "height", "format")


def _typed(rows: DataFrame, name: str) -> Column:
    """The column in its type; a column that is absent, or null throughout whatever its type, is null."""
    if name not in rows.columns:
        return F.lit(None).cast("timestamp" if name == "created_at" else "string").alias(name)
    if name == "created_at":
        # text first: what an all-null column was read as may have no cast to a timestamp
        return F.col(name).cast("string").try_cast("timestamp").alias(name)
    text = F.col(name).cast("string")
    if name == "locale":
        text = _one_spelling(text)
    return F.when(F.trim(text) != "", text).alias(name)


def _one_spelling(locale: Column) -> Column:
    """A language tag as RFC 5646 writes it (2.1.1): zh-Hant-TW, however it was cased or joined."""

    def cased(part: Column, place: Column) -> Column:
        by_kind = F.when(F.length(part) == 2, F.upper(part)).when(F.length(part) == 4, F.initcap(part))
        return F.when(place == 0, F.lower(part)).otherwise(by_kind.otherwise(F.lower(part)))

    parts = F.split(F.translate(F.trim(locale), "_", "-"), "-")
    return F.array_join(F.transform(parts, cased), "-")


def _absolute(uri: Column, *, folder: str) -> Column:
    is_absolute = uri.rlike("^(/|[a-zA-Z][a-zA-Z0-9+.-]*:/)")
    return F.when(is_absolute, uri).otherwise(F.concat(F.lit(folder + "/"), uri))
