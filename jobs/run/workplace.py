"""What a command works in: a session, the lakehouse's tables, its registry of models, under one run id."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

from geo_lib import provenance, spark
from geo_lib.config import Conf
from geo_lib.errors import ConfigError
from geo_lib.files import can_append
from geo_lib.models import Models
from geo_lib.tables import Stamp, Tables
from jobs.registry import makers
from jobs.run.runner import Runner


@contextmanager
def opened(conf: Conf, as_of: date | None, *, for_jobs: bool = True) -> Iterator[Runner]:
    """A runner with a session of its own, which starts when it is needed, and is stopped if it was started here.

    ``for_jobs``: jobs will be run, and whether they are up to date asks the registry of models.
    """
    stamp = Stamp(
        run_id=f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        as_of=as_of or conf.as_of or datetime.now(UTC).date(),
        code_commit=provenance.code_commit(),
        simulated=conf.simulated,
    )
    models = registry(conf)
    if for_jobs:
        models.prepare()
    session = spark.Later(conf.spark)
    is_anothers = session.started is not None
    try:
        tables = Tables(session, conf.lakehouse, stamp, schema=conf.schema, catalog=conf.catalog)
        yield Runner(tables, models, conf.lakehouse, conf.root)
    finally:
        if session.started is not None and not is_anothers and "DATABRICKS_RUNTIME_VERSION" not in os.environ:
            session.started.stop()


def registry(conf: Conf) -> Models:
    """The models of the MLflow server that the target names, else of an SQLite file in the lakehouse."""
    if conf.mlflow is None and not can_append(conf.lakehouse):
        raise ConfigError(
            f"{conf.target}.yml names no mlflow server, and the lakehouse {conf.lakehouse} takes no SQLite file; set "
            "mlflow: to the tracking URI of a server"
        )
    if conf.mlflow is not None and conf.mlflow.startswith("databricks"):
        raise ConfigError(
            f"{conf.target}.yml has mlflow: {conf.mlflow}, and Databricks' own registries do not do: the workspace's "
            "has no aliases, Unity Catalog's wants a signature; give the tracking URI of an MLflow server, https://…"
        )
    prefix = f"{conf.catalog}.{conf.schema}." if conf.catalog else ""
    return Models(f"{conf.lakehouse}/mlflow", tracking_uri=conf.mlflow, prefix=prefix, makers=makers())
