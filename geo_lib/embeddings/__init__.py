"""Entities as unit vectors: families, their encoders, and what keeps the tables of vectors up to date."""
