"""A platform that has no search-console export: labels of an oracle teach, and the model's word comes to pages."""

import json
from pathlib import Path
from typing import Any

import pytest

from geo_lib import config
from geo_lib.counts import Counts
from geo_lib.errors import ConfigError
from geo_lib.models import ModelFiles
from geo_lib.serving.settings import Decoding
from geo_lib.vlm.answers import TASK
from geo_lib.vlm.prompts import PROMPT_VERSION
from geo_lib.vlm.settings import BaseVlm
from jobs import (
    build_collections,
    build_index,
    build_training_set,
    confirm_queries,
    embed_images,
    embed_queries,
    ingest_search_console,
    merge_queries,
    mine_queries,
    plan_links,
    publish_pages,
    rank_annotations,
    validate_queries,
)
from jobs.build_collections import BuildCollections
from jobs.run.job import Context
from jobs.run.workflow import ROOT
from schemas.annotations import ANNOTATIONS
from schemas.collections import COLLECTIONS
from schemas.console_days import CONSOLE_DAYS
from schemas.generations import GENERATIONS
from schemas.images import IMAGES
from schemas.oracle_queries import ORACLE_QUERIES
from schemas.query_decisions import QUERY_DECISIONS
from schemas.training_examples import TRAINING_EXAMPLES
from tests.builders import build
from tests.jobs.labelling import put
from tests.kit import PROMPT, TINY_BASE, drawn

pytestmark = pytest.mark.slow

WISHES = (
    {"description": ["oak table"], "style": ["cottage kitchen style"], "use_case": ["sunday breakfast for four"]},
    {"description": ["pine desk"], "style": ["minimalist office style"], "use_case": ["how to work from home"]},
    {"description": ["birthday cake"], "style": ["retro party look"], "use_case": ["surprise for a sister"]},
)
"""What the oracle says of a third of the pictures each, and what the model has learned to say."""


def labelled(context: Context) -> None:
    pictures = drawn(9)
    put(context, pictures)
    said = {picture.signature: WISHES[n % 3] for n, picture in enumerate(pictures)}
    labels = [
        {"signature": s, "locale": "en", "category": category, "query": query, "position": 1}
        for s, wishes in said.items()
        for category, queries in wishes.items()
        for query in queries
    ]
    context.tables.write(ORACLE_QUERIES, build(ORACLE_QUERIES, context.spark, *labels))
    context.models.register("vlm", ModelFiles("m", context.lakehouse, "digest"))
    context.models.point("vlm@champion", "m")
    answers = [{"subject": s, "text": json.dumps(wishes)} for s, wishes in said.items()]
    version = {"model_version": "m", "prompt_version": PROMPT_VERSION, "decoding_version": Decoding().version}
    written = build(GENERATIONS, context.spark, *answers, task=TASK, prompt=PROMPT, error_class=None, **version)
    context.tables.append(GENERATIONS, written, sequence=1)


def test_labels_alone_teach_the_model_and_its_word_alone_comes_to_pages_that_say_so(context: Context) -> None:
    labelled(context)
    conf = config.load(ROOT / "conf" / "no_console.yml")
    steps: list[tuple[Any, Any]] = [
        (ingest_search_console, conf.knobs("ingest_search_console", ingest_search_console.IngestSearchConsole)),
        (mine_queries, mine_queries.MineQueries()),
        (build_training_set, build_training_set.BuildTrainingSet(vlm=BaseVlm(str(TINY_BASE)), min_queries=3)),
        (validate_queries, validate_queries.ValidateQueries()),
        (embed_queries, embed_queries.EmbedQueries()),
        (merge_queries, merge_queries.MergeQueries()),
        (confirm_queries, confirm_queries.ConfirmQueries()),
        (embed_images, embed_images.EmbedImages()),
        (build_index, build_index.BuildIndex()),
        (build_collections, BuildCollections(min_items=3, min_coherence=0.0)),
        (rank_annotations, rank_annotations.RankAnnotations()),
        (plan_links, plan_links.PlanLinks()),
        (publish_pages, publish_pages.PublishPages(site_url="https://x.test/")),
    ]
    counts: dict[str, Counts] = {job.JOB.name: context.run(job.JOB, knobs) for job, knobs in steps}

    assert "no query is mined" in counts["ingest_search_console"].report
    assert (counts["mine_queries"].rows_in, counts["mine_queries"].produced["mined"]) == (0, 0)
    examples = context.tables.read(TRAINING_EXAMPLES).collect()
    assert len(examples) == 9
    for row in examples:
        assert set(row["from_oracle"]) == {*row["description"], *row["style"], *row["use_case"]}
    assert {r["sources"][0] for r in context.tables.read(ANNOTATIONS).collect()} == {"vlm"}
    assert counts["build_collections"].report == (
        "the console heard nobody in en: pages there stand on the model's word alone"
    )
    titles = {r["title"] for r in context.tables.read(COLLECTIONS).where("state = 'publish'").collect()}
    assert len(titles) == 3, "one page for what three pictures share, however it is said"
    decided = context.tables.read(QUERY_DECISIONS).where("reason = 'unsupported_demographic'")
    assert {r["query"] for r in decided.collect()} == {"surprise for a sister"}, "no picture says that it is for one"
    assert counts["confirm_queries"].produced == {"retrieved": 24}, "of nine pictures each is among the nearest fifty"
    site = Path(context.path("site"))
    assert sum(title in (site / "index.html").read_text() for title in titles) == 3


def test_an_export_that_was_taken_in_is_not_forgotten_because_no_folder_is_named(context: Context) -> None:
    day = build(CONSOLE_DAYS, context.spark, {})
    context.tables.write(CONSOLE_DAYS, day)
    context.tables.write(IMAGES, build(IMAGES, context.spark))
    without = ingest_search_console.IngestSearchConsole(path=None)
    with pytest.raises(ConfigError, match="1 days of one stand in search_console; name its folder again"):
        context.run(ingest_search_console.JOB, without)
