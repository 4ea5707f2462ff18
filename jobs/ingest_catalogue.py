"""Bring the image catalogue in: its manifest, and every picture that the manifest names.

    geo ingest-catalogue --conf conf/local.yml --as-of 2026-10-30

Reads a manifest (Parquet, CSV or JSONL) and the image files; writes images, image_bytes and the catalogue's
rejected_rows.
"""

import logging
import re
from dataclasses import dataclass

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.catalogue import manifest
from geo_lib.catalogue.fetch import fetched
from geo_lib.config import zero_to_one
from geo_lib.counts import Counts
from geo_lib.errors import ConfigError, TooManyRemovedError
from geo_lib.files import folder_of
from geo_lib.spark import held
from jobs.run.job import Context, Job
from schemas.image_bytes import IMAGE_BYTES
from schemas.images import IMAGES
from schemas.rejected_rows import CATALOGUE, REJECTED_ROWS

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IngestCatalogue:
    """The knobs of this job; conf/*.yml may set any of them."""

    manifest: str = ""
    """Address of the manifest; a relative uri in it is taken from its folder."""
    split_key_pattern: str | None = None
    """Regular expression with one group over image_id that names the thing shown; none: the picture's bytes."""
    longest_side: int = 736
    """Pixels; larger pictures are scaled down (the size that the method's images are fetched at)."""
    fetch_tasks: int = 8
    """Tasks that share the fetching and decoding."""
    max_failed_share: float = 0.05
    max_removed_share: float = 0.2
    """Share of the catalogue as it stands that a manifest may leave out: one that came cut off must not delete it."""

    def __post_init__(self) -> None:
        zero_to_one(self, "max_failed_share", "max_removed_share")
        if self.longest_side < 28:
            raise ConfigError(f"ingest_catalogue.longest_side must be at least 28 pixels, not {self.longest_side}")
        if self.split_key_pattern is not None and re.compile(self.split_key_pattern).groups != 1:
            raise ConfigError(
                f"ingest_catalogue.split_key_pattern needs exactly one group, not "
                f"{re.compile(self.split_key_pattern).groups}: {self.split_key_pattern}"
            )


def run(ctx: Context, knobs: IngestCatalogue) -> Counts:
    if not knobs.manifest:
        raise ConfigError("ingest_catalogue.manifest names no file; set it in the configuration.")
    spark = ctx.spark
    delivered = manifest.read(spark, knobs.manifest)
    if unknown := manifest.unknown_columns(delivered):
        log.info("%s: columns that nothing reads: %s", knobs.manifest, ", ".join(unknown))
    rows = manifest.catalogue_rows(delivered, manifest=knobs.manifest)
    _refuse_to_empty(ctx.read(IMAGES), rows, knobs)
    accepted = rows.where("reason is null")
    pictures = fetched(accepted, longest_side=knobs.longest_side, tasks=knobs.fetch_tasks)
    with held(pictures, StorageLevel.DISK_ONLY) as pictures:  # three tables and the counts come from one reading
        judged = manifest.with_pictures(rows, pictures)
        counts = Counts.tallied(judged, failed=True, rows_in=delivered.count())
        rejected = judged.where("reason is not null").select(
            F.lit(CATALOGUE).alias("source"), "row", "reason", "detail"
        )
        ctx.write(REJECTED_ROWS, rejected, slices=[CATALOGUE])
        counts.refuse_above(knobs.max_failed_share, unit=JOB.unit)
        ctx.write(IMAGE_BYTES, manifest.image_bytes(judged, pictures))
        ctx.write(IMAGES, manifest.images(judged, split_key_pattern=knobs.split_key_pattern))
        return counts


def _refuse_to_empty(stored: DataFrame, rows: DataFrame, knobs: IngestCatalogue) -> None:
    """Raise ``TooManyRemovedError`` when the manifest would remove more of the ``stored`` images than is allowed."""
    named = rows.select("image_id", F.lit(True).alias("is_named")).distinct()
    known = stored.select("image_id").join(named, on="image_id", how="left")
    figures = known.agg(F.count("*").alias("images"), F.count_if(F.col("is_named").isNull()).alias("gone")).first()
    assert figures is not None, "an aggregate over everything is one row"
    if figures["gone"] > knobs.max_removed_share * figures["images"]:
        raise TooManyRemovedError(
            f"{knobs.manifest} names {figures['images'] - figures['gone']:,} of the {figures['images']:,} images in "
            f"the catalogue; the other {figures['gone']:,} would be removed, and max_removed_share allows "
            f"{knobs.max_removed_share:.0%}. Nothing was changed. Look whether the manifest came whole; if those "
            "images are gone for good, set jobs: ingest_catalogue: {max_removed_share: 1} for one run"
        )


def files(knobs: IngestCatalogue) -> tuple[str, ...]:
    """The folder of the manifest, where relative addresses lead."""
    return (folder_of(knobs.manifest),) if knobs.manifest else ()


JOB = Job(
    name="ingest_catalogue",
    knobs=IngestCatalogue,
    run=run,
    unit="catalogue rows",
    writes=(IMAGES, IMAGE_BYTES),
    shares=(REJECTED_ROWS,),
    files=files,
)
