"""What a test session makes once: a migrated registry, a tiny trained model, a real engine; and processes to kill."""

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

import geo_lib
from geo_lib.models import ModelFiles, Models
from geo_lib.provenance import digest
from geo_lib.queries.kinds import CATEGORIES
from geo_lib.tables import Tables
from geo_lib.vlm import prompts
from jobs.run.job import Context
from jobs.run.workflow import ROOT

TINY_BASE = Path(geo_lib.__file__).parent / "demo" / "tiny_vlm"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn image with the queries that should find it."""

    signature: str
    content: bytes
    width: int
    height: int
    queries: Mapping[str, Sequence[str]]

    @property
    def response(self) -> str:
        return prompts.response(self.queries)


def drawn(count: int, *, first: int = 0) -> list[Drawn]:
    """Images of the simulated platform's kind; the same number gives the same bytes."""
    from geo_lib.demo.pictures.draw import draw
    from geo_lib.demo.truth.intents import intents
    from geo_lib.demo.truth.latent import sample_latent, stream_seed

    made = []
    for number in range(first, first + count):
        latent = sample_latent(stream_seed("kit", number))
        picture = draw(latent, stream_seed("kit", number), 112)
        wanted = intents(latent, "en")
        queries = {c: [i.head for i in wanted if i.category == c] for c in CATEGORIES}
        content = png(picture)
        made.append(Drawn(hashlib.sha256(content).hexdigest(), content, *picture.size, queries))
    return made


def png(picture: Image.Image | str, size: tuple[int, int] = (112, 112)) -> bytes:
    """The PNG bytes of a picture, or of one plain colour."""
    stream = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.new("RGB", size, picture)).save(stream, "PNG")
    return stream.getvalue()


def job_context(tables: Tables, models: Models) -> Context:
    """What a job of a test works in: these tables, their stamp and their lakehouse; progress goes nowhere."""
    stamp = tables.stamp
    return Context(
        tables=tables,
        models=models,
        as_of=stamp.as_of,
        simulated=stamp.simulated,
        run_id=stamp.run_id,
        lakehouse=tables.lakehouse,
        progress=lambda done, total, what: None,
    )


PROMPT = f"{prompts.INSTRUCTION}\ntask: queries\nlocale: en"


def python(*argv: str) -> "subprocess.Popen[bytes]":
    """A process group of its own that runs Python in this checkout, so that whatever it starts is killed with it."""
    return subprocess.Popen(
        [sys.executable, *argv], cwd=ROOT, start_new_session=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def kill(process: "subprocess.Popen[bytes]") -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=60)


def await_in(
    process: "subprocess.Popen[bytes]",
    condition: Callable[[], bool],
    *,
    patience: float = 300,
    every: float = 0.02,
    told: Callable[[], str] = str,
) -> None:
    """Wait until something is so while the process still runs; fail when it ends before, or after so many seconds.

    ``every``: seconds between two looks. ``told``: what a failure says beside it.
    """
    deadline = time.monotonic() + patience
    while not condition():
        assert process.poll() is None, f"it ended with {process.returncode} before it was killed: {told()}"
        assert time.monotonic() < deadline, f"still not so after {patience} s: {told()}"
        time.sleep(every)


@pytest.fixture(scope="session")
def tuned_vlm(tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    """The tiny base tuned for seconds on a handful of drawn images: it knows their answers by heart."""
    from geo_lib.serving.processor import bounds_of, load_processor
    from geo_lib.serving.settings import Decoding
    from geo_lib.vlm import greedy
    from geo_lib.vlm.batches import Example
    from geo_lib.vlm.finetune import Recipe, finetune, load, merged
    from geo_lib.vlm.parity import FLOAT32, Question, TrainingAnswers

    processor = load_processor(str(TINY_BASE))
    bounds = bounds_of(processor)
    pictures = drawn(24)
    examples = [Example(p.signature, PROMPT, p.response, bounds.visual_tokens(p.width, p.height)) for p in pictures]
    images = {p.signature: p.content for p in pictures}
    tuned, _ = finetune(
        load(str(TINY_BASE)),
        processor,
        train=examples,
        held_out=(),
        images=images,
        recipe=Recipe(epochs=20, batch_size=4),
    )
    folder = tmp_path_factory.mktemp("tuned_vlm")
    some = examples[:4]
    answers = greedy.written(tuned, processor, some, images, decoding=Decoding(), precision=FLOAT32)
    merged(tuned).save_pretrained(folder)
    processor.save_pretrained(folder)
    questions = [Question(e.signature, e.prompt) for e in some]
    TrainingAnswers(FLOAT32, Decoding(), bounds, questions, answers).save(folder)
    return ModelFiles("tuned-for-tests", str(folder), digest(folder))


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its migrations done: they cost seconds, a copy of the file costs nothing."""
    root = tmp_path_factory.mktemp("registry")
    Models(str(root)).find("nobody@nothing")
    return root / "mlflow.db"


@pytest.fixture
def models(tables: Tables, empty_registry: Path) -> Models:
    """The registry of this test's lakehouse; that of ``context``, too."""
    root = Path(tables.lakehouse, "mlflow")
    root.mkdir(parents=True)
    shutil.copy(empty_registry, root / "mlflow.db")
    return Models(str(root))
