"""The one place that asks for a Spark session, and that knows what a small machine and Delta need.

Locally a session of its own with Delta's two jars; on Databricks, or wherever a session already runs,
that one. Settings and their measured effect: docs/decisions/0001-spark-session.md.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark import StorageLevel, __version__
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructField, StructType

from geo_lib.errors import MachineError

DELTA = "io.delta:delta-spark_4.2_2.13:4.4.0"
_JAR_NAMES = ("io.delta_delta-spark_4.2_2.13-4.4.0.jar", "io.delta_delta-storage-4.4.0.jar")
# Left alone, the resolver drags in a second Hadoop and Parquet: 33 artefacts, 87 MB, where two suffice.
_EXCLUDES = (
    "org.apache.hadoop:*,org.apache.parquet:*,com.fasterxml.jackson.core:*,com.fasterxml.jackson.datatype:*,"
    "org.apache.logging.log4j:*,io.unitycatalog:*,io.delta:delta-kernel-*,org.locationtech.jts:*,io.airlift:*,"
    "org.roaringbitmap:*,commons-pool:*,commons-logging:*,javax.annotation:*,com.github.luben:*,"
    "org.xerial.snappy:*,org.slf4j:*,com.google.code.findbugs:*,org.antlr:*"
)

JAVA_OPTIONS = "spark.driver.extraJavaOptions"

ONE_MACHINE = {
    "spark.master": "local[*,3]",  # three tries per task, so that one killed worker does not fail the job
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "512",  # rows may carry images
    # One idle Python worker at most: a second one would load a second engine (FIFO pool).
    "spark.python.factory.idleWorkerMaxPoolSize": "1",
    "spark.python.daemon.module": "geo_lib.daemon",
    # Each use of a column would tell Java the line of Python that it stands on, at six times the cost of the use.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.sql.files.maxPartitionBytes": "32m",  # at 128 MB ten million rows are three tasks, and one core waits
    # A map of 65,536 groups before the real one is one more look for each row where there are more.
    "spark.sql.codegen.aggregate.map.twolevel.enabled": "false",
    # The second compiler for what runs ten times as often as Java asks: all of Spark is warm long before rows are read.
    JAVA_OPTIONS: "-XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=6000 "
    "-XX:Tier4CompileThreshold=150000 -XX:Tier4BackEdgeThreshold=400000",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}

_WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": str(os.cpu_count() or 1),  # Spark's own default of 1 leaves vLLM at a third of its speed
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def session(settings: Mapping[str, str] | None = None, *, remote: str | None = None) -> SparkSession:
    """The session to work in: the running one, else a new one with Delta and settings for one machine.

    ``settings`` override ``ONE_MACHINE`` and ``sized``; Java options take the place of those there, beside the archive
    of classes.
    ``remote`` (``local[2]``, ``sc://…``) asks for Spark Connect.
    Raises ``MachineError`` when Java is missing.
    """
    if remote is None and (running := SparkSession.getActiveSession()) is not None:
        return running
    if "DATABRICKS_RUNTIME_VERSION" in os.environ:
        return SparkSession.builder.getOrCreate()
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise MachineError("Spark needs Java 17 or newer, and there is no java on this machine; install a JRE 17.")
    os.environ["PYSPARK_PYTHON"] = sys.executable  # or workers start the system's python3
    if not _names_are_utf8():
        os.environ["LC_ALL"] = "C.UTF-8"  # or Java writes a question mark for each letter that is not ASCII
    builder = SparkSession.builder.remote(remote) if remote else SparkSession.builder.appName("visual-geo")
    if remote and remote.startswith("sc://"):
        return builder.getOrCreate()
    warehouse = {"spark.sql.warehouse.dir": str(cache_folder() / "warehouse")}  # or the working folder gets one
    chosen = (
        ONE_MACHINE
        | sized(*_machine())
        | warehouse
        | _delta()
        | {f"spark.executorEnv.{k}": v for k, v in _worker_environment().items()}
    )
    chosen |= settings or {}
    if (archive := class_archive()).is_file():  # a JVM that it was not made by ignores it
        chosen[JAVA_OPTIONS] = f"-XX:SharedArchiveFile={archive} {chosen.get(JAVA_OPTIONS, '')}".strip()
    for key, value in chosen.items():
        if not (remote and key in ("spark.master", "spark.driver.bindAddress", "spark.driver.host")):
            builder = builder.config(key, value)
    return builder.getOrCreate()


def sized(cores: int, gigabytes: float) -> dict[str, str]:
    """Settings that grow with a machine: an eighth of its memory for Spark, since models need most of the rest, and two
    partitions for each core."""
    memory = max(2, min(round(gigabytes / 8), 31))  # above 31 GB references take twice the room
    return {"spark.driver.memory": f"{memory}g", "spark.sql.shuffle.partitions": str(max(4, 2 * cores))}


def _machine() -> tuple[int, float]:
    """The cores and GB (2^30 bytes) that this process may have, which in a container are fewer than there are."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text("ascii").strip()).isdigit():
        memory = min(memory, int(text))
    return len(os.sched_getaffinity(0)), memory / 2**30


def leave(session: SparkSession) -> None:
    """Stop the session and its JVM, and wait until that is gone: it writes an archive of classes after all else."""
    gateway: Any = session.sparkContext._gateway
    session.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()


def local_frame(spark: SparkSession, rows: Iterable[Any], schema: StructType | str) -> DataFrame:
    """``rows`` (tuples, dicts or Rows) as a DataFrame of which Java holds every row.

    What ``createDataFrame`` makes of a list is read by a Python worker whenever it is looked at: one more stage each
    time, and a daemon and an idle worker beside those of all other stages. Values are checked as it checks them, and
    it raises its ``PySparkTypeError`` and ``PySparkValueError``: Arrow alone would cut 1.9 to 1.
    """
    from pyspark.sql.conversion import LocalDataToArrowConversion
    from pyspark.sql.types import _make_type_verifier

    columns = schema if isinstance(schema, StructType) else StructType.fromDDL(schema)
    assert isinstance(columns, StructType), f"{schema} names no columns"
    rows, verify = list(rows), _make_type_verifier(columns)
    for row in rows:
        verify(row)
    # it converts no empty list: one row of nulls then, which is left out
    loose = columns if rows else StructType([StructField(f.name, f.dataType) for f in columns])
    table = LocalDataToArrowConversion.convert(rows or [None], loose, False).slice(0, len(rows))
    return spark.createDataFrame(table, columns)


def settled(df: DataFrame) -> DataFrame:
    """``df`` computed now; what is built on it begins with its rows instead of its plan.

    For what stands many times in further frames that are held, too: Spark writes out the plan of every one, each within
    the next, which doubles at every step. On one machine the rows are kept in blocks of this session; a cluster may
    lose such blocks when it scales down, so there they go to ``spark.checkpoint.dir`` where one is set.
    """
    if not is_connect(df.sparkSession):
        context = df.sparkSession.sparkContext
        if context.getCheckpointDir() is not None and not str(context.master).startswith("local"):
            return df.checkpoint()
    return df.localCheckpoint()


@contextmanager
def held(df: DataFrame, level: StorageLevel = StorageLevel.MEMORY_AND_DISK) -> Iterator[DataFrame]:
    """``df``, computed once for all that the block does with it."""
    df = df.persist(level)
    try:
        yield df
    finally:
        df.unpersist()


class Later:
    """A session that is started when something first needs it: to find that there is nothing to do takes none."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self.started = SparkSession.getActiveSession()
        """The session, or the one that ran already; null until then."""

    def __call__(self) -> SparkSession:
        if self.started is None:
            self.started = session(self._settings)
        return self.started


def running_stages(spark: SparkSession | None) -> tuple[int, int] | None:
    """Finished and all tasks of the stages that run now; null when none runs, without a session and on Connect."""
    if spark is None or is_connect(spark):
        return None
    tracker = spark.sparkContext.statusTracker()
    stages = [info for s in tracker.getActiveStageIds() if (info := tracker.getStageInfo(s)) is not None]
    return (sum(s.numCompletedTasks for s in stages), sum(s.numTasks for s in stages)) if stages else None


def is_connect(spark: SparkSession) -> bool:
    return type(spark).__module__.startswith("pyspark.sql.connect")


def cache_folder() -> Path:
    """Where this machine keeps what is fetched or unpacked once: ``$XDG_CACHE_HOME/visual-geo``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "visual-geo"


def _names_are_utf8() -> bool:
    """Whether the locale that Java goes by has names of files in UTF-8, as Python has them in any case."""
    said = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "")
    return said.lower().replace("-", "").endswith("utf8")


def _worker_environment() -> dict[str, str]:
    """What Python workers need; local ones inherit the driver's environment, which wins where it is set."""
    return {name: os.environ.get(name, value) for name, value in _WORKER_ENVIRONMENT.items()}


def class_archive() -> Path:
    """Where the classes of this Spark and Delta lie once ``python -m geo_lib.warm_up`` has recorded them."""
    return cache_folder() / f"classes-spark-{__version__}-{_JAR_NAMES[0].removesuffix('.jar')}.jsa"


def _delta() -> dict[str, str]:
    extension = {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    }
    if given := os.environ.get("GEO_SPARK_JARS"):
        jars = [Path(jar) for jar in given.split(",")]
        if missing := [str(jar) for jar in jars if not jar.is_file()]:
            raise MachineError(
                f"GEO_SPARK_JARS names {', '.join(missing)}, which is no file; it takes {DELTA} and "
                "its delta-storage as comma-separated paths."
            )
        return extension | _with_jars(jars)
    ivy = cache_folder() / "ivy"
    fetched = [ivy / "jars" / name for name in _JAR_NAMES]
    if all(jar.is_file() for jar in fetched):
        return extension | _with_jars(fetched)
    return extension | {
        "spark.jars.packages": DELTA,
        "spark.jars.excludes": _EXCLUDES,
        "spark.jars.ivy": str(ivy),
    }


def _with_jars(jars: Sequence[Path]) -> dict[str, str]:
    """On the driver's own class path as well: only what lies there can come out of the archive."""
    return {"spark.jars": ",".join(map(str, jars)), "spark.driver.extraClassPath": ":".join(map(str, jars))}
