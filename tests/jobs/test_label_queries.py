"""Every picture is labelled or has a typed error, nobody pays twice, and money or a fault ends a run in order."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from geo_lib.demo.oracle.behaviour import Behaviour
from geo_lib.demo.oracle.chat import Answerer, Reply
from geo_lib.demo.oracle.oracle import MODEL, Oracle
from geo_lib.demo.truth.intents import intents
from geo_lib.demo.truth.latent import sample_latent, stream_seed
from geo_lib.errors import ConfigError, EndpointError, TooManyFailedError
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.serving.endpoints import Prices
from geo_lib.vlm import answers as asked_vlm
from geo_lib.vlm.oracle_labels import INSTRUCTION, TASK, asked, chosen
from jobs.label_queries import JOB, LabelQueries
from jobs.run.job import Context
from schemas.generations import GENERATIONS
from schemas.images import IMAGES
from schemas.oracle_queries import ORACLE_QUERIES
from tests.builders import build
from tests.jobs.labelling import TEN_DOLLARS, knobs, later, oracle, put, stored
from tests.kit import drawn


def test_every_picture_is_labelled_or_says_why_not_and_a_rerun_asks_nothing(context: Context, tmp_path: Path) -> None:
    pictures = drawn(7)
    put(context, pictures)
    with oracle(tmp_path, pictures[:6]) as server:  # the last one it does not know, and refuses
        priced = replace(server.endpoint, prices=Prices(prompt=2.5, output=10.0), most_dollars=5.0)
        counts = context.run(JOB, knobs(priced, chunk_pictures=4, max_failed_share=0.2))
        assert (counts.rows_in, counts.kept, dict(counts.failed)) == (7, 6, {"refused": 1})
        assert counts.produced["asked_now"] == 7
        rows = {row["subject"]: row for row in stored(context)}
        assert set(rows) == {p.signature for p in pictures}
        for row in rows.values():
            assert (row["task"], row["endpoint"], row["model_version"]) == ("labels", "oracle", MODEL)
            assert row["cost_dollars"] == pytest.approx((2.5 * row["prompt_tokens"] + 10 * row["output_tokens"]) / 1e6)
        refused = rows[pictures[6].signature]
        assert (refused["text"], refused["error_class"]) == (None, "refused")
        total = sum(row["cost_dollars"] for row in rows.values())
        assert counts.report == f"{total:.2f} of 5.00 dollars of 2026-10 spent at oracle"

        labels = context.tables.read(ORACLE_QUERIES).collect()
        assert {row["signature"] for row in labels} == {p.signature for p in pictures[:6]}
        for n, picture in enumerate(pictures[:6]):
            latent = sample_latent(stream_seed("kit", n))
            true = {(i.category, wording) for i in intents(latent, "en") for wording in i.paraphrases}
            own = [row for row in labels if row["signature"] == picture.signature]
            assert {(row["category"], row["query"]) for row in own} <= true
            assert sorted((row["category"], row["position"]) for row in own) == [
                *[(CATEGORIES[0], 1), (CATEGORIES[0], 2), (CATEGORIES[1], 1), (CATEGORIES[1], 2)],
                *[(CATEGORIES[2], place) for place in (1, 2, 3)],
            ]
        asked_before = len(server.lines())
        versions = [context.tables.version(table) for table in (GENERATIONS, ORACLE_QUERIES)]
        again = later(context).run(JOB, knobs(priced, chunk_pictures=4, max_failed_share=0.2))
        assert (again.kept, again.produced["asked_now"]) == (6, 0)
        assert len(server.lines()) == asked_before
    assert [context.tables.version(table) for table in (GENERATIONS, ORACLE_QUERIES)] == versions


@pytest.mark.slow
def test_the_budget_ends_a_run_in_order_with_one_chunk_too_many_at_most_and_the_next_goes_on(
    context: Context, tmp_path: Path
) -> None:
    pictures = drawn(6)
    put(context, pictures)
    with oracle(tmp_path, pictures) as server:
        tight = replace(server.endpoint, prices=TEN_DOLLARS, most_dollars=6.0)  # some two pictures
        counts = context.run(JOB, knobs(tight, chunk_pictures=1))
        labelled, spent = counts.kept, sum(row["cost_dollars"] for row in stored(context))
        assert 0 < labelled < 6
        assert (counts.rows_in, dict(counts.dropped), dict(counts.failed)) == (6, {"over_budget": 6 - labelled}, {})
        assert counts.report.splitlines()[0] == (
            f"budget reached: {labelled} of 6 labelled; raise most_dollars or run again next month"
        )
        assert _before_the_last_commit(context) < 6.0 <= spent
        assert {row["signature"] for row in context.tables.read(ORACLE_QUERIES).collect()} == set(server.answered())

        assert later(context).run(JOB, knobs(tight, chunk_pictures=1)).kept == labelled
        assert server.answered().total() == labelled, "nothing was asked in a month whose money is spent"
        november = later(context, "next-month", date(2026, 11, 1))
        of_november = november.run(JOB, knobs(tight, chunk_pictures=1))
        assert labelled < of_november.kept < 6, "another month, another budget"
        raised = replace(tight, most_dollars=1000.0)
        assert later(context, "raised").run(JOB, knobs(raised, chunk_pictures=1)).kept == 6
        assert server.answered() == {p.signature: 1 for p in pictures}


def _before_the_last_commit(context: Context) -> float:
    """Dollars that the answers had cost when all but the last chunk were committed."""
    last = int(context.tables.version(GENERATIONS).split("@")[1])
    reader = context.spark.read.format("delta").option("versionAsOf", last - 1)
    rows = reader.load(f"{context.tables.lakehouse}/tables/geo/generations").collect()
    return float(sum(row["cost_dollars"] for row in rows))


@pytest.mark.slow
def test_what_other_jobs_spent_at_the_endpoint_this_month_counts(context: Context, tmp_path: Path) -> None:
    pictures = drawn(2)
    put(context, pictures)
    row = {"task": "judgements", "subject": "x", "text": "{}", "cost_dollars": 20.0, "endpoint": "oracle"}
    elsewhere, earlier = row | {"endpoint": "judge", "subject": "y"}, row | {"subject": "z"}
    spark = context.spark
    context.tables.append(GENERATIONS, build(GENERATIONS, spark, elsewhere), sequence=7)
    later(context, "september", date(2026, 9, 30)).tables.append(
        GENERATIONS, build(GENERATIONS, spark, earlier), sequence=7
    )
    with oracle(tmp_path, pictures) as server:
        priced = replace(server.endpoint, prices=Prices(prompt=1.0), most_dollars=15.0)
        assert later(context, "first").run(JOB, knobs(priced, most_pictures=1)).kept == 1
        context.tables.append(GENERATIONS, build(GENERATIONS, spark, row), sequence=8)
        counts = later(context, "second").run(JOB, knobs(priced, most_pictures=2))
        assert (counts.kept, dict(counts.dropped)) == (1, {"over_budget": 1})
        assert counts.report.splitlines()[1] == "20.00 of 15.00 dollars of 2026-10 spent at oracle"


@pytest.mark.slow
def test_a_key_that_is_refused_stops_with_a_sentence_and_nothing_is_lost(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = drawn(3)
    put(context, pictures)
    with oracle(tmp_path, pictures, key="right") as server:
        keyed = replace(server.endpoint, key="A_KEY_OF_A_TEST")
        monkeypatch.delenv("A_KEY_OF_A_TEST", raising=False)
        with pytest.raises(ConfigError, match="A_KEY_OF_A_TEST, which is not set"):
            context.run(JOB, knobs(keyed))
        monkeypatch.setenv("A_KEY_OF_A_TEST", "right")
        assert context.run(JOB, knobs(keyed, most_pictures=1)).kept == 1
        monkeypatch.setenv("A_KEY_OF_A_TEST", "wrong")
        with pytest.raises(
            EndpointError, match=r"the endpoint oracle at http.* refuses the key .*into A_KEY_OF_A_TEST"
        ):
            later(context, "wrong").run(JOB, knobs(keyed))
        assert len(stored(context)) == 1
        assert context.tables.read(ORACLE_QUERIES).count() == 7
        monkeypatch.setenv("A_KEY_OF_A_TEST", "right")
        assert later(context, "right").run(JOB, knobs(keyed)).kept == 3
        assert server.answered() == {p.signature: 1 for p in pictures}


@pytest.mark.slow
def test_an_endpoint_that_is_gone_is_a_sentence_and_answers_that_are_malformed_too_many(
    context: Context, tmp_path: Path
) -> None:
    pictures = drawn(3)
    put(context, pictures)
    with oracle(tmp_path, pictures) as server:
        gone = replace(server.endpoint, attempts=1)
    with pytest.raises(
        EndpointError, match=r"oracle at http://127.* has answered none of 3 requests \(unavailable: .*run"
    ):
        context.run(JOB, knobs(gone))
    assert stored(context) == []
    with oracle(tmp_path, pictures, Behaviour(malformed=1.0)) as server:
        with pytest.raises(TooManyFailedError, match=r"3 of 3 pictures failed.*not_json 3"):
            later(context, "malformed").run(JOB, knobs(server.endpoint))
        assert {row["error_class"] for row in stored(context)} == {"not_json"}
        assert len(server.lines()) == 6, "each was asked once more"
        with pytest.raises(TooManyFailedError):
            later(context, "again").run(JOB, knobs(server.endpoint))
        assert len(server.lines()) == 6, "and never again: they were paid for"


@pytest.mark.slow
def test_an_endpoint_that_counts_nothing_is_asked_for_no_more_than_a_chunk_of_a_budget(
    context: Context, tmp_path: Path
) -> None:
    pictures = drawn(6)
    put(context, pictures)

    def uncounted(oracle: Oracle) -> Answerer:
        def answer(body: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
            reply = oracle(body, headers)
            return replace(reply, body={**reply.body, "usage": None})  # type: ignore[dict-item]

        return answer

    with oracle(tmp_path, pictures, through=uncounted) as server:
        priced = replace(server.endpoint, prices=TEN_DOLLARS, most_dollars=15.0)
        with pytest.raises(
            EndpointError, match=r"oracle at http.* does not say what \d of its answers took \(usage\), so nobody can"
        ):
            context.run(JOB, knobs(priced, chunk_pictures=2))
        assert 0 < len(stored(context)) == len(server.lines()) < 6
        assert context.tables.read(ORACLE_QUERIES).count() == 7 * len(stored(context))
        assert later(context, "free").run(JOB, knobs(server.endpoint)).kept == 6, "who charges nothing need not count"


@pytest.mark.slow
def test_a_run_that_gives_up_fails_whatever_share_was_answered_before(context: Context, tmp_path: Path) -> None:
    pictures = drawn(6)
    put(context, pictures)
    with oracle(tmp_path, pictures) as server:
        gone = replace(server.endpoint, attempts=1)
        assert context.run(JOB, knobs(server.endpoint, most_pictures=2)).kept == 2
    with pytest.raises(
        EndpointError, match=r"answered none of \d requests .*; [1-3] more pictures were not asked about"
    ):
        later(context).run(JOB, knobs(gone, chunk_pictures=2, max_failed_share=1.0))
    assert later(context, "bare").run(JOB, knobs(gone, max_failed_share=1.0)).failed == {"unavailable": 4}


@pytest.mark.slow
def test_a_range_without_pictures_makes_no_commit(context: Context, tmp_path: Path) -> None:
    pictures = [p for p in drawn(16) if p.signature < "8"][:4]  # none in the upper ranges
    put(context, pictures)
    context.tables.read(GENERATIONS)  # makes the table
    log = Path(context.tables.lakehouse) / "tables" / "geo" / "generations" / "_delta_log"
    before = set(log.glob("*.json"))
    with oracle(tmp_path, drawn(16)) as server:
        assert context.run(JOB, knobs(server.endpoint, chunk_pictures=1)).kept == len(pictures)
    commits = sorted(set(log.glob("*.json")) - before)
    assert 1 < len(commits) < len(pictures)
    assert all('"add"' in commit.read_text() for commit in commits)


def test_a_platform_without_an_endpoint_has_nothing_to_label_until_it_is_asked_to(context: Context) -> None:
    put(context, drawn(1))
    assert context.run(JOB, LabelQueries()).rows_in == 0
    with pytest.raises(ConfigError, match=r"settings\.endpoints has no oracle, and there is none"):
        context.run(JOB, LabelQueries(most_pictures=1))


def test_labels_are_no_answers_of_the_model_that_annotates(context: Context) -> None:
    (picture,) = drawn(1)
    put(context, [picture])
    images = context.tables.read(IMAGES)
    (question,) = asked_vlm.asked(images).collect()
    version = {"model_version": "m", "prompt_version": "p", "decoding_version": "d"}
    row = {"subject": picture.signature, "prompt": question["prompt"], "text": "{}", **version}
    rows = build(GENERATIONS, context.spark, row | {"task": TASK}, row | {"task": asked_vlm.TASK, "text": "own"})
    assert [r["text"] for r in asked_vlm.answers(rows, images, **version).collect()] == ["own"]


@pytest.mark.transform
def test_the_oracle_is_told_what_the_catalogue_knows_and_shown_the_pictures_of_a_page(spark: SparkSession) -> None:
    known = {"title": "Oak\n<|im_end|> chair", "description": "A chair.", "board_title": "Home"}
    own = {"image_id": "2", "signature": "b", "page_url": "x", "locale": "en", "creator_category": "Interiors"} | known
    rows = [own, own | {"image_id": "1", "signature": "a"}, own | {"image_id": "3", "signature": "c"},
            {"image_id": "4", "signature": "d", "page_url": "y", "locale": "de"}]  # fmt: skip
    images = build(IMAGES, spark, *rows)
    alone = {row["signature"]: row for row in asked(images, pictures_per_record=1).collect()}
    assert alone["d"]["prompt"] == f"{INSTRUCTION}\nlocale: de"
    assert alone["b"]["prompt"] == (
        f"{INSTRUCTION}\nlocale: en\ntitle: Oak im_end chair\ndescription: A chair.\nboard: Home\n"
        "creator category: Interiors"
    )
    assert {s: row["shown"] for s, row in alone.items()} == {s: [s] for s in "abcd"}
    together = {row["signature"]: row for row in asked(images, pictures_per_record=2).collect()}
    assert {s: row["shown"] for s, row in together.items()} == {
        "a": ["a", "b"], "b": ["b", "a"], "c": ["c", "a"], "d": ["d"],
    }  # fmt: skip
    assert together["b"]["prompt"] == alone["b"]["prompt"] + "\npictures: 2"
    assert together["d"]["prompt"] == alone["d"]["prompt"]


@pytest.mark.transform
def test_more_pictures_add_to_those_that_were_chosen_before(spark: SparkSession) -> None:
    rows = [{"image_id": str(n), "signature": str(n), "locale": "en"} for n in range(20)]
    every = asked(build(IMAGES, spark, *rows), pictures_per_record=1)
    few, many = ({row["signature"] for row in chosen(every, most=most).collect()} for most in (5, 12))
    assert (len(few), len(many)) == (5, 12)
    assert few < many


@pytest.mark.slow
def test_several_pictures_of_a_page_are_sent_together(context: Context, tmp_path: Path) -> None:
    pictures = drawn(3)
    put(context, pictures, page_url="one-page")
    with oracle(tmp_path, pictures) as server:
        assert context.run(JOB, knobs(server.endpoint, pictures_per_record=2)).kept == 3
        signatures = [p.signature for p in pictures]
        assert sorted(line["digests"] for line in server.lines()) == sorted(
            [[signatures[0], signatures[1]], [signatures[1], signatures[0]], [signatures[2], signatures[0]]]
        )
