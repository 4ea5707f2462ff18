"""Every text is judged or says why not, many in a request, nobody pays twice, and money ends a run in order."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from geo_lib.demo.oracle.behaviour import Behaviour
from geo_lib.demo.strays.strays import HARMLESS, KINDS, Stray, strays
from geo_lib.queries.eligibility.heads import HEADS
from geo_lib.queries.text import normalise
from geo_lib.serving.endpoints import Endpoint, Prices
from jobs.judge_queries import JOB, JudgeQueries
from jobs.run.job import Context
from schemas.generations import GENERATIONS
from schemas.images import IMAGES
from schemas.query_judgements import QUERY_JUDGEMENTS
from schemas.query_performance import QUERY_PERFORMANCE
from tests.builders import build
from tests.jobs.labelling import later, oracle

SOUND = Behaviour(wrong=0.0, misjudged=0.0)


def some(each: int) -> list[Stray]:
    """So many strays of each kind, and of fit ones, in each locale."""
    groups: dict[tuple[str, str], list[Stray]] = {}
    for stray in strays():
        groups.setdefault((stray.locale, stray.kind or HARMLESS), []).append(stray)
    return [stray for group in groups.values() for stray in group[:each]]


def put(context: Context, typed: Sequence[Stray], searched: Sequence[str] = ()) -> str:
    """The file that was typed into, and what English pictures were found by."""
    images = [{"image_id": "i", "signature": "s", "split_key": "s", "locale": "en", "page_url": "p"}]
    context.tables.write(IMAGES, build(IMAGES, context.spark, *images))
    rows = [{"signature": "s", "query": query, "attribution": "primary_image"} for query in searched]
    context.tables.write(QUERY_PERFORMANCE, build(QUERY_PERFORMANCE, context.spark, *rows))
    path = Path(context.lakehouse, "typed.csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(("locale", "query"))
        lines.writerows((stray.locale, stray.query) for stray in typed)
    return str(path)


def knobs(endpoint: Endpoint, typed: str, **more: Any) -> JudgeQueries:
    default = JudgeQueries(endpoints={"oracle": endpoint}, most_queries=1000, typed=typed, texts_per_request=10)
    return replace(default, **more)


def test_every_text_gets_the_oracles_judgement_and_a_rerun_asks_only_about_new_ones(
    context: Context, tmp_path: Path
) -> None:
    typed = some(4)
    path = put(context, typed, searched=["  Red   VASE ", "red vase", 'vase "ignore', "blue lamp"])
    with oracle(tmp_path, [], SOUND) as server:
        counts = context.run(JOB, knobs(server.endpoint, path))
        assert (counts.rows_in, counts.kept) == (len(typed) + 3, len(typed) + 3)
        requests = counts.produced["requests_now"]
        assert requests == len(server.lines()) == 6  # 24 and 27 texts, ten in each
        rows = context.tables.read(QUERY_JUDGEMENTS).collect()
        said = {(r["locale"], normalise(r["query"], locale=r["locale"])): {h for h in HEADS if r[h]} for r in rows}
        for stray in typed:
            key = stray.locale, normalise(stray.query, locale=stray.locale)
            assert said[key] == ({stray.kind} if stray.kind else set()), stray
        assert said["en", "red vase"] == said["en", "blue lamp"] == set()
        assert {row["task"] for row in context.tables.read(GENERATIONS).collect()} == {"judgements"}

        versions = [context.tables.version(table) for table in (GENERATIONS, QUERY_JUDGEMENTS)]
        again = later(context).run(JOB, knobs(server.endpoint, path))
        assert (again.kept, again.produced["requests_now"]) == (len(typed) + 3, 0)
        assert [context.tables.version(table) for table in (GENERATIONS, QUERY_JUDGEMENTS)] == versions

        put(context, typed, searched=["green rug"])
        more = later(context, "more").run(JOB, knobs(server.endpoint, path))
        assert (more.kept, more.produced["requests_now"]) == (len(typed) + 1, 1)
        assert len(server.lines()) == requests + 1


def test_the_budget_ends_a_run_in_order_and_what_is_refused_is_asked_about_once(
    context: Context, tmp_path: Path
) -> None:
    typed = some(2)
    path = put(context, typed)
    priced = Prices(prompt=1e6 / 400)  # a request is some 400 tokens: about a dollar
    with oracle(tmp_path, [], replace(SOUND, refused=0.3)) as server:
        tight = replace(server.endpoint, prices=priced, most_dollars=1.5)
        asked = knobs(tight, path, texts_per_request=4, chunk_requests=1, max_failed_share=1.0)
        counts = context.run(JOB, asked)
        assert 0 < counts.produced["requests_now"] < 6
        assert counts.dropped["over_budget"] == 24 - 4 * counts.produced["requests_now"]
        assert "budget reached" in counts.report
        rich = replace(asked, endpoints={"oracle": replace(tight, most_dollars=1000.0)})
        rest = later(context).run(JOB, rich)
        assert rest.kept + rest.failed["refused"] == 24
        assert rest.failed["refused"] > 0
        assert later(context, "again").run(JOB, rich).produced["requests_now"] == 0
        assert len(server.lines()) == 6


def test_where_nobody_is_to_judge_nobody_is_asked(context: Context) -> None:
    counts = context.run(JOB, JudgeQueries())
    assert (counts.rows_in, counts.kept) == (0, 0)
    left = context.tables.version(QUERY_JUDGEMENTS)
    assert left != "absent", "whoever reads it next would make it"
    assert context.tables.read(QUERY_JUDGEMENTS).isEmpty()
    assert context.tables.version(QUERY_JUDGEMENTS) == left


@pytest.mark.parametrize("locale", ["de", "en"])
def test_the_oracle_knows_every_kind_and_fit_texts_in_every_language(locale: str) -> None:
    assert {stray.kind for stray in strays() if stray.locale == locale} == {*KINDS, None}
    assert set(KINDS) == set(HEADS)
