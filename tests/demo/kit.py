"""Catalogue rows without their pictures."""

from datetime import datetime
from hashlib import sha256

from geo_lib.demo.feeds.catalogue import Pin
from geo_lib.demo.truth.latent import sample_latent


def some_pins(count: int) -> list[Pin]:
    return [
        Pin(
            image_id=f"{i:04d}",
            uri=f"images/{i:04d}.jpg",
            locale="de" if i % 3 == 0 else "en",
            signature=sha256(str(i).encode()).hexdigest(),
            latent=sample_latent(i),
            title=None,
            description=None,
            creator="creator-01",
            creator_category="Party",
            board_title="Ideas",
            created_at=datetime(2026, 1, 1),  # noqa: DTZ001 - the manifest's timestamps have no zone
        )
        for i in range(count)
    ]
