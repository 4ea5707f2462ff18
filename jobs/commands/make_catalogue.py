"""Write a catalogue from what you have: a folder of pictures, an image sitemap or a product feed.

geo make-catalogue ./pictures --locale de --site-url https://www.example.com
geo make-catalogue https://www.example.com/sitemap.xml --locale en --to data/catalogue/catalogue.parquet
geo make-catalogue products.tsv --locale en-GB

A sitemap may be an index, zipped, a file or an https address; a feed is RSS or Atom with Google's g: names, or
tab-separated (id, link, image_link, additional_image_link, title, description, product_type). A picture's title comes
from its XMP or IPTC, else its file's name in words. An earlier catalogue at --to is replaced.
"""

import argparse
import re
from dataclasses import asdict, fields
from pathlib import Path

from rich.console import Console

from geo_lib.catalogue.sources.catalogue import images_of, sorted_out
from geo_lib.catalogue.sources.found import Found
from geo_lib.config import Conf
from geo_lib.errors import ConfigError, InputError
from geo_lib.files import write_whole
from geo_lib.locales import UnknownLocaleError, canonical
from jobs.ingest_catalogue import IngestCatalogue

_EXAMPLES = 5


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help="folder, file or https address")
    parser.add_argument("--locale", required=True, help="language of the pages, such as en or de-AT")
    parser.add_argument("--site-url", help="address that relative links, and the pictures of a folder, belong to")
    parser.add_argument(
        "--to", type=Path, default=Path("data/catalogue/catalogue.parquet"), help="Parquet file (default: %(default)s)"
    )


def run(args: argparse.Namespace, conf: Conf, console: Console) -> int:
    try:
        locale = canonical(args.locale)
    except UnknownLocaleError as unknown:
        raise ConfigError(f"--locale: {unknown}") from unknown
    if args.site_url is not None and not re.match(r"https?://[^/]", args.site_url):
        raise ConfigError(f"--site-url is {args.site_url}; it must begin with https:// and name a host.")
    if args.to.suffix != ".parquet":
        raise ConfigError(f"--to is {args.to}; the catalogue is written as Parquet, so name a .parquet file.")
    web = conf.knobs("ingest_catalogue", IngestCatalogue).web
    rows, left, counts = sorted_out(images_of(args.source, locale=locale, site_url=args.site_url, web=web))
    for one in left[:_EXAMPLES]:
        console.print(f"left out: {one.where}: {one.reason} {one.detail}", style="dim")
    reasons = f" ({counts.commonest_reasons(9)})" if counts.kept < counts.rows_in else ""
    if not rows:
        raise InputError(f"{args.source} names no picture that a catalogue could hold{reasons}; nothing was written.")
    write_whole(args.to, lambda path: _write(rows, path, locale))
    console.print(
        f"{args.to}: {counts.kept:,} of {counts.rows_in:,} pictures{reasons}; name it as jobs: ingest_catalogue: "
        "{manifest: …} in your configuration",
    )
    return 0


def _write(rows: list[Found], path: Path, locale: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [field.name for field in fields(Found)]
    schema = pa.schema([pa.field(name, pa.string()) for name in (*columns, "locale")])
    pq.write_table(pa.Table.from_pylist([asdict(row) | {"locale": locale} for row in rows], schema), path)
