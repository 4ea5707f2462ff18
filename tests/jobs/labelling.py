"""What the tests of labelling share: pictures in a lakehouse, and the real server of an oracle to ask about them."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import Row

from geo_lib.demo.oracle.behaviour import Behaviour
from geo_lib.demo.oracle.chat import Answerer, ChatServer
from geo_lib.demo.oracle.oracle import MODEL, Oracle
from geo_lib.demo.truth.latent import sample_latent, stream_seed
from geo_lib.serving.endpoints import Endpoint, Prices
from jobs.label_queries import LabelQueries
from jobs.run.job import Context
from schemas.generations import GENERATIONS
from schemas.image_bytes import IMAGE_BYTES
from schemas.images import IMAGES
from tests.builders import build
from tests.conftest import AS_OF
from tests.kit import Drawn

SOUND = Behaviour(wrong=0.0)
TEN_DOLLARS = Prices(prompt=10e6 / 600)
"""A picture costs about ten dollars at these prices."""


@dataclass(frozen=True)
class Asked:
    """The oracle's server as a job sees it, and what it was asked."""

    endpoint: Endpoint
    oracle: Oracle

    def lines(self) -> list[dict[str, Any]]:
        assert self.oracle.log is not None
        return [json.loads(line) for line in self.oracle.log.read_text().splitlines()]

    def answered(self) -> Counter[str]:
        """How often each picture was answered."""
        return Counter(line["digests"][0] for line in self.lines() if line["outcome"] == "answered")


@contextmanager
def oracle(
    folder: Path,
    pictures: Sequence[Drawn],
    behaviour: Behaviour = SOUND,
    *,
    key: str | None = None,
    through: Callable[[Oracle], Answerer] = lambda oracle: oracle,
) -> Iterator[Asked]:
    """The real server, about the first drawn pictures of the kit; ``through``: what stands before it."""
    truth = {p.signature: sample_latent(stream_seed("kit", n)) for n, p in enumerate(pictures)}
    log = folder / "asked.jsonl"
    log.touch()
    answering = Oracle(truth, behaviour, key=key, log=log)
    server = ChatServer(through(answering), model=MODEL)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield Asked(Endpoint(url=server.url, model=MODEL, concurrent=2, attempts=3), answering)
    finally:
        server.shutdown()
        server.server_close()


def put(context: Context, pictures: Sequence[Drawn], **columns: str) -> None:
    rows = [
        {"image_id": f"i{n}", "signature": p.signature, "split_key": p.signature, "locale": "en", "page_url": f"p{n}"}
        for n, p in enumerate(pictures)
    ]
    context.tables.write(IMAGES, build(IMAGES, context.spark, *(row | columns for row in rows)))
    stored = [{"signature": p.signature, "bytes": bytearray(p.content)} for p in pictures]
    context.tables.write(IMAGE_BYTES, build(IMAGE_BYTES, context.spark, *stored, width=112, height=112))


def later(context: Context, run_id: str = "later", as_of: date = AS_OF) -> Context:
    stamp = replace(context.tables.stamp, run_id=run_id, as_of=as_of)
    return replace(context, tables=context.tables.stamped(stamp), as_of=as_of, run_id=run_id)


def knobs(endpoint: Endpoint, **more: Any) -> LabelQueries:
    return replace(LabelQueries(endpoints={"oracle": endpoint}, most_pictures=1000), **more)


def stored(context: Context) -> list[Row]:
    return context.tables.read(GENERATIONS).orderBy("subject").collect()
