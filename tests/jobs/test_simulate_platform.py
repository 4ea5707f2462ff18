from pathlib import Path

import pytest

from geo_lib.errors import ConfigError
from jobs.run.job import Context
from jobs.simulate_platform import JOB, SIZES, SimulatePlatform
from schemas.truth_images import TRUTH_IMAGES
from schemas.truth_intents import TRUTH_INTENTS
from schemas.truth_planted import TRUTH_PLANTED


@pytest.mark.slow
def test_the_job_leaves_files_and_their_truth_and_a_rerun_changes_neither(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SIZES, "small", 12)
    knobs = SimulatePlatform(size="small", days=7, processes=1)
    counts = context.run(JOB, knobs)
    truth = context.tables.truth
    versions = [truth.version(table) for table in (TRUTH_IMAGES, TRUTH_INTENTS)]
    images = truth.read(TRUTH_IMAGES).collect()
    intents = truth.read(TRUTH_INTENTS).collect()

    assert counts.rows_in == len(images) + counts.produced["broken files"]
    assert len({row.signature for row in images}) == counts.produced["signatures"]
    assert {row.signature for row in intents} == {row.signature for row in images}
    assert all(row.head == row.paraphrases[0] for row in intents)
    assert len(intents) == 7 * len({(row.signature, row.locale) for row in images})
    assert (Path(context.path("raw")) / "catalogue.parquet").is_file()

    context.run(JOB, knobs)
    assert [truth.version(table) for table in (TRUTH_IMAGES, TRUTH_INTENTS)] == versions


def test_an_unknown_size_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="small, default, large, not huge"):
        SimulatePlatform(size="huge")


def test_the_job_writes_no_table_of_the_main_namespace() -> None:
    assert JOB.writes == ()
    assert JOB.writes_truth == (TRUTH_IMAGES, TRUTH_INTENTS, TRUTH_PLANTED)
