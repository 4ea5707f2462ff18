"""Real pictures and words, with figures that were counted apart from this code."""

import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from geo_lib import config
from jobs import ingest_catalogue, ingest_search_console, mine_queries
from jobs.run.job import Context
from jobs.run.workflow import ROOT

CORPUS = Path(os.environ.get("GEO_STICKERS", ROOT / ".." / "shared" / "corpora" / "stickers"))

pytestmark = [
    pytest.mark.stickers,
    pytest.mark.skipif(not CORPUS.is_dir(), reason=f"there is no corpus at {CORPUS}; GEO_STICKERS names it"),
]


def test_eq_1_keeps_of_the_stickers_what_was_counted_by_hand(context: Context) -> None:
    conf = config.load(ROOT / "conf" / "stickers.yml")
    asked = replace(context, as_of=date(2026, 10, 28))
    for module, knobs in (
        (ingest_catalogue, ingest_catalogue.IngestCatalogue),
        (ingest_search_console, ingest_search_console.IngestSearchConsole),
    ):
        asked.run(module.JOB, conf.knobs(module.JOB.name, knobs))
    counts = asked.run(mine_queries.JOB, conf.knobs("mine_queries", mine_queries.MineQueries))
    assert counts.produced == {
        "pairs": 92_334,
        "retained_by_impressions": 63,
        "retained_by_ctr": 0,
        "retained_by_position": 26_480,
        "mined": 26_503,
        "signatures": 2_923,
    }
