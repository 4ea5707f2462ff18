"""image_embeddings: the unit vector of every image content, per embedding family and model."""

from schemas.embeddings import embeddings_of

IMAGE_EMBEDDINGS = embeddings_of(
    "image",
    comment="Unit vectors of images. A vector is kept as long as model and input stay the same.",
    identity="signature: SHA-256 of the image bytes as delivered",
    locale="locale of the catalogue row with the smallest image_id that shows it",
)
