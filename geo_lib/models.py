"""The one place that turns a model alias into files, and that knows MLflow.

An alias is ``<name>@<alias>``, as in ``vlm@champion``. It is resolved on the driver to a registered
version and a folder; workers are given the folder. Without a tracking URI the registry is an SQLite
file and a folder of artifacts under ``root``; with one, ``root`` holds copies of the server's files.
"""

import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from geo_lib import provenance
from geo_lib.errors import ModelError
from geo_lib.files import appearing

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

VLM, CHAMPION = "vlm", "champion"
VLM_BASE, VLM_CHAMPION = f"{VLM}@base", f"{VLM}@{CHAMPION}"
"""The vision-language model: what it is tuned from, and the version that serves."""
PREFERRED = "preferred"
VLM_PREFERRED = f"{VLM}@{PREFERRED}"
"""The version that learned to prefer what was clicked, from one that was tuned."""
CATEGORIES = "categories"
CATEGORIES_CHAMPION = f"{CATEGORIES}@{CHAMPION}"
"""The model that tells a query's category."""
ELIGIBILITY = "eligibility"
ELIGIBILITY_CHAMPION = f"{ELIGIBILITY}@{CHAMPION}"
"""The model that tells what no page may stand for."""

_EXPERIMENT = "visual-geo"
_ARTIFACT = "model"
_FILES = "files"
_VERSION = "model_version"
_DIGEST = "digest"
_PLACE = "place"
"""Where a version's files are as seen from the registry's own folder: still true after both moved together."""
_METRICS_PER_COMMIT = 500


def made_from(model_version: str) -> str:
    """The tuned version that a preferred one was made from; any other version itself."""
    return model_version.partition(f"-{PREFERRED}-")[0]


def preferred_version(tuned: str, recipe: str) -> str:
    """A name for what is made from ``tuned`` by ``recipe``, from which ``made_from`` reads the first."""
    return f"{tuned}-{PREFERRED}-{recipe}"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model that can be loaded: which one it is, and where its files are."""

    model_version: str
    path: str
    digest: str
    """SHA-256 over names and contents of the files, documentation aside, or the commit of a hub's snapshot."""


class TrainingRun:
    """An open MLflow run. Numbers go there in batches: one commit per step would cost more than the step."""

    def __init__(self, client: "MlflowClient", run_id: str) -> None:
        self.run_id = run_id
        self._client = client
        self._waiting: list[Metric] = []

    def record(self, metrics: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = time.time_ns() // 1_000_000  # MLflow's own bookkeeping, no part of any result
        self._waiting += [Metric(name, value, now, step) for name, value in metrics.items()]
        if len(self._waiting) >= _METRICS_PER_COMMIT:
            self.flush()

    def flush(self) -> None:
        self._client.log_batch(self.run_id, metrics=self._waiting)
        self._waiting = []


class Models:
    """The registry of one lakehouse. MLflow is imported on first use: its import costs seconds."""

    def __init__(
        self,
        root: str,
        *,
        tracking_uri: str | None = None,
        prefix: str = "",
        makers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """``prefix`` is what a shared registry wants before a name, as in ``catalog.schema.``.

        ``makers``: alias to what to type to make it, as in ``geo run train``, for errors to name.
        """
        self._root = root
        self._makers = makers
        self._uri = tracking_uri
        self._prefix = prefix
        self._opened: MlflowClient | None = None

    def prepare(self) -> None:
        """Begin to import MLflow, which takes as long as a session's start, beside whatever comes next."""
        Thread(target=_client_class, daemon=True).start()

    def resolve(self, alias: str) -> ModelFiles:
        """The files of ``name@alias``. Raises ``ModelError`` when nothing carries the alias yet."""
        name, _, tag = alias.partition("@")
        if not tag:
            raise ModelError(f"{alias!r} is no alias: write it as name@alias, as in vlm@champion")
        if (version := self._tagged(name, tag)) is None:
            raise ModelError(f"no model carries the alias {alias}; {self._remedy(alias)}")
        if (files := self._files(version)) is None:
            raise ModelError(
                f"{alias} is {version.tags[_VERSION]}, registered at {version.source}, where there is nothing; "
                f"{self._remedy(alias)}"
            )
        return files

    def find(self, alias: str) -> ModelFiles | None:
        """As ``resolve``, but null when nothing carries the alias, or when its files are gone."""
        name, _, tag = alias.partition("@")
        version = self._tagged(name, tag)
        return None if version is None else self._files(version)

    def known(self, name: str, model_version: str) -> ModelFiles | None:
        """The files registered for this ``model_version``, if they are there: the same one is not trained twice."""
        version = self._registered(name, model_version)
        return None if version is None else self._files(version)

    def point(self, alias: str, model_version: str) -> None:
        """Let ``name@alias`` name this registered version from now on."""
        name, _, tag = alias.partition("@")
        if (version := self._registered(name, model_version)) is None:
            raise ModelError(f"{name} {model_version} is not registered, so {alias} cannot point to it")
        if (now := self._tagged(name, tag)) is None or now.version != version.version:
            self._client.set_registered_model_alias(self._prefix + name, tag, version.version)

    def register(self, name: str, files: ModelFiles) -> None:
        """Make a version of files that no run of ours made, unless it is there.

        Without a server the version names the folder where they lie. A server takes only what it keeps itself,
        so there they are logged as the artifact of a run of their own.
        """
        known = self._registered(name, files.model_version)
        if self._uri is None:
            if known is None or self._place(known) != Path(os.path.normpath(files.path)):
                self._make_version(name, files, source=files.path)
        elif known is None:
            with self.training(name, files.model_version, {}) as run:
                self._log(name, files, run=run)

    @contextmanager
    def training(self, name: str, model_version: str, parameters: Mapping[str, object]) -> Iterator[TrainingRun]:
        """An MLflow run around a training; failed when the block raises, finished when it does not."""
        client = self._client
        experiment = client.get_experiment_by_name(_EXPERIMENT)
        if experiment is not None:
            experiment_id = experiment.experiment_id
        else:
            home = None if self._uri else Path(self._root, "artifacts").absolute().as_uri()
            experiment_id = client.create_experiment(_EXPERIMENT, artifact_location=home)
        run = client.create_run(experiment_id, tags={_VERSION: model_version}, run_name=f"{name}-{model_version}")
        status = "FAILED"
        try:
            for key, value in parameters.items():
                client.log_param(run.info.run_id, key, value)
            training = TrainingRun(client, run.info.run_id)
            yield training
            training.flush()
            status = "FINISHED"
        finally:
            client.set_terminated(run.info.run_id, status)

    def keep(self, name: str, model_version: str, folder: Path, *, run: TrainingRun) -> ModelFiles:
        """Log ``folder`` as the run's model, register it as ``model_version`` and return where it stays."""
        files = ModelFiles(model_version, str(folder), provenance.digest(folder))
        logged = self._files(self._log(name, files, run=run))
        assert logged is not None, "it was logged a moment ago"
        return logged

    def measured(self, name: str, model_version: str, metrics: Mapping[str, float]) -> None:
        """Log what was found of a registered version after its training, in the run that made it."""
        version = self._registered(name, model_version)
        if version is None or not version.run_id:
            raise ModelError(f"{name} {model_version} was not made by a training that is registered")
        for metric, value in metrics.items():
            self._client.log_metric(version.run_id, metric, value)

    def _remedy(self, alias: str) -> str:
        maker = self._makers.get(alias)
        return f"run {maker}, which makes it" if maker else "train it, or register its files under this alias"

    # -- MLflow ---------------------------------------------------------------------------------------------

    @property
    def _client(self) -> "MlflowClient":
        if self._opened is None:
            client = _client_class()
            if self._uri is None:
                Path(self._root).mkdir(parents=True, exist_ok=True)
            uri = self._uri or f"sqlite:///{Path(self._root).absolute()}/mlflow.db"
            self._opened = client(tracking_uri=uri, registry_uri=uri)
        return self._opened

    def _tagged(self, name: str, tag: str) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_model_version_by_alias(self._prefix + name, tag)
        except MlflowException as missing:
            if missing.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    def _registered(self, name: str, model_version: str) -> Any:
        """The newest version with this tag; null when there is none."""
        found = self._client.search_model_versions(f"name = '{self._prefix + name}'")
        matching = [version for version in found if version.tags.get(_VERSION) == model_version]
        return max(matching, key=lambda version: int(version.version), default=None)

    def _log(self, name: str, files: ModelFiles, *, run: TrainingRun) -> Any:
        """Make a version of a copy of these files, which the run keeps."""
        if self._uri is not None:
            self._client.log_artifacts(run.run_id, files.path, _ARTIFACT)
            source = f"{self._client.get_run(run.run_id).info.artifact_uri}/{_ARTIFACT}"
            return self._make_version(name, files, source=source, run=run)
        # an experiment remembers where its artifacts lay when it was made, wherever the lakehouse is by now
        place = Path(self._root, "artifacts", run.run_id, "artifacts", _ARTIFACT).absolute()
        with appearing(place) as half:
            shutil.copytree(files.path, half)
        return self._make_version(name, files, source=str(place), run=run)

    def _make_version(self, name: str, files: ModelFiles, *, source: str, run: TrainingRun | None = None) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(self._prefix + name)
        except MlflowException as there:
            if there.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        tags = {_VERSION: files.model_version, _DIGEST: files.digest}
        if self._uri is None:
            tags[_PLACE] = os.path.relpath(source, self._root)
        return self._client.create_model_version(
            self._prefix + name, source, run_id=None if run is None else run.run_id, tags=tags
        )

    def _files(self, version: Any) -> ModelFiles | None:
        """Where the files of a registered version are on this machine; null when they are gone."""
        path = self._place(version) or self._fetched(version)
        if not path.is_dir():
            return None
        return ModelFiles(version.tags[_VERSION], str(path), version.tags[_DIGEST])

    def _place(self, version: Any) -> Path | None:
        """The folder that a version names, by its place beside the registry first; null for a server's own."""
        if place := version.tags.get(_PLACE):
            beside = Path(os.path.normpath(Path(self._root, place).absolute()))
            if beside.is_dir():
                return beside
        return _local(version.source)

    def _fetched(self, version: Any) -> Path:
        """A server's files, copied once into the lakehouse, where workers read them."""

        def download(here: str) -> str:
            from mlflow.artifacts import download_artifacts

            return str(download_artifacts(artifact_uri=version.source, tracking_uri=self._uri, dst_path=here))

        return _fetched_once(Path(self._root, _FILES, version.tags[_VERSION]), download)


def _client_class() -> "type[MlflowClient]":
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    for noisy in ("alembic", "mlflow"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)  # its import sets it back
    client: type[MlflowClient] = MlflowClient
    return client


def base_files(base: str, *, cache: str) -> ModelFiles:
    """The files of a base model: a folder, or a hub id ``org/name[@revision]``, fetched once into ``cache``.

    Workers read them too: on a cluster both must lie where every node can read. The ``model_version`` is
    ``base-`` and the start of the digest.
    """
    if Path(base).is_dir():
        digest = provenance.digest(base)
        return ModelFiles(f"base-{digest[:12]}", str(Path(base).absolute()), digest)
    if base.startswith((".", "/")) or base.count("/") != 1:
        raise ModelError(f"there is no base model at {base}; give a folder, or a hub id as org/name@revision")
    from huggingface_hub import model_info, snapshot_download

    repository, _, revision = base.partition("@")
    is_commit = re.fullmatch("[0-9a-f]{40}", revision) is not None  # then what is there already needs no network
    commit = revision if is_commit else str(model_info(repository, revision=revision or None).sha)
    path = _fetched_once(
        Path(cache, repository.replace("/", "--"), commit),
        lambda here: snapshot_download(repository, revision=commit, cache_dir=here),
    )
    return ModelFiles(f"base-{commit[:12]}", str(path.absolute()), commit)


def _fetched_once(path: Path, download: Callable[[str], str]) -> Path:
    """``path``, unless it is there a copy of the folder that ``download`` makes within the one it is given.

    That one is on the driver's own disk: a volume takes no writes at an offset.
    """
    if not path.is_dir():
        with appearing(path) as half, tempfile.TemporaryDirectory() as here:
            shutil.copytree(download(here), half)
    return path


def _local(source: str) -> Path | None:
    if source.startswith("file://"):
        from urllib.parse import unquote, urlparse

        return Path(unquote(urlparse(source).path))
    return Path(source) if source.startswith("/") else None
