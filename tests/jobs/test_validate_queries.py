"""Every proposal is decided, the counts add up, and deciding again changes nothing."""

from argparse import Namespace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from geo_lib.config import Conf
from geo_lib.embeddings.encoder import PACKAGED, text_model
from geo_lib.errors import ConfigError, TooManyFailedError
from geo_lib.models import ModelFiles
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.serving.settings import AskedVlm, Decoding
from geo_lib.training.linear import LinearHead
from geo_lib.vlm.answers import TASK
from geo_lib.vlm.prompts import PROMPT_VERSION
from jobs.commands import explain
from jobs.run.job import Context
from jobs.validate_queries import JOB, ValidateQueries
from schemas.annotations import ANNOTATIONS
from schemas.generations import GENERATIONS
from schemas.images import IMAGES
from schemas.mined_queries import MINED_QUERIES
from schemas.queries import QUERIES
from schemas.query_decisions import QUERY_DECISIONS
from schemas.query_performance import QUERY_PERFORMANCE
from tests.builders import build
from tests.kit import PROMPT

pytestmark = pytest.mark.slow

ANSWERS = {
    "a": '{"description":["Red Vase","vase red"],"style":["boho vase"],"use_case":["..."]}',
    "b": '{"description":["red vase","a$$hole vase"],"style":[],"use_case":[]}',
    "c": None,
}


@pytest.fixture
def proposed(spark: SparkSession, context: Context) -> Context:
    """Three signatures: an answer with two queries to keep, one with one, and an error; the console knows one query,
    and one that is German. A fourth picture is shown in German."""
    context.models.register("vlm", ModelFiles("m", context.lakehouse, "digest"))
    context.models.point("vlm@champion", "m")
    tables = context.tables
    rows = [{"image_id": f"i-{s}", "signature": s, "split_key": s, "locale": "en"} for s in ANSWERS]
    german = {"image_id": "i-d", "signature": "d", "split_key": "d", "locale": "de"}
    tables.write(IMAGES, build(IMAGES, spark, *rows, german))
    written = [
        {"subject": s, "text": text, "error_class": None if text else "undecodable_image"}
        for s, text in ANSWERS.items()
    ]
    stale = [
        {"subject": "a", "text": '{"description":["no"]}'} | older
        for older in ({"model_version": "older"}, {"prompt": f"{PROMPT}\ntitle: corrected since"})
    ]
    generations = build(
        GENERATIONS,
        spark,
        *written,
        *stale,
        task=TASK,
        model_version="m",
        prompt_version=PROMPT_VERSION,
        decoding_version=Decoding().version,
        prompt=PROMPT,
    )
    tables.append(GENERATIONS, generations, sequence=1)
    seen = {"signature": "a", "query": "red  vase", "impressions": 70}
    astray = {"signature": "a", "query": "freie trauung deko", "impressions": 9}
    mined = build(MINED_QUERIES, spark, seen | {"rank": 1}, astray | {"rank": 2}, retained_by="position")
    tables.write(MINED_QUERIES, mined)
    performance = build(QUERY_PERFORMANCE, spark, seen, seen | {"signature": "b"}, astray, attribution="primary_image")
    tables.write(QUERY_PERFORMANCE, performance)
    return context


def test_every_proposal_is_kept_dropped_or_failed_and_what_is_kept_annotates_its_image(proposed: Context) -> None:
    counts = proposed.run(JOB, ValidateQueries(max_failed_share=0.2))
    assert (counts.rows_in, counts.kept) == (9, 5)
    assert counts.report == "routed to the locale of their language: en to de 1"
    assert dict(counts.dropped) == {"same_words": 1, "blank": 1, "profanity": 1}
    assert dict(counts.failed) == {"undecodable_image": 1}
    annotated = proposed.tables.read(ANNOTATIONS).orderBy("signature", "locale", "position").collect()
    assert [(r["signature"], r["locale"], r["query"], r["sources"]) for r in annotated] == [
        ("a", "de", "freie trauung deko", ["console"]),
        ("a", "en", "red vase", ["console", "vlm"]),
        ("a", "en", "boho vase", ["vlm"]),
        ("b", "en", "red vase", ["vlm"]),
    ]
    queries = {r["query"]: (r["demand"], r["images"]) for r in proposed.tables.read(QUERIES).collect()}
    assert queries == {"red vase": (140, 2), "boho vase": (0, 1), "freie trauung deko": (9, 1)}


def test_the_decisions_explain_every_loss_and_deciding_again_changes_no_table(proposed: Context) -> None:
    proposed.run(JOB, ValidateQueries(max_failed_share=0.2))
    lost = proposed.tables.read(QUERY_DECISIONS).where("not kept").orderBy("signature", "query").collect()
    assert [(r["signature"], r["query"], r["stage"], r["reason"]) for r in lost] == [
        ("a", "...", "normalise", "blank"),
        ("a", "freie trauung deko", "language", "routed"),
        ("a", "vase red", "duplicate", "same_words"),
        ("b", "a$$hole vase", "safety", "profanity"),
        ("c", "", "parse", "undecodable_image"),
    ]
    before = [proposed.tables.version(table) for table in (QUERY_DECISIONS, QUERIES, ANNOTATIONS)]
    proposed.run(JOB, ValidateQueries(max_failed_share=0.2))
    assert [proposed.tables.version(table) for table in (QUERY_DECISIONS, QUERIES, ANNOTATIONS)] == before


def test_what_goes_on_in_another_locale_is_explained_up_to_its_end_there(proposed: Context) -> None:
    proposed.run(JOB, ValidateQueries(max_failed_share=0.2))

    def told(subject: str) -> str:
        out, conf = StringIO(), Conf("test", proposed.lakehouse)
        assert explain.run(Namespace(subject=subject, as_of=None), conf, Console(file=out, width=200)) == 0
        return " ".join(out.getvalue().split())

    of_query = told("freie trauung deko")
    german, english = of_query.split("freie trauung deko · en ·")
    assert "language 1 routed to de (validate_queries.language.min_lean 2.5" in english
    assert "searched: 1 pairs, 9 impressions" in german
    assert "confidence 1 passed" in german
    assert "query: freie trauung deko · use_case · demand 9 · 1 pictures" in german
    of_picture = told("i-a")
    went = "freie trauung deko console en language routed to de"
    assert went in of_picture
    assert "freie trauung deko console de use_case confidence kept" in of_picture.split(went)[1]


def test_what_the_console_has_gets_its_category_from_the_model_that_there_is_and_keeps_how_sure_it_was(
    proposed: Context, tmp_path: Path
) -> None:
    def told() -> dict[str, set[tuple[str, float | None]]]:
        proposed.run(JOB, ValidateQueries(max_failed_share=0.2))
        rows = proposed.tables.read(QUERY_DECISIONS).where("kept and query in ('Red Vase', 'red  vase')").collect()
        return {
            source: {(r["category"], r["category_confidence"]) for r in rows if r["source"] == source}
            for source in ("console", "vlm")
        }

    assert told() == {"console": {("description", None)}, "vlm": {("description", None)}}
    always_style = LinearHead(
        classes=CATEGORIES,
        weights=np.zeros((3, 384), np.float32),
        bias=np.array([0, 5, 0], np.float32),
        temperature=1.0,
        thresholds={"en": {"style": 0.9}},
        encoder=PACKAGED,
        encoder_version=text_model(PACKAGED).model_version,
    )
    always_style.save(tmp_path)
    proposed.models.register("categories", ModelFiles("c", str(tmp_path), "digest"))
    proposed.models.point("categories@champion", "c")
    assert told() == {"console": {("style", 0.987)}, "vlm": {("description", None)}}


def test_a_decoding_that_nothing_was_drawn_with_is_an_error_that_names_it(proposed: Context) -> None:
    with pytest.raises(ConfigError, match=r"no answer of m under decoding .*; run geo annotate-images first"):
        proposed.run(JOB, ValidateQueries(vlm=AskedVlm(decoding=Decoding(max_new_tokens=9))))


def test_too_many_failed_answers_stop_the_job_before_it_writes(proposed: Context) -> None:
    with pytest.raises(TooManyFailedError, match="undecodable_image 1"):
        proposed.run(JOB, ValidateQueries(max_failed_share=0.1))
    assert proposed.tables.read(QUERIES).isEmpty()
