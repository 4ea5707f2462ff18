"""The simulated platform's catalogue: image files, the rows of a manifest, and what is wrong with them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance

from geo_lib.demo.parallel import spread
from geo_lib.demo.pictures.draw import draw
from geo_lib.demo.truth.intents import fill
from geo_lib.demo.truth.latent import Latent, sample_latent, stream_seed
from geo_lib.demo.truth.worlds import vocabulary
from geo_lib.files import write_whole
from geo_lib.training.split import HeldOut, split_of

SITE = "https://demo.visual-geo.example"
SIDE = 480
"""Longer side of a delivered image, in pixels."""
FORMATS = (("jpg", "JPEG", 0.72), ("webp", "WEBP", 0.22), ("png", "PNG", 0.06))
LOCALE_SHARE = 0.6
"""Share of the first locale; the others divide the rest."""
NEW_SHARE = 0.25
"""Share of the pictures that were uploaded the day before as_of: the console has nothing to tell of them yet."""
TWIN_PERCENT = 1
"""Share of the images that are delivered a second time under another image_id."""
BROKEN_EVERY = 400
"""One file in so many cannot be decoded; at least two."""
MOST_JITTERS = 400


@dataclass(frozen=True, slots=True)
class Pin:
    """One row of the catalogue with its truth. ``signature`` is null, and so is all truth, where the file is broken."""

    image_id: str
    uri: str
    locale: str
    signature: str | None
    latent: Latent | None
    title: str | None
    description: str | None
    creator: str
    creator_category: str
    board_title: str
    created_at: datetime

    @property
    def page_url(self) -> str:
        """The one page that shows this image."""
        return f"{SITE}/{self.locale}/pin/{self.image_id}/"

    @property
    def novel_combination(self) -> bool:
        return self.latent is not None and self.latent.reserved


@dataclass(frozen=True, slots=True)
class _Order:
    """One image to draw and deliver."""

    index: int
    seed: int
    path: str
    format: str
    latent: Latent


def platform_seed(seed: int, index: int) -> int:
    """The seed of the ``index``-th image: the same at every size of the platform."""
    return stream_seed("platform", seed, index)


def pins(
    folder: Path, *, images: int, seed: int, as_of: date, processes: int, progress: Callable[[int], None]
) -> list[Pin]:
    """Draw and write what is not there yet; returns every row of the catalogue, twins and broken files among them.

    The manifest's rows are these in order, and one of them twice (``repeated_row``).
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    orders = [_order(index, seed) for index in range(images)]
    signatures: list[str] = []
    for signature in spread(partial(_deliver, folder), orders, processes=processes, chunk=8):
        signatures.append(signature)
        if len(signatures) % 20 == 0 or len(signatures) == images:
            progress(len(signatures))
    found = [
        _pin(order.index, seed, order.path, order.latent, signature, as_of)
        for order, signature in zip(orders, signatures, strict=True)
    ]
    twins = range(images, images + max(images * TWIN_PERCENT // 100, 1))
    for index in twins:
        original = found[platform_seed(seed, index) % images]
        found.append(_pin(index, seed, original.uri, original.latent, original.signature, as_of))
    for index in range(twins.stop, twins.stop + max(images // BROKEN_EVERY, 2)):
        path = f"images/broken-{index - twins.stop}.jpg"
        write_once(folder / path, _broken(index, seed))
        found.append(_pin(index, seed, path, None, None, as_of))
    return found


def delivered(folder: Path, *, images: int, seed: int) -> dict[str, Latent]:
    """Signature to truth of the images that ``pins`` has written into a folder; nothing is drawn."""
    orders = [_order(index, seed) for index in range(images)]
    return {sha256((folder / order.path).read_bytes()).hexdigest(): order.latent for order in orders}


def repeated_row(rows: Sequence[Pin]) -> Pin:
    """The row that stands twice in the manifest."""
    return rows[len(rows) // 3]


def manifest_rows(rows: Sequence[Pin]) -> Iterator[Mapping[str, Any]]:
    """The manifest as delivered, the repeated row last."""
    for pin in (*rows, repeated_row(rows)):
        yield {
            "image_id": pin.image_id,
            "uri": pin.uri,
            "page_url": pin.page_url,
            "title": pin.title,
            "description": pin.description,
            "creator": pin.creator,
            "creator_category": pin.creator_category,
            "board_title": pin.board_title,
            "locale": pin.locale,
            "created_at": pin.created_at,
        }


def _is_new(signature: str) -> bool:
    """Twins are uploaded together, so that none of them has a history."""
    return float(np.random.default_rng(stream_seed("new", signature)).random()) < NEW_SHARE


def _order(index: int, seed: int) -> _Order:
    own = platform_seed(seed, index)
    rng = np.random.default_rng(stream_seed(own, "file"))
    suffix, file_format, _ = FORMATS[int(rng.choice(len(FORMATS), p=[share for *_, share in FORMATS]))]
    return _Order(
        index, own, f"images/{_image_id(index, seed)}.{suffix}", file_format, sample_latent(stream_seed(own, 0))
    )


def _image_id(index: int, seed: int) -> str:
    return f"{stream_seed('image_id', seed, index) % 10**12:012d}"


def _deliver(folder: Path, order: _Order) -> str:
    """Write one image unless it is there; returns its signature.

    A reserved combination is delivered a shade brighter or darker until its bytes fall to the held-out side, so that
    no training image ever shows it.
    """
    path = folder / order.path
    if path.exists():
        return sha256(path.read_bytes()).hexdigest()
    image = draw(order.latent, order.seed, SIDE)
    for jitter in range(MOST_JITTERS):
        data = encoded(image, order.format, jitter)
        signature = sha256(data).hexdigest()
        if not order.latent.reserved or split_of(signature, HeldOut()) == "held_out":
            write_once(path, data)
            return signature
    raise RuntimeError(f"{order.path}: {MOST_JITTERS} jitters gave no held-out signature")


def encoded(image: Image.Image, file_format: str, jitter: int = 0) -> bytes:
    """The delivered bytes; ``jitter`` 0 leaves the picture as drawn, others change its brightness by a hair."""
    if jitter:
        image = ImageEnhance.Brightness(image).enhance(1 + 0.0005 * jitter * (-1) ** jitter)
    options: dict[str, Any] = {"JPEG": {"quality": 90}, "WEBP": {"quality": 88, "method": 3}, "PNG": {}}[file_format]
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def write_once(path: Path, data: bytes) -> None:
    """Whole or not at all: a file that is there is complete."""
    if path.exists() and path.read_bytes() == data:
        return
    write_whole(path, data)


def _broken(index: int, seed: int) -> bytes:
    """Bytes that no decoder takes: a picture cut short, or none at all."""
    image = draw(sample_latent(platform_seed(seed, index)), platform_seed(seed, index), SIDE)
    return encoded(image, "JPEG")[:700] if index % 2 else b"<html>404 not found</html>"


def _pin(index: int, seed: int, uri: str, latent: Latent | None, signature: str | None, as_of: date) -> Pin:
    rng = np.random.default_rng(stream_seed(platform_seed(seed, index), "row"))
    vocab = vocabulary()
    first, *others = vocab.locales
    locale = first if rng.random() < LOCALE_SHARE else others[int(rng.integers(len(others)))]

    def pick(options: Sequence[str]) -> str:
        return options[int(rng.integers(len(options)))]

    world = vocab.worlds[latent.world if latent else pick(list(vocab.worlds))]
    vague = pick(vocab.titles["vague"][locale]) if rng.random() < 0.5 else None
    telling = pick(vocab.titles["telling"][locale])
    is_telling = rng.random() < 0.5
    text = fill(telling, latent, locale) if latent and is_telling else vague
    days, seconds = int(rng.integers(75, 500)), int(rng.integers(86_400))
    age = timedelta(days=0 if signature and _is_new(signature) else days, seconds=seconds)
    return Pin(
        image_id=_image_id(index, seed),
        uri=uri,
        locale=locale,
        signature=signature,
        latent=latent,
        title=text[:1].upper() + text[1:] if text and is_telling else text,
        description=pick(vocab.descriptions[locale]) if rng.random() < 0.3 else None,
        creator=f"creator-{int(rng.zipf(1.6)) % 97:02d}",
        creator_category=pick(world.creators),
        board_title=pick(world.boards[locale]),
        created_at=datetime.combine(as_of, time()) - age,
    )
