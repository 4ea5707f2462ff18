"""Tell what became of a query or of a picture, stage by stage: what stopped it, why, and which knob decided.

    geo explain "velvet armchair"
    geo explain 3f2a90c1            an image_id, or the first eight or more digits of a signature

Reads the tables alone and runs nothing: it tells of the runs that were, by the knobs that are.
"""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from rich.console import Console

from geo_lib.arms import of_arm
from geo_lib.config import Conf
from geo_lib.errors import InputError
from geo_lib.queries.decisions import STAGES
from geo_lib.queries.text import normalise, query_id
from geo_lib.tables import Tables
from jobs.registry import JOBS
from jobs.run.terminal import print_rows
from jobs.run.workplace import opened
from schemas.collection_items import COLLECTION_ITEMS
from schemas.collections import COLLECTIONS
from schemas.image_annotations import IMAGE_ANNOTATIONS
from schemas.images import IMAGES
from schemas.queries import QUERIES
from schemas.query_decisions import QUERY_DECISIONS
from schemas.query_merges import QUERY_MERGES
from schemas.query_performance import QUERY_PERFORMANCE

EQ_1 = ("mine_queries.many_impressions", "mine_queries.min_impressions", "mine_queries.min_ctr",
        "mine_queries.max_position")  # fmt: skip
OF_STAGE: Mapping[str, Sequence[str]] = {
    "language": ("validate_queries.language.min_lean", "validate_queries.language.min_score"),
    "confidence": ("validate_queries.min_confidence",),
}
OF_TRIP = ("confirm_queries.trip.k",)
OF_MERGE = ("merge_queries.merging.min_similarity",)
OF_COLLECTION: Mapping[str, Sequence[str]] = {
    "too_little_evidence": ("build_collections.min_demand", "build_collections.min_images"),
    "unconfirmed": OF_TRIP,
    "same_wish": ("build_collections.min_wish_overlap",),
    "too_few_items": ("build_collections.min_items",),
    "too_much_filled_up": ("build_collections.min_evidence_share",),
    "unlike_images": ("build_collections.min_coherence",),
    "near_duplicate": ("build_collections.max_overlap", "build_collections.max_similarity"),
}
"""Reason to what decided; other reasons follow from lists and rules, and no knob moves them."""
_SIGNATURE = re.compile(r"[0-9a-f]{8,64}")


def arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("subject", help="a query, an image_id, or the beginning of a signature")


def run(args: argparse.Namespace, conf: Conf, console: Console) -> int:
    with opened(conf, args.as_of, for_jobs=False) as runner:
        told = _Told(runner.tables, conf, console)
        signature = told.signature_of(args.subject)
        found = told.query(args.subject) if signature is None else told.picture(signature)
        if not found:
            raise InputError(
                f"nothing here is called {args.subject}: no image has that image_id or signature, nobody searched for "
                'it and nobody proposed it; geo sql "select * from queries limit 10" shows some that there are'
            )
    return 0


@dataclass(frozen=True, slots=True)
class _Told:
    """A lakehouse, the configuration whose knobs are named, and where it is told."""

    tables: Tables
    conf: Conf
    console: Console

    def signature_of(self, subject: str) -> str | None:
        """The one signature that the subject names as a picture; raises ``InputError`` when it names several."""
        images = self.tables.read(IMAGES)
        named = images["image_id"] == subject
        if _SIGNATURE.fullmatch(subject):
            named |= images["signature"].startswith(subject)
        found = images.where(named).select("signature").distinct().take(2)
        if len(found) > 1:
            raise InputError(f"more than one picture's signature begins with {subject}; give more of its digits")
        return str(found[0]["signature"]) if found else None

    def picture(self, signature: str) -> bool:
        """All that was searched and proposed for a picture, and what it is shown with."""
        images = self.tables.read(IMAGES).where(F.col("signature") == signature).orderBy("image_id").collect()
        for image in images:
            self.say(
                f"image {image['image_id']} · {image['locale']} · {image['title'] or 'no title'} · {signature[:16]}"
            )
        performance = self.tables.read(QUERY_PERFORMANCE).where(F.col("signature") == signature)
        self.say(f"searched: {self.searched(performance)}")
        decided = self.tables.read(QUERY_DECISIONS).where(F.col("signature") == signature)
        rows = [
            (row["query"], row["source"], row["locale"], row["category"], *self.fate(row))
            for row in sorted(_last_stage(decided), key=_in_order)
        ]
        self.table(["proposed", "by", "in", "category", "stage", "became", "decided by"], rows)
        ids = [image["image_id"] for image in images]
        shown = of_arm(self.tables.read(IMAGE_ANNOTATIONS)).where(F.col("image_id").isin(ids))
        annotated = shown.orderBy("image_id", "rank").select(
            "image_id", "rank", "query", "category", "score", "confirmed", "retrieved"
        )
        self.table(
            ["annotated", "rank", "with", "category", "score", "confirmed", f"found again{self.knobs(OF_TRIP)}"],
            [tuple(r) for r in annotated.collect()],
        )
        items = self.tables.read(COLLECTION_ITEMS).where(F.col("image_id").isin(ids))
        on = items.join(self.tables.read(COLLECTIONS).where("state = 'publish'"), on=["collection_id", "family"])
        pages = on.orderBy("image_id", "url").select("image_id", "url", "rank", "evidence", "neighbours")
        self.table(["image", "on page", "rank", "evidence", "neighbours"], [tuple(r) for r in pages.collect()])
        return True

    def query(self, subject: str) -> bool:
        """The way of a query through the stages, in every locale that has it."""
        locales = self.tables.read(IMAGES).select("locale").distinct().orderBy("locale").collect()
        found = [self.query_in(row["locale"], subject) for row in locales]
        return any(found)

    def query_in(self, locale: str, subject: str) -> bool:
        text = normalise(subject, locale=locale)
        own_id = query_id(locale, text)
        in_locale = self.tables.read(QUERY_DECISIONS).where(F.col("locale") == locale)
        is_meant = (F.col("query") == subject) | (F.col("query_id") == own_id)
        became = self.tables.read(QUERIES).where(F.col("locale") == locale)
        became = became.where((F.col("query") == text) | F.array_contains("aliases", text))
        known = became.take(1)
        if known:
            is_meant |= F.col("query_id") == known[0]["query_id"]
        decided = in_locale.where(is_meant)
        spellings = {r["query"].lower() for r in decided.select("query").distinct().collect()} | {subject.lower(), text}
        of_locale = self.tables.read(IMAGES).where(F.col("locale") == locale).select("signature").distinct()
        performance = self.tables.read(QUERY_PERFORMANCE).where(F.lower(F.trim("query")).isin(sorted(spellings)))
        # those of other locales, too, whose queries were routed here
        performance = performance.join(of_locale.union(decided.select("signature")), on="signature", how="left_semi")
        rows = list(self.stages(decided))
        searched = self.searched(performance)
        if not (rows or known or searched != _NEVER):
            return False
        self.say(f"{text} · {locale} · {own_id}")
        self.say(f"searched: {searched}")
        self.table(["stage", "pictures", "became", "decided by"], rows)
        for row in known:
            also = f", also {', '.join(row['aliases'])}" if row["aliases"] else ""
            wanted = f"demand {row['demand']:,} · {row['images']:,} pictures"
            self.say(f"query: {row['query']}{also} · {row['category']} · {wanted}")
            self.collections(self.merged(row["query_id"]))
        return True

    def merged(self, of_query: str) -> str:
        """The query that it goes by, and which others do."""
        merges = self.tables.read(QUERY_MERGES).where("query_id <> canonical_id")
        concerned = (F.col("query_id") == of_query) | (F.col("canonical_id") == of_query)
        texts = self.tables.read(QUERIES).select("query_id", "query")
        named = (
            merges.where(concerned)
            .join(texts, on="query_id", how="inner")
            .join(texts.toDF("canonical_id", "canonical"), on="canonical_id", how="inner")
            .orderBy("query")
        )
        canonical = of_query
        for row in named.collect():
            near = f"(cosine {row['cosine']:.3f}){self.knobs(OF_MERGE)}"
            if row["query_id"] == of_query:
                canonical = row["canonical_id"]
                self.say(f"merged: goes by {row['canonical']} {near}")
            else:
                self.say(f"merged: {row['query']} goes by it {near}")
        return canonical

    def collections(self, of_query: str) -> None:
        rows = self.tables.read(COLLECTIONS).where(F.col("query_id") == of_query).collect()
        for row in rows:
            why = "; ".join(f"{reason}{self.knobs(OF_COLLECTION.get(reason, ()))}" for reason in row["reasons"])
            self.say(f"collection: {row['state']} {row['url']} · {row['items']:,} images{f' · {why}' if why else ''}")
        if not rows:
            self.say(f"collection: none{self.knobs(OF_COLLECTION['too_little_evidence'])}")

    def stages(self, decided: DataFrame) -> Iterator[tuple[object, ...]]:
        """(stage, how many, what became of them, which knobs decided) in the stages' order."""
        n = F.count_distinct("signature").alias("n")
        fates = decided.groupBy("stage", "reason", "routed_to").agg(n).collect()
        for row in sorted(fates, key=lambda it: (STAGES.index(it["stage"]), it["reason"] or "", it["routed_to"] or "")):
            became = "passed" if row["reason"] is None else _reason(row)
            yield (
                row["stage"],
                row["n"],
                became,
                "" if row["reason"] is None else self.knobs(OF_STAGE.get(row["stage"], ())),
            )

    def fate(self, row: Row) -> tuple[str, str, str]:
        """The stage where a proposal ended, what it became there, and by which knobs."""
        if row["reason"] is None:
            return row["stage"], "kept", ""
        instead = f" (say: {row['suggestion']})" if row["suggestion"] else ""
        return row["stage"], f"{_reason(row)}{instead}", self.knobs(OF_STAGE.get(row["stage"], ()))

    def searched(self, performance: DataFrame) -> str:
        """What the console has, and what Eq. 1 made of it."""
        sums = [
            F.count_distinct("signature", "query").alias("n"),
            F.sum("impressions").alias("i"),
            F.sum("clicks").alias("c"),
        ]
        rows = performance.groupBy("retained_by").agg(*sums).collect()
        if not rows:
            return _NEVER
        clauses = ", ".join(f"{r['n']:,} by {r['retained_by']}" for r in rows if r["retained_by"]) or "none"
        pairs, seen, clicked = (sum(r[name] or 0 for r in rows) for name in ("n", "i", "c"))
        return f"{pairs:,} pairs, {seen:,} impressions, {clicked:,} clicks; Eq. 1 keeps {clauses}{self.knobs(EQ_1)}"

    def knobs(self, names: Sequence[str]) -> str:
        """The knobs with their values, in brackets; nothing where none decides."""
        told = []
        for name in names:
            job, _, path = name.partition(".")
            value: Any = attrgetter(path)(self.conf.knobs(job, JOBS[job].knobs))
            told.append(f"{name} {value:g}" if isinstance(value, int | float) else f"{name} {value}")
        return f" ({', '.join(told)})" if told else ""

    def say(self, line: str) -> None:
        self.console.print(line)

    def table(self, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            print_rows(columns, rows, "table", self.console)


_NEVER = "never, as far as the console tells"


def _reason(row: Row) -> str:
    """The reason code, and where to a proposal went that goes on elsewhere."""
    return str(row["reason"]) if row["routed_to"] is None else f"{row['reason']} to {row['routed_to']}"


def _in_order(row: Row) -> tuple[Any, ...]:
    """By source and place there, where it came from before where it went to."""
    return row["source"], row["position"], row["routed_to"] is None


def _last_stage(decided: DataFrame) -> list[Row]:
    """The row of the last stage that each proposal reached, in each locale that it was judged in."""
    last: dict[tuple[object, ...], Row] = {}
    for row in decided.collect():
        key = (row["locale"], row["source"], row["model_version"], row["position"])
        if key not in last or STAGES.index(row["stage"]) > STAGES.index(last[key]["stage"]):
            last[key] = row
    return list(last.values())
