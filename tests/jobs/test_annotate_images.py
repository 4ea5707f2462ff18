"""Only what is missing is generated, in commits of a chunk each, on the real engine."""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from geo_lib.errors import TooManyFailedError
from geo_lib.models import ModelFiles
from geo_lib.serving.chunks import hash_ranges
from geo_lib.serving.requests import Generation, Prepared, Request, Server
from geo_lib.serving.settings import AskedVlm, Decoding
from geo_lib.serving.vllm import EngineSpec
from geo_lib.tables import Tables
from geo_lib.vlm.answers import asked
from geo_lib.vlm.prompts import INSTRUCTION
from jobs import annotate_images
from jobs.annotate_images import JOB, AnnotateImages, requests_of
from jobs.run.job import Context
from schemas.generations import GENERATIONS
from schemas.image_bytes import IMAGE_BYTES
from schemas.images import IMAGES
from tests.builders import build
from tests.jobs.labelling import later
from tests.kit import TINY_BASE, drawn

pytestmark = pytest.mark.slow


def put(
    context: Context,
    spark: SparkSession,
    *contents: tuple[str, bytes],
    corrected: Mapping[str, dict[str, str]] | None = None,
) -> None:
    """One catalogue row and its stored bytes per (signature, content); ``corrected``: columns of a signature's row."""
    rows = [
        {"image_id": f"i-{s}", "signature": s, "split_key": s, "locale": "en"} | (corrected or {}).get(s, {})
        for s, _ in contents
    ]
    context.tables.write(IMAGES, build(IMAGES, spark, *rows))
    stored = [{"signature": s, "bytes": bytearray(content)} for s, content in contents]
    context.tables.write(IMAGE_BYTES, build(IMAGE_BYTES, spark, *stored, width=112, height=112))


def champion(context: Context, files: ModelFiles) -> None:
    context.models.register("vlm", files)
    context.models.point("vlm@champion", files.model_version)


def commits(tables: Tables) -> int:
    return int(tables.version(GENERATIONS).split("@")[1])


def test_new_signatures_are_answered_once_and_an_answered_one_never_again(
    spark: SparkSession, context: Context, tuned_vlm: ModelFiles
) -> None:
    champion(context, tuned_vlm)
    pictures = [(p.signature, p.content) for p in drawn(5)]
    put(context, spark, *pictures[:4])
    context.tables.read(GENERATIONS)  # makes the empty table
    empty = commits(context.tables)
    begun = time.monotonic()
    counts = context.run(JOB, AnnotateImages(chunk_signatures=2))
    wall = time.monotonic() - begun
    assert commits(context.tables) == empty + 2, "a commit per chunk"
    spent = {name: value for name, value in counts.measured.items() if name.endswith("_seconds")}
    assert set(spent) == {f"{what}_seconds" for what in ("read", "start", "decode", "engine", "write")}
    assert min(value for name, value in spent.items() if name != "start_seconds") > 0, "an engine may be there already"
    assert spent["start_seconds"] + spent["engine_seconds"] < wall
    assert sum(spent.values()) < 4 * wall, "a thread reads, one decodes, one asks and one writes"
    asking = sum(r["output_tokens"] for r in context.tables.read(GENERATIONS).collect())
    rates = (counts.measured["images_per_second"], counts.measured["tokens_per_second"])
    assert rates[1] / rates[0] == pytest.approx(asking / 4, rel=0.01)
    assert wall - spent["start_seconds"] > 4 / rates[0] > spent["engine_seconds"]
    assert (counts.rows_in, counts.kept, counts.produced["generated_now"]) == (4, 4, 4)

    first = {r["subject"]: r for r in context.tables.read(GENERATIONS).collect()}
    assert len(first) == 4
    assert {r["model_version"] for r in first.values()} == {"tuned-for-tests"}
    before = context.tables.version(GENERATIONS)
    again = context.run(JOB, AnnotateImages(chunk_signatures=2))
    assert (again.produced["generated_now"], again.measured, again.report) == (0, {}, "")
    assert context.tables.version(GENERATIONS) == before

    put(context, spark, *pictures)
    assert later(context).run(JOB, AnnotateImages()).produced["generated_now"] == 1
    rows = context.tables.read(GENERATIONS).collect()
    assert len(rows) == 5
    assert {r["subject"]: r["text"] for r in rows if r["run_id"] == "test-run"} == {
        s: r["text"] for s, r in first.items()
    }


def test_a_chunk_opens_the_files_of_its_pictures_and_no_others(spark: SparkSession, context: Context) -> None:
    contents = [(sha256(bytes([n])).hexdigest(), b"picture") for n in range(100)]
    spark.conf.set("spark.sql.files.maxRecordsPerFile", "5")
    try:
        put(context, spark, *contents)
    finally:
        spark.conf.unset("spark.sql.files.maxRecordsPerFile")
    pictures, missing = context.tables.read(IMAGE_BYTES), asked(context.tables.read(IMAGES))
    chunks = [requests_of(chunk, missing.localCheckpoint(), pictures) for chunk in hash_ranges(10)]
    assert sum(chunk.count() for chunk in chunks) == len(contents)
    files = len(pictures.inputFiles())
    assert files >= 20
    assert sum(len(chunk.inputFiles()) for chunk in chunks) <= files + len(chunks) - 1


def test_another_decoding_or_a_corrected_prompt_is_another_question_and_leaves_what_was_answered(
    spark: SparkSession, context: Context, tuned_vlm: ModelFiles
) -> None:
    champion(context, tuned_vlm)
    pictures = [(p.signature, p.content) for p in drawn(3)]
    put(context, spark, *pictures)
    context.run(JOB, AnnotateImages())

    short = later(context, "shorter").run(JOB, AnnotateImages(vlm=AskedVlm(decoding=Decoding(max_new_tokens=4))))
    assert (short.produced["generated_now"], short.produced["cut_off"], short.produced["output_tokens"]) == (3, 3, 12)

    wrong = pictures[1][0]
    put(context, spark, *pictures, corrected={wrong: {"locale": "de", "title": "Eiche"}})
    counts = later(context).run(JOB, AnnotateImages())
    assert (counts.rows_in, counts.kept, counts.produced["generated_now"]) == (3, 3, 1)
    rows = context.tables.read(GENERATIONS).collect()
    assert [(r["subject"], r["prompt"]) for r in rows if r["run_id"] == "later"] == [
        (wrong, f"{INSTRUCTION}\ntask: queries\nlocale: de\ntitle: Eiche")
    ]
    assert sum(r["subject"] == wrong for r in rows) == 3
    assert len(rows) == 7, "the answers to the old prompt and of the other decoding stay as a record"

    put(context, spark, *pictures)
    assert later(context).run(JOB, AnnotateImages()).produced["generated_now"] == 0, "the old prompt has its answer"


def test_a_bad_image_is_an_error_that_stays_and_what_a_setting_cures_is_asked_again(
    spark: SparkSession, context: Context, tuned_vlm: ModelFiles
) -> None:
    champion(context, tuned_vlm)
    put(context, spark, *[(p.signature, p.content) for p in drawn(2)], ("broken", b"no picture"))
    no_room_for_a_prompt = AnnotateImages(vlm=AskedVlm(max_model_len=280), max_failed_share=1.0)
    counts = context.run(JOB, no_room_for_a_prompt)
    assert (counts.rows_in, counts.kept) == (3, 0)
    assert dict(counts.failed) == {"too_many_tokens": 2, "undecodable_image": 1}
    kept = [(r["text"], r["error_class"]) for r in context.tables.read(GENERATIONS).collect()]
    assert kept == [(None, "undecodable_image")]

    counts = later(context).run(JOB, AnnotateImages(max_failed_share=0.4))
    assert (counts.rows_in, counts.kept, dict(counts.failed)) == (3, 2, {"undecodable_image": 1})
    assert counts.produced["generated_now"] == 2
    with pytest.raises(TooManyFailedError, match=r"1 of 3 signatures failed.*undecodable_image 1"):
        later(context).run(JOB, AnnotateImages(max_failed_share=0.1))


def deadly() -> Callable[[EngineSpec], Server]:
    """What loads, in the place of an engine, one that a picture kills, as no real engine would at will."""

    class Deadly:
        at_once = 8

        def prepare(self, request: Request) -> Prepared:
            return request.images[0]

        def generate(self, prepared: Sequence[Prepared]) -> list[Generation]:
            if b"poison" in prepared:
                os.kill(os.getpid(), signal.SIGKILL)
            return [Generation(text="{}", finish_reason="stop", output_tokens=1) for _ in prepared]

    return lambda spec: Deadly()


def test_a_picture_that_kills_its_worker_is_kept_as_lost_and_every_other_is_answered(
    spark: SparkSession, context: Context, tuned_vlm: ModelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion(context, tuned_vlm)
    monkeypatch.setattr(annotate_images, "engine", deadly())
    put(context, spark, ("a", b"oak"), ("b", b"poison"), ("c", b"ash"), ("d", b"elm"))
    counts = context.run(JOB, AnnotateImages(max_failed_share=0.25))
    assert (counts.rows_in, counts.kept, dict(counts.failed)) == (4, 3, {"worker_lost": 1})
    rows = {r["subject"]: r for r in context.tables.read(GENERATIONS).collect()}
    assert {s: r["error_class"] for s, r in rows.items()} == {"a": None, "b": "worker_lost", "c": None, "d": None}
    assert rows["b"]["prompt"] == f"{INSTRUCTION}\ntask: queries\nlocale: en"
    assert later(context).run(JOB, AnnotateImages(max_failed_share=0.25)).produced["generated_now"] == 0


def test_a_new_picture_that_kills_its_worker_is_lost_where_an_old_one_is_answered_again(
    spark: SparkSession, context: Context, tuned_vlm: ModelFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion(context, tuned_vlm)
    monkeypatch.setattr(annotate_images, "engine", deadly())
    put(context, spark, ("b", b"poison"))
    with pytest.raises(Exception, match="Python worker exited unexpectedly"):
        context.run(JOB, AnnotateImages())
    put(context, spark, ("a", b"oak"))
    assert context.run(JOB, AnnotateImages()).kept == 1
    put(context, spark, ("a", b"oak"), ("b", b"poison"))
    counts = later(context).run(JOB, AnnotateImages(max_failed_share=0.5))
    assert (counts.kept, dict(counts.failed)) == (1, {"worker_lost": 1})
    assert later(context).run(JOB, AnnotateImages(max_failed_share=0.5)).produced["generated_now"] == 0
    assert context.tables.read(GENERATIONS).count() == 2, "what was asked again is not kept again"


def noting(log: Path) -> Callable[[EngineSpec], Server]:
    """What loads, in the place of an engine, one that answers at once and notes what it is asked."""

    class Noting:
        at_once = 8

        def prepare(self, request: Request) -> Prepared:
            return request.id

        def generate(self, prepared: Sequence[Prepared]) -> list[Generation]:
            with log.open("a") as asked:
                asked.writelines(f"{signature}\n" for signature in prepared)
            return [Generation(text="{}", finish_reason="stop", output_tokens=1) for _ in prepared]

    return lambda spec: Noting()


def test_keeping_answers_beside_the_engine_asks_for_none_of_them_again(
    spark: SparkSession, context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    champion(context, ModelFiles("base", str(TINY_BASE), "base"))
    monkeypatch.setattr(annotate_images, "engine", noting(tmp_path / "asked"))
    signatures = [sha256(bytes([n])).hexdigest() for n in range(12)]
    put(context, spark, *[(signature, b"picture") for signature in signatures])
    assert context.run(JOB, AnnotateImages(chunk_signatures=3)).kept == 12
    assert sorted((tmp_path / "asked").read_text().split()) == sorted(signatures)
