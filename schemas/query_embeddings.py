"""query_embeddings: the unit vector of every validated query, per embedding family and model."""

from schemas.embeddings import embeddings_of

QUERY_EMBEDDINGS = embeddings_of(
    "query",
    comment="Unit vectors of validated queries. A vector is kept as long as model and input stay the same.",
    identity="query_id: hash of locale and normalised text",
    locale="locale of the query",
)
