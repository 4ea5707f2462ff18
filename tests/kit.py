"""What a test session makes once: a migrated registry, a tiny trained model, a real engine."""

import shutil
from pathlib import Path

import pytest

from geo_lib.models import Models
from geo_lib.tables import Tables


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
