"""Texts and images as unit vectors: encoders, and inference over partitions."""
