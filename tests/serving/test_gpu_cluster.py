"""One engine per GPU, on executors of their own."""

from contextlib import suppress
from pathlib import Path

import pytest

from tests.kit import kill, python


@pytest.mark.slow
def test_two_executors_with_a_gpu_each_have_two_engines_and_no_third_however_many_chunks_they_answer(
    tmp_path: Path,
) -> None:
    cluster = python("-m", "tests.serving.gpu_cluster", str(tmp_path))
    try:
        assert cluster.wait(timeout=240) == 0
    finally:
        with suppress(ProcessLookupError):
            kill(cluster)
    engines = dict(line.split() for line in (tmp_path / "engines").read_text().splitlines())
    assert len(engines) == 2
    assert sorted(engines.values()) == ["0", "1"], "each sees the device that its executor discovered"
    answers = (tmp_path / "answers").read_text().splitlines()
    assert len(answers) == 4 * 16
    assert set(answers) == engines.keys(), "both answer"
