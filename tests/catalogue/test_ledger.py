"""Which addresses are looked at again, and what becomes of those that give no picture any more."""

from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from geo_lib.catalogue.fetch import _FETCHED
from geo_lib.catalogue.ledger import believed, looked_up, outcomes, to_take
from geo_lib.spark import local_frame
from schemas.image_bytes import IMAGE_BYTES
from schemas.picture_sources import PICTURE_SOURCES
from tests.builders import build

pytestmark = pytest.mark.transform
TODAY = date(2026, 10, 30)


def days_ago(n: int) -> date:
    return TODAY - timedelta(days=n)


def source(uri: str, **columns: Any) -> dict[str, Any]:
    known = {"uri": uri, "signature": "s", "reader": "r", "address": uri, "size": 9, "mtime_ns": 1, "checked": TODAY}
    return known | columns


def ledger_of(spark: SparkSession, *sources: dict[str, Any]) -> Any:
    return build(PICTURE_SOURCES, spark, *sources)


def outcome(spark: SparkSession, known: dict[str, Any] | None, came: dict[str, Any], *, as_of: date = TODAY) -> Row:
    """Of one due address what becomes of it, when ``came`` is what it gave."""
    ledger = ledger_of(spark, *([known] if known else []))
    rows = local_frame(spark, [("a",)], "uri string")
    asked = looked_up(rows, ledger, reader="new", as_of=as_of, recheck_days=0, everything=False)
    fetched = local_frame(spark, [tuple(({"uri": "a"} | came).get(n) for n in _FETCHED.names)], _FETCHED)
    (row,) = outcomes(asked, fetched, reader="new", as_of=as_of, grace_days=14, at_once=["noai"]).collect()
    return row


def test_an_address_is_looked_at_when_it_is_new_old_missing_or_made_by_another_reader(spark: SparkSession) -> None:
    sources = [
        source("fresh", checked=days_ago(6)),
        source("old", checked=days_ago(7)),
        source("missing", missing_since=days_ago(1), trouble="missing_file"),
        source("other reader", reader="q"),
        source("no longer named"),
    ]
    uris = ["fresh", "fresh", "old", "missing", "other reader", "new"]
    rows = local_frame(spark, [(uri,) for uri in uris], "uri string")
    ledger = ledger_of(spark, *sources)
    asked = looked_up(rows, ledger, reader="r", as_of=TODAY, recheck_days=7, everything=False)
    assert {r.uri: r.is_due for r in asked.collect()} == dict.fromkeys(uris, True) | {"fresh": False}
    assert {r.uri: r.mtime_ns for r in to_take(asked).collect()} == {
        "old": 1,
        "missing": 1,
        "new": None,
        "other reader": None,  # nothing to compare with: what stands there was made in another way
    }
    forced = looked_up(rows, ledger, reader="r", as_of=TODAY, recheck_days=7, everything=True)
    assert all(r.is_due for r in forced.collect())


def test_of_the_ledger_only_what_has_its_picture_is_believed(spark: SparkSession) -> None:
    ledger = ledger_of(spark, source("a", signature="s"), source("b", signature="deleted"))
    stored = build(IMAGE_BYTES, spark, {"signature": "s", "width": 1, "height": 1})
    assert [r.uri for r in believed(ledger, stored).collect()] == ["a"]


def test_a_picture_that_came_is_noted_with_its_new_mark_and_one_that_did_not_change_keeps_its_signature(
    spark: SparkSession,
) -> None:
    missing = source("a", checked=days_ago(9), missing_since=days_ago(3), trouble="timed_out")
    came = outcome(spark, missing, {"signature": "t", "address": "a", "size": 8, "mtime_ns": 2})
    assert (came.signature, came.size, came.mtime_ns, came.checked, came.reader) == ("t", 8, 2, TODAY, "new")
    assert (came.missing_since, came.trouble, came.reason) == (None, None, None)
    same = outcome(spark, missing, {"address": "a", "size": 9, "mtime_ns": 1})
    assert (same.signature, same.checked, same.missing_since, same.reason) == ("s", TODAY, None, None)
    assert (came.is_taken, same.is_taken) == (True, False)


@pytest.mark.parametrize(("since", "is_kept"), [(None, True), (13, True), (14, False)])
def test_a_picture_that_was_there_keeps_its_row_for_the_days_of_grace(
    spark: SparkSession, since: int | None, is_kept: bool
) -> None:
    seen = source("a", checked=days_ago(20))
    if since is not None:
        seen |= {"missing_since": days_ago(since), "trouble": "timed_out"}
    row = outcome(spark, seen, {"reason": "missing_file", "detail": "no file at a"})
    assert row.reason == (None if is_kept else "missing_file")
    assert row.detail == (None if is_kept else "no file at a")
    if is_kept:
        assert (row.signature, row.checked, row.reader, row.trouble) == ("s", days_ago(20), "r", "missing_file")
        assert row.missing_since == days_ago(since or 0)


def test_there_is_no_grace_for_a_picture_that_was_never_there_or_may_not_be_used(spark: SparkSession) -> None:
    assert outcome(spark, None, {"reason": "missing_file"}).reason == "missing_file"
    assert outcome(spark, source("a"), {"reason": "noai"}).reason == "noai"
