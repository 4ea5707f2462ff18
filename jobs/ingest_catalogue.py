"""Bring the image catalogue in: its manifest, and every picture that the manifest names.

    geo ingest-catalogue --conf conf/local.yml --as-of 2026-10-30

Reads a manifest (Parquet, CSV or JSONL) and, of the image files, those that are new or have changed; writes images,
image_bytes, their ledger picture_sources and the catalogue's rejected_rows. It runs again when the manifest changes;
whether a picture was replaced in place is looked at every recheck_days, and with --force.
"""

import logging
import re
from dataclasses import dataclass, field
from functools import partial

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from geo_lib.catalogue import manifest, stored
from geo_lib.catalogue.delivery import UnwantedUseError
from geo_lib.catalogue.fetch import fetched
from geo_lib.catalogue.ledger import believed, looked_up, outcomes, to_take
from geo_lib.catalogue.web import Web, take
from geo_lib.config import not_negative, zero_to_one
from geo_lib.counts import Counts
from geo_lib.errors import ConfigError, TooManyRemovedError
from geo_lib.provenance import code_digest, version_of
from geo_lib.spark import held, settled
from jobs.run.job import Context, Job
from schemas.image_bytes import IMAGE_BYTES
from schemas.images import IMAGES
from schemas.picture_sources import PICTURE_SOURCES
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
    recheck_days: int = 7
    """Days after which it is looked at whether a picture was replaced in place, by size and time; 0: at each run."""
    grace_days: int = 14
    """Days for which a picture that was there, and is missing or broken now, keeps its row."""
    web: Web = field(default_factory=Web)
    """How pictures at http and https addresses are asked for."""
    max_failed_share: float = 0.05
    max_removed_share: float = 0.2
    """Share of the catalogue as it stands that a manifest may leave out: one that came cut off must not delete it."""

    def __post_init__(self) -> None:
        zero_to_one(self, "max_failed_share", "max_removed_share")
        not_negative(self, "recheck_days", "grace_days")
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
    # each step stands on rows, not on the plan of all before it, which costs a small catalogue most of its minutes
    rows = settled(manifest.catalogue_rows(delivered, manifest=knobs.manifest))
    _refuse_to_empty(ctx.read(IMAGES), rows, knobs)  # before anything is asked for
    reader = _reader(knobs)
    asked = settled(
        looked_up(
            rows.where("reason is null"),
            believed(ctx.read(PICTURE_SOURCES), ctx.read(IMAGE_BYTES)),
            reader=reader,
            as_of=ctx.as_of,
            recheck_days=knobs.recheck_days,
            everything=ctx.forced,
        )
    )
    taken = fetched(
        to_take(asked),
        longest_side=knobs.longest_side,
        tasks=knobs.fetch_tasks,
        take=partial(take, web=knobs.web),
        connections_per_host=knobs.web.connections_per_host,
    )
    with held(taken, StorageLevel.DISK_ONLY) as taken:  # three tables and the counts come from one reading
        pictures = settled(
            outcomes(
                asked,
                taken,
                reader=reader,
                as_of=ctx.as_of,
                grace_days=knobs.grace_days,
                at_once=[UnwantedUseError.reason],
            )
        )
        judged = settled(manifest.with_pictures(rows, pictures))
        is_failure = F.coalesce(F.col("reason") != UnwantedUseError.reason, F.lit(False))  # a wish is none
        counts = Counts.tallied(judged, failed=is_failure, rows_in=delivered.count(), produced=_produced(pictures))
        rejected = judged.where("reason is not null").select(
            F.lit(CATALOGUE).alias("source"), "row", "reason", "detail"
        )
        ctx.write(REJECTED_ROWS, rejected, slices=[CATALOGUE])
        if counts.dropped:
            allowed = judged.where(is_failure | F.col("reason").isNull())
            _refuse_to_empty(ctx.read(IMAGES), allowed, knobs, allowed=True)
        counts.refuse_above(knobs.max_failed_share, unit=JOB.unit)
        shown = judged.where("reason is null").select("signature").distinct()
        gone = ctx.read(IMAGE_BYTES).select("signature").join(shown, on="signature", how="left_anti")
        ctx.write(IMAGE_BYTES, manifest.image_bytes(judged, taken), gone=gone, is_unique=True)
        ctx.write(IMAGES, manifest.images(judged, split_key_pattern=knobs.split_key_pattern), is_unique=True)
        found = pictures.where("reason is null").select(*PICTURE_SOURCES.schema.names)
        ctx.write(PICTURE_SOURCES, found, is_unique=True)  # last, so that it knows of nothing that is not there
        return counts


def _reader(knobs: IngestCatalogue) -> str:
    """What, beside the bytes that come, decides what image_bytes holds."""
    web = knobs.web
    chosen = [web.variant_pattern, web.variant, web.honour_noai]
    return version_of(longest_side=knobs.longest_side, chosen=chosen, code=code_digest(stored.__name__))


def _produced(pictures: DataFrame) -> dict[str, int]:
    """How many addresses were looked at, gave a picture to take in, and are missed but in their grace."""
    named = {"looked_at": F.col("is_due"), "taken": F.col("is_taken"), "missing": F.col("missing_since").isNotNull()}
    figures = pictures.agg(*[F.count_if(condition).alias(name) for name, condition in named.items()]).first()
    assert figures is not None, "an aggregate over everything is one row"
    return figures.asDict()


def _refuse_to_empty(stored: DataFrame, rows: DataFrame, knobs: IngestCatalogue, *, allowed: bool = False) -> None:
    """Raise ``TooManyRemovedError`` when the manifest would remove more of the ``stored`` images than is allowed."""
    named = rows.select("image_id", F.lit(True).alias("is_named")).distinct()
    known = stored.select("image_id").join(named, on="image_id", how="left")
    figures = known.agg(F.count("*").alias("images"), F.count_if(F.col("is_named").isNull()).alias("gone")).first()
    assert figures is not None, "an aggregate over everything is one row"
    if figures["gone"] > knobs.max_removed_share * figures["images"]:
        allowed_by = " that their servers allow to use" if allowed else ""
        raise TooManyRemovedError(
            f"{knobs.manifest} names {figures['images'] - figures['gone']:,} of the {figures['images']:,} images in "
            f"the catalogue{allowed_by}; the other {figures['gone']:,} would be removed, and max_removed_share allows "
            f"{knobs.max_removed_share:.0%}. Nothing was changed. Look whether the manifest came whole; if those "
            "images are gone for good, set jobs: ingest_catalogue: {max_removed_share: 1} for one run"
        )


def files(knobs: IngestCatalogue) -> tuple[str, ...]:
    """The manifest; of pictures it knows which to look at again, and when."""
    return (knobs.manifest,) if knobs.manifest else ()


JOB = Job(
    name="ingest_catalogue",
    knobs=IngestCatalogue,
    run=run,
    unit="catalogue rows",
    writes=(IMAGES, IMAGE_BYTES, PICTURE_SOURCES),
    shares=(REJECTED_ROWS,),
    files=files,
)
