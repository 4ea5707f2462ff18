"""Record the classes that a session loads, so that the next ones map them instead of reading 300 jars.

    python -m geo_lib.warm_up

The installation runs it. A session starts in two thirds of the time then (docs/experiments.md); without the archive, or
on another JVM than the one that made it, everything works as before.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from geo_lib import spark


def main() -> None:
    """Fetch Delta, then run a little of everything in a second JVM that writes the archive when it exits."""
    archive = spark.class_archive()
    if archive.is_file():
        return
    archive.parent.mkdir(parents=True, exist_ok=True)
    half = archive.with_suffix(f".{os.getpid()}")
    with tempfile.TemporaryDirectory() as folder:
        for options in ({}, {"spark.driver.extraJavaOptions": f"-XX:ArchiveClassesAtExit={half}"}):
            command = [sys.executable, "-m", "geo_lib.warm_up", folder, *(f"{k}={v}" for k, v in options.items())]
            if subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
                sys.stderr.write(
                    "Spark's classes could not be recorded; everything works without them, sessions start slower\n"
                )
                return
    if half.is_file():  # a JVM without the feature writes none
        half.replace(archive)


def work(folder: str, options: list[str]) -> None:
    """What a job does: a table made, written, merged into and read."""
    session = spark.session(dict(option.split("=", 1) for option in options))
    place = Path(folder, "table").as_posix()
    session.range(9).selectExpr("id", "cast(id as string) as text").write.format("delta").mode("overwrite").save(place)
    session.range(5).selectExpr("id", "'new' as text").createOrReplaceTempView("new")
    session.sql(
        f"merge into delta.`{place}` t using new s on t.id = s.id when matched and not (t.text <=> s.text) "
        "then update set * when not matched then insert *"
    )
    session.read.format("delta").load(place).groupBy("text").count().toPandas()
    spark.leave(session)


if __name__ == "__main__":
    work(sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else main()
