"""One function per kind, painting it with a :class:`~geo_lib.demo.pictures.shapes.pen.Pen`."""

from geo_lib.demo.pictures.shapes import celebrations, fashion, home

SHAPES = home.SHAPES | fashion.SHAPES | celebrations.SHAPES

HANGING = frozenset({"mirror", "garland", "wreath", "balloons"})
"""Kinds that hang or float instead of standing on the floor."""

__all__ = ["HANGING", "SHAPES"]
