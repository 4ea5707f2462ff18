"""Console rows by the million: ingest and mine, beside an older checkout and beside DuckDB.

    python benchmarks/mining.py                                  # 10 M rows of 60 days, three times
    python benchmarks/mining.py --old /work/base --into docs/benchmarks.md
    python benchmarks/mining.py --rows 200000 --runs 1           # does it work at all?

Rows are drawn, seeded: power-law pages and queries in the bulk export's layout, and a catalogue in which most pages
show one picture, some none, some several. Each run takes every side in turn, in a process of its own: the real jobs
with a lakehouse of their own, first on all days, then with one day more; DuckDB does mining's work on the same files.
Seconds are the job's own, without the session's start; what the sides find must be the same.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FIRST = date(2026, 8, 1)
SITE = "https://pins.example"
QUERIES_PER_PAGE = 35
ROWS_PER_PAGE = 500
COUNTRIES = {"usa": 0.4, "deu": 0.2, "gbr": 0.12, "fra": 0.08, "esp": 0.07, "ita": 0.06, "nld": 0.04, "bra": 0.03}
DEVICES = {"DESKTOP": 0.35, "MOBILE": 0.6, "TABLET": 0.05}
SEARCH_TYPES = {"WEB": 0.5, "IMAGE": 0.5}
HIDDEN = 0.06
"""Of the rows, whose query the engine hides."""


# -- what is drawn -----------------------------------------------------------------------------------------


def draw(folder: Path, *, rows: int, days: int, seed: int = 7) -> None:
    """The export of ``days`` days with ``rows`` rows in all, that of one day more beside it, and the catalogue."""
    folder.mkdir(parents=True)
    pages = max(200, rows // ROWS_PER_PAGE)
    draw_catalogue(folder / "images.parquet", pages)
    urls = pa.array([page_url(page) for page in range(pages)])
    vocabulary = max(200, pages * 4)
    queries = pa.array([f"oak dining table idea {n:06d} for small rooms" for n in range(vocabulary)])
    weights = np.outer(power_law(pages, 0.6), power_law(QUERIES_PER_PAGE, 0.9)).ravel()
    pairs = np.cumsum(weights / weights.sum())
    query_of = np.searchsorted(np.cumsum(power_law(vocabulary, 0.7)), np.random.default_rng(seed).random(pairs.size))
    for day in range(days + 1):
        rng = np.random.default_rng((seed, day))
        n = rows // days
        pair = np.minimum(np.searchsorted(pairs, rng.random(n)), pairs.size - 1)
        is_hidden = rng.random(n) < HIDDEN
        impressions = 1 + rng.geometric(0.3, n)
        columns = {
            "data_date": pa.array(np.full(n, np.datetime64(FIRST + timedelta(days=day)))),
            "site_url": pa.array(np.full(n, "sc-domain:pins.example")),
            "url": urls.take(pa.array(pair // QUERIES_PER_PAGE)),
            "query": queries.take(pa.array(np.minimum(query_of[pair], vocabulary - 1), mask=is_hidden)),
            "is_anonymized_query": pa.array(is_hidden),
            "country": one_of(COUNTRIES, rng, n),
            "device": one_of(DEVICES, rng, n),
            "search_type": one_of(SEARCH_TYPES, rng, n),
            "impressions": pa.array(impressions),
            "clicks": pa.array(rng.binomial(impressions, 0.05)),
            "sum_position": pa.array(impressions * rng.integers(0, 30, n)),
        }
        place = folder / ("drop" if day < days else "later") / f"data_date={FIRST + timedelta(days=day)}"
        place.mkdir(parents=True)
        pq.write_table(pa.table(columns), place / "part-0.parquet")


def draw_catalogue(path: Path, pages: int) -> None:
    """Of 100 pages 5 show no picture, 4 another's beside their own, 2 what another page shows, 1 is a board of 5."""
    shown: list[tuple[str, str, str]] = []
    for page in range(pages):
        image, kind = f"{page:07d}", page % 100
        if kind < 5:
            continue
        if kind == 99:
            shown += [(f"b{page}-{n}", f"sig-{page + n:07d}", page_url(page)) for n in range(5)]
            continue
        signature = f"sig-{page - 1 if kind in (50, 51) else page:07d}"
        shown.append((image, signature, page_url(page)))
        if kind in (60, 61, 62, 63):
            shown.append((f"x{page}", f"sig-{page + 7:07d}", page_url(page)))
    names = ("image_id", "signature", "page_url")
    pq.write_table(pa.table(dict(zip(names, map(list, zip(*shown, strict=True)), strict=True))), path)


def page_url(page: int) -> str:
    return f"{SITE}/board/{page}" if page % 100 == 99 else f"{SITE}/pin/{page:07d}/"


def power_law(n: int, exponent: float) -> "np.ndarray[Any, Any]":
    weights = np.arange(1, n + 1, dtype=float) ** -exponent
    shares: np.ndarray[Any, Any] = weights / weights.sum()
    return shares


def one_of(shares: dict[str, float], rng: np.random.Generator, n: int) -> pa.Array:
    return pa.array(list(shares)).take(pa.array(rng.choice(len(shares), n, p=list(shares.values()))))


# -- the sides ---------------------------------------------------------------------------------------------


def spark_side(drawn: Path, lakehouse: Path, *, days: int, memory: str) -> Iterator[dict[str, Any]]:
    """The jobs of the checkout that this process imports, by its own command line; a figure per job."""
    from geo_lib.spark import session
    from geo_lib.tables import Stamp, Tables
    from jobs import cli
    from schemas.images import IMAGES

    drop = lakehouse.parent / "drop"
    shutil.copytree(drawn / "drop", drop, copy_function=os.link)
    conf = lakehouse.parent / "conf" / "bench.yml"
    conf.parent.mkdir()
    told = {"lakehouse": str(lakehouse), "simulated": True, "jobs": {"ingest_search_console": {"path": str(drop)}}}
    conf.write_text(json.dumps(told))
    spark = session({"spark.driver.memory": memory, "spark.local.dir": str(lakehouse.parent / "spark")})
    wanted = {f.name: f.dataType for f in IMAGES.schema}
    from pyspark.sql import functions as F

    images = spark.read.parquet(str(drawn / "images.parquet"))
    others = [
        F.lit("en" if n == "locale" else None).cast(t).alias(n) for n, t in wanted.items() if n not in images.columns
    ]
    catalogue = images.select("*", *others).withColumn("split_key", F.col("signature"))
    Tables(spark, str(lakehouse), Stamp("bench", FIRST, "bench", simulated=True)).write(
        IMAGES, catalogue.select(*wanted)
    )
    for what, last in (("all days", days - 1), ("one day more", days)):
        if what == "one day more":
            shutil.copytree(drawn / "later", drop, copy_function=os.link, dirs_exist_ok=True)
        for command in ("ingest-search-console", "mine-queries"):
            before = cpu_seconds(spark)
            asked = [command, "--conf", str(conf), "--as-of", str(FIRST + timedelta(days=last))]
            if cli.main(asked) != 0:
                raise SystemExit(f"geo {' '.join(asked)} failed; see {lakehouse}/logs")
            runs = spark.read.format("delta").load(str(lakehouse / "tables" / "geo" / "job_runs"))
            ran = runs.where(F.col("job") == command.replace("-", "_")).orderBy(F.desc("started_at")).first()
            cpu = cpu_seconds(spark) - before
            yield {
                "what": what,
                "job": ran["job"],
                "seconds": ran["seconds"],
                "cpu": cpu,
                "found": dict(ran["produced"]),
            }


def cpu_seconds(spark: Any) -> float:
    """What the driver's JVM has used of the processors so far; in local mode that is all of Spark."""
    pid = spark._jvm.java.lang.ProcessHandle.current().pid()
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


DUCKDB = """
create table shown as
  select page_url, signature, bool_or(split_part(rtrim(page_url, '/'), '/', -1) = image_id) as is_named
  from read_parquet('{drawn}/images.parquet') group by all;
create table attribution as select page_url, signature, sureness from (
  select *, case when count(*) over page = 1 then 0
                 when is_named and sum(is_named::int) over page = 1 then 1 end as sureness
  from shown window page as (partition by page_url)) where sureness is not null;
create table attributed as
  select signature, sureness, query, sum(impressions) as impressions, sum(clicks) as clicks,
         sum(sum_position + impressions) as positions,
         sum(case when is_anonymized_query then impressions else 0 end) as hidden
  from read_parquet('{drawn}/drop/*/*.parquet', hive_partitioning = false) c
  join attribution a on a.page_url = c.url group by all;
create table performance as
  with share as (select signature, sureness, sum(hidden) / sum(impressions) as share from attributed group by all),
  surest as (select * from attributed where query is not null
             qualify sureness = min(sureness) over (partition by signature, query)),
  judged as (select *, clicks / impressions as ctr, positions / impressions as position from surest)
  select signature, query, impressions, clicks, round(ctr, 6) as ctr, round(position, 6) as avg_position_1based,
         case when impressions > 1000 then 'impressions'
              when impressions > 10 and ctr >= 0.8 then 'ctr'
              when impressions > 10 and position <= 10 then 'position' end as retained_by,
         sureness, round(share, 6) as anonymised_share
  from judged join share using (signature, sureness);
copy performance to '{out}/performance.parquet';
copy (select signature, query, impressions, clicks, avg_position_1based, retained_by,
             row_number() over (partition by signature order by impressions desc, avg_position_1based, query) as rank
      from performance where retained_by is not null qualify rank <= 30) to '{out}/mined.parquet';
"""


def duckdb_side(drawn: Path, out: Path) -> Iterator[dict[str, Any]]:
    """Mining's work from the raw files: attribution, every measured pair and the best 30, both written."""
    import duckdb

    started = time.monotonic()
    connection = duckdb.connect()
    for statement in DUCKDB.format(drawn=drawn, out=out).split(";"):
        if statement.strip():
            connection.execute(statement)
    seconds = time.monotonic() - started
    pairs, mined = (pq.ParquetFile(out / f"{name}.parquet").metadata.num_rows for name in ("performance", "mined"))
    yield {"what": "all days", "job": "mine_queries", "seconds": seconds, "cpu": time.process_time(),
           "found": {"pairs": pairs, "mined": mined}}  # fmt: skip


def take(side: str, drawn: Path, *, checkout: Path, days: int, memory: str) -> list[dict[str, Any]]:
    """One side's figures, from a process of its own in ``checkout``."""
    own = checkout / ".venv" / "bin" / "python"
    python = str(own) if own.is_file() else sys.executable
    with tempfile.TemporaryDirectory(dir=drawn.parent) as scratch:
        asked = [python, str(Path(__file__).resolve()), "--side", side, "--folder", str(drawn), "--scratch", scratch]
        done = subprocess.run(
            [*asked, "--days", str(days), "--memory", memory],
            cwd=checkout,
            env=os.environ | {"PYTHONPATH": str(checkout)},
            stdout=subprocess.PIPE,
            text=True,
        )
    figures = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"what"')]
    if done.returncode != 0:
        raise SystemExit(f"{side} in {checkout} ended with {done.returncode}: {done.stdout[-500:]}")
    return figures


# -- the report --------------------------------------------------------------------------------------------


def seconds_of(runs: list[list[dict[str, Any]]], what: str, *jobs: str) -> list[float]:
    """Of each run the seconds of ``jobs`` together."""
    return [sum(f["seconds"] for f in run if f["what"] == what and f["job"] in jobs) for run in runs]


def report(
    figures: dict[str, list[list[dict[str, Any]]]], *, rows: int, days: int, memory: str, old: Path | None
) -> str:
    """The figures as a section of docs/benchmarks.md."""
    ingest, mine = "ingest_search_console", "mine_queries"
    new = figures["new"]
    full = median(seconds_of(new, "all days", ingest, mine))
    peer = median(seconds_of(figures["duckdb"], "all days", mine))
    lines: list[tuple[str, list[float], str]] = []
    if "old" in figures:
        before = median(seconds_of(figures["old"], "all days", ingest, mine))
        lines += [
            (f"{name}, {commit(old)}", seconds_of(figures["old"], "all days", *jobs), "")
            for name, jobs in (("ingest", (ingest,)), ("mine", (mine,)), ("both", (ingest, mine)))
        ]
    lines += [
        ("ingest", seconds_of(new, "all days", ingest), ""),
        ("mine", seconds_of(new, "all days", mine), f"{median(seconds_of(new, 'all days', mine)) / peer:.1f} × DuckDB"),
        (
            "both",
            seconds_of(new, "all days", ingest, mine),
            f"{full / before:.2f} of before" if "old" in figures else "",
        ),
        ("DuckDB mines", seconds_of(figures["duckdb"], "all days", mine), ""),
        ("one day more: ingest", seconds_of(new, "one day more", ingest), ""),
        ("one day more: mine", seconds_of(new, "one day more", mine), ""),
    ]
    later = seconds_of(new, "one day more", ingest, mine)
    lines.append(("one day more: both", later, f"{median(later) / full:.2f} of all days"))
    found = next(f["found"] for f in new[0] if f["job"] == mine)
    table = "\n".join(
        f"| {what} | {median(taken):.1f} | {min(taken):.1f}–{max(taken):.1f} | {ratio} |"
        for what, taken, ratio in lines
    )
    return (
        f"## Mining\n\n{rows:,} drawn console rows of {days} days, driver memory {memory}; {found['pairs']:,} pairs "
        f"measured, {found['mined']:,} mined, the same on every side. Seconds of the jobs without the session's start, "
        f"median and spread of {len(new)}; commit {commit(Path.cwd())}, {machine()}. `python benchmarks/mining.py`\n\n"
        f"| what | median s | spread | ratio |\n|---|---|---|---|\n{table}\n"
    )


def refuse_unequal(figures: dict[str, list[list[dict[str, Any]]]]) -> None:
    """Every side must have mined the same number of pairs, and DuckDB have measured as many as the newer checkout.

    An older one may measure what pages of several pictures are found for, too, of which nothing is mined.
    """
    found = {
        side: {(f["found"]["mined"], f["found"]["pairs"]) for run in runs for f in run
               if f["job"] == "mine_queries" and f["what"] == "all days"}
        for side, runs in figures.items()
    }  # fmt: skip
    mined = {mined for of_side in found.values() for mined, _ in of_side}
    pairs = {pairs for side, of_side in found.items() if side != "old" for _, pairs in of_side}
    if len(mined) != 1 or len(pairs) != 1:
        raise SystemExit(f"the sides did not do the same work: (mined, pairs) {found}")


def machine() -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} × {(names or [platform.machine()])[0]}, {memory:.0f} GB"


def commit(checkout: Path | None) -> str:
    asked = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


def put_into(path: Path, section: str) -> None:
    """Let the file hold the section, in place of the one of the same heading."""
    heading = section.partition("\n")[0]
    text = path.read_text(encoding="utf-8") if path.is_file() else "# Benchmarks\n"
    before, found, rest = text.partition(f"{heading}\n")
    after = rest[rest.index("\n## ") + 1 :] if found and "\n## " in rest else ""
    path.write_text(f"{before.rstrip()}\n\n{section}" + (f"\n{after}" if after else ""), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory", default="6g", help="spark.driver.memory")
    parser.add_argument("--old", type=Path, help="an older checkout to compare with, with a .venv of its own")
    parser.add_argument("--folder", type=Path, help="keeps what is drawn (default: a temporary folder)")
    parser.add_argument("--into", type=Path, help="a file whose section the report replaces")
    parser.add_argument("--side", choices=("spark", "duckdb"), help=argparse.SUPPRESS)
    parser.add_argument("--scratch", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        spark = spark_side(args.folder, args.scratch / "lakehouse", days=args.days, memory=args.memory)
        for figure in spark if args.side == "spark" else duckdb_side(args.folder, args.scratch):
            print(json.dumps(figure), flush=True)
        return
    with tempfile.TemporaryDirectory(prefix="bench-mining-") as temporary:
        drawn = (args.folder or Path(temporary, "drawn")).absolute()
        if not drawn.is_dir():
            draw(drawn, rows=args.rows, days=args.days)
        here = Path(__file__).resolve().parent.parent
        sides = {"old": ("spark", args.old)} if args.old else {}
        sides |= {"new": ("spark", here), "duckdb": ("duckdb", here)}
        figures: dict[str, list[list[dict[str, Any]]]] = {name: [] for name in sides}
        for n in range(args.runs):
            for name, (side, checkout) in sides.items():
                figures[name].append(take(side, drawn, checkout=checkout, days=args.days, memory=args.memory))
                for figure in figures[name][-1]:
                    print(f"run {n + 1} {name}: {figure}", file=sys.stderr)
        refuse_unequal(figures)
        section = report(figures, rows=args.rows, days=args.days, memory=args.memory, old=args.old)
        print(section)
        if args.into:
            put_into(args.into, section)


if __name__ == "__main__":
    main()
