"""Nearest neighbours: HNSW shards, their manifest, their distribution to workers and their search."""
