"""From a manifest of three formats to catalogue rows, and from fetched pictures to the tables. Pure but ``read``."""

import re
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from geo_lib.addresses import normal_column
from geo_lib.catalogue.delimited import PROBLEM, delimited
from geo_lib.catalogue.text import told, trimmed
from geo_lib.errors import InputError
from geo_lib.files import folder_of, is_folder, line_not_utf8, literal, walk
from geo_lib.locales import UnknownLocaleError, canonical
from schemas.images import IMAGES

MANDATORY = ("image_id", "uri", "page_url", "locale")
OPTIONAL = ("title", "description", "creator", "creator_category", "board_title", "created_at")
_TEXTS = ("title", "description", "creator", "creator_category", "board_title")
DUPLICATE = "duplicate_image_id"
MALFORMED = "malformed_row"
FLOATING_ID = "floating_point_image_id"
UNKNOWN_LOCALE = "unknown_locale"
UNKNOWN_TIME = "unknown_time"
_FLOATING = r"^-?\d+(\.0*)?$|^-?\d+(\.\d+)?[eE][+-]?\d+$"
_NESTED = ("array", "map", "struct", "variant")
_EXACT_BELOW = {"float": 2**24, "double": 2**53}
"""From where on floating-point numbers have gaps between whole ones."""


def read(spark: SparkSession, manifest: str) -> DataFrame:
    """The manifest as delivered; its suffix says how: .parquet, .csv, .jsonl or .ndjson (text also zipped: .gz).

    It is one file, whatever characters its name has, or a folder of such files. A row that is none of its format has
    nulls and a sentence in ``PROBLEM``. Raises ``InputError`` for another suffix, a manifest that is not there, text
    that is no UTF-8, and missing mandatory columns.
    """
    from pyspark.errors import AnalysisException

    named = re.search(r"\.(parquet|csv|jsonl|ndjson)(\.gz)?/?$", manifest.lower())
    if named is None:
        raise InputError(f"the manifest {manifest} is no .parquet, .csv or .jsonl; name it by what it is.")
    try:
        if named[1] == "parquet":
            rows = spark.read.parquet(literal(manifest))
        else:
            files = [file.uri for file in walk(manifest)] if is_folder(manifest) else [manifest]
            _refuse_other_encodings(files)
            rows = delimited(spark, files) if named[1] == "csv" else _json_lines(spark, files)
        columns = rows.columns  # on Connect nothing is looked at before
    except AnalysisException as wrong:
        raise InputError(f"the manifest {manifest} cannot be read: {wrong.getMessage() or wrong}") from wrong
    except OSError as wrong:
        raise InputError(f"the manifest {manifest} cannot be read: {wrong}") from wrong
    if missing := [name for name in MANDATORY if name not in columns]:
        raise InputError(
            f"the manifest {manifest} lacks {', '.join(missing)}: it needs {', '.join(MANDATORY)} and may have "
            f"{', '.join(OPTIONAL)}; it has {', '.join(name for name in columns if name != PROBLEM)}."
        )
    if nested := [name for name in columns if name in (*MANDATORY, *OPTIONAL) and _type_of(rows, name) in _NESTED]:
        raise InputError(f"the manifest {manifest} has lists or objects in {', '.join(nested)}; deliver plain values.")
    return rows


def _refuse_other_encodings(files: Sequence[str]) -> None:
    for file in files:
        if (line := line_not_utf8(file, refuse_null=True)) is not None:
            raise InputError(f"{file} is not UTF-8, which its line {line:,} shows; save it as UTF-8.")


def _json_lines(spark: SparkSession, files: Sequence[str]) -> DataFrame:
    rows = spark.read.json(
        [literal(file) for file in files], primitivesAsString=True, columnNameOfCorruptRecord=PROBLEM
    )
    if PROBLEM not in rows.columns:
        return rows
    return rows.withColumn(PROBLEM, F.concat(F.lit("no JSON object: "), F.substring(PROBLEM, 1, 200)))


def unknown_columns(rows: DataFrame) -> list[str]:
    """Columns of a manifest that no table takes."""
    return [name for name in rows.columns if name not in (*MANDATORY, *OPTIONAL, PROBLEM)]


def catalogue_rows(manifest_rows: DataFrame, *, manifest: str) -> DataFrame:
    """One typed row per manifest row, with the ``row``, ``reason`` and ``detail`` of a rejection, null when fine.

    Blanks around a value are cut, and one in which nothing is to be seen is null; control characters are taken out of
    texts. A relative uri is taken from the manifest's folder, a page_url is in its normal form (RFC 3986), a locale
    canonical: ``de_AT`` is ``de-AT``. Numbers in created_at are seconds, milli-, micro- or nanoseconds since 1970.

    Of several rows with one image_id the first by (has no flaw, uri, page_url, all other columns) stays and the others
    are rejected as ``image_id#2``, ``#3`` …; rows without an image_id are rejected as ``<manifest file>#1`` … in the
    same order.
    """
    given = _given(manifest_rows)
    typed = given.withColumns(
        {
            "page_url": normal_column(F.col("page_url")),
            "_locale": _canonical(F.col("locale")),
            "_created_at": _time(F.col("created_at")),
        }
    ).withColumn("_flaw", _flaw())
    in_order = [F.col("_flaw").isNotNull(), F.col("uri"), F.col("page_url"), F.to_json(F.struct(*given.columns))]
    nth = F.row_number().over(Window.partitionBy("image_id").orderBy(*in_order))
    has_no_id = F.col("image_id").isNull()
    is_repeated = ~has_no_id & (F.col("nth") > 1)
    nameless = F.concat(F.lit(manifest.rstrip("/").rsplit("/", 1)[-1]), F.lit("#"), F.col("nth"))
    repeated = F.concat("image_id", F.lit("#"), F.col("nth"))
    return typed.withColumn("nth", nth).select(
        "image_id",
        _absolute(F.col("uri"), folder=folder_of(manifest)).alias("uri"),
        "page_url",
        F.coalesce("_locale.tag", "locale").alias("locale"),
        *[name for name in OPTIONAL if name != "created_at"],
        F.col("_created_at").alias("created_at"),
        F.when(has_no_id, nameless).when(is_repeated, repeated).otherwise(F.col("image_id")).alias("row"),
        F.when(is_repeated, DUPLICATE).otherwise(F.col("_flaw.reason")).alias("reason"),
        F.when(~is_repeated, F.col("_flaw.detail")).alias("detail"),
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


def _given(rows: DataFrame) -> DataFrame:
    """Every column as trimmed text, null where it is absent; ``PROBLEM``; and whether ids come as ``_floating``."""
    problem = F.col(PROBLEM) if PROBLEM in rows.columns else F.lit(None).cast("string")
    given = rows.select(
        *[_text(rows, name).alias(name) for name in (*MANDATORY, *OPTIONAL)],
        F.coalesce(problem, _not_utf8(rows)).alias(PROBLEM),
    )
    match _type_of(rows, "image_id"):
        case "float" | "double" | "decimal":
            given = given.withColumn("_floating", F.lit(True))
        case "string":
            # one such id may be a name like another; that all are tells of a column that was numbers with gaps
            are_floating = F.bool_and(F.col("image_id").rlike(_FLOATING)) & F.bool_or(F.col("image_id").rlike("[.eE]"))
            known = given.agg(F.coalesce(are_floating, F.lit(False)).alias("_floating"))
            given = given.crossJoin(F.broadcast(known))
        case _:
            given = given.withColumn("_floating", F.lit(False))
    whole = F.regexp_replace("image_id", r"\.0*$", "")
    return given.withColumn("image_id", F.when(F.col("_floating"), whole).otherwise(F.col("image_id")))


def _not_utf8(rows: DataFrame) -> Column:
    """Which values are no UTF-8, as those of Parquet need not be; null when all are."""
    texts = [n for n in (*MANDATORY, *OPTIONAL) if n in rows.columns and _type_of(rows, n) in ("string", "binary")]
    wrong = [F.when(~F.is_valid_utf8(F.col(name).cast("string")), name) for name in texts]
    named = F.array_compact(F.array(*wrong, F.lit(None).cast("string")))
    return F.when(F.size(named) > 0, F.concat(F.array_join(named, ", "), F.lit(" is not UTF-8")))


def _type_of(rows: DataFrame, name: str) -> str:
    return rows.schema[name].dataType.typeName()


def _text(rows: DataFrame, name: str) -> Column:
    if name not in rows.columns:
        return F.lit(None).cast("string")
    value, kind = F.col(name), _type_of(rows, name)
    if kind in _EXACT_BELOW:
        # 1.23456789012E11 is how such a number is cast; what it cannot hold exactly stays as it is
        is_whole = (value == F.floor(value)) & (F.abs(value) < _EXACT_BELOW[kind])
        return F.when(is_whole, value.try_cast("bigint").cast("string")).when(~F.isnan(value), value.cast("string"))
    text = value.cast("string")
    return told(text) if name in _TEXTS else trimmed(text)


def _flaw() -> Column:
    """Reason and detail of what is wrong with a row by itself; null when nothing is."""
    flaws = [
        (F.col(PROBLEM).isNotNull(), MALFORMED, F.col(PROBLEM)),
        *[(F.col(name).isNull(), f"missing_{name}", F.lit(None)) for name in MANDATORY],
        (
            F.col("_floating") & ~F.col("image_id").rlike(r"^-?\d+$"),
            FLOATING_ID,
            F.concat(
                F.lit("image_id is the floating-point number "),
                "image_id",
                F.lit(", which may not tell all digits; deliver ids as text or as integers"),
            ),
        ),
        (F.col("_locale.problem").isNotNull(), UNKNOWN_LOCALE, F.col("_locale.problem")),
        (
            F.col("created_at").isNotNull() & F.col("_created_at").isNull(),
            UNKNOWN_TIME,
            F.concat(
                F.lit("created_at is "),
                "created_at",
                F.lit("; it must be a time such as 2026-10-01T12:00:00Z, or be counted since 1970"),
            ),
        ),
    ]
    return F.coalesce(
        *[
            F.when(is_so, F.struct(F.lit(why).alias("reason"), said.cast("string").alias("detail")))
            for is_so, why, said in flaws
        ]
    )


def _canonical(locale: Column) -> Column:
    """A struct of its ``tag``, and the ``problem`` with one that has none."""
    return F.udf(lambda text: _tag_or_problem(text), "tag string, problem string")(locale)


def _tag_or_problem(locale: str | None) -> tuple[str | None, str | None]:
    try:
        return (None if locale is None else canonical(locale)), None
    except UnknownLocaleError as unknown:
        return None, str(unknown)


def _time(text: Column) -> Column:
    """The timestamp that text or a number names; null when it names none."""
    number = text.try_cast("decimal(38,9)")
    size = F.abs(number)
    # seconds have ten digits from 2001 to 2286, milliseconds three more, and so on
    micros = (
        F.when(size < 10**8, None)
        .when(size < 10**11, number * 10**6)
        .when(size < 10**14, number * 10**3)
        .when(size < 10**17, number)
        .when(size < 9 * 10**18, number / 10**3)
    )
    # of what ISO 8601 leaves free Spark knows not all: 12:00Z, +0200
    spelled = F.regexp_replace(text, r"([T ]\d\d:\d\d)(?=$|Z|[+-])", "$1:00")
    spelled = F.regexp_replace(spelled, r"(:[\d.]+[+-]\d\d)(\d\d)$", "$1:$2")
    has_a_year = text.rlike(r"^\d{4}(-|$)")  # or Spark takes 12:00 for noon of the day it runs
    return F.when(has_a_year, spelled.try_cast("timestamp")).otherwise(F.timestamp_micros(micros.cast("bigint")))


def _absolute(uri: Column, *, folder: str) -> Column:
    is_absolute = uri.rlike("^(/|[a-zA-Z][a-zA-Z0-9+.-]*:/)")
    return F.when(is_absolute, uri).otherwise(F.concat(F.lit(folder + "/"), uri))
