"""Where each page lies: paths from the root of the site. The site's address is known to publishing alone."""

from pyspark.sql import Column
from pyspark.sql import functions as F

HOME = "/"


def locale_url(locale: Column) -> Column:
    """``/en/``"""
    return F.concat(F.lit("/"), segment(locale), F.lit("/"))


def collection_url(locale: Column, slug: Column) -> Column:
    """``/en/c/boho-rug/``"""
    return F.concat(F.lit("/"), segment(locale), F.lit("/c/"), segment(slug), F.lit("/"))


def image_url(locale: Column, image_id: Column) -> Column:
    """``/en/pin/12345/``"""
    return F.concat(F.lit("/"), segment(locale), F.lit("/pin/"), segment(image_id), F.lit("/"))


def segment(name: Column) -> Column:
    """``name`` as one part of a path: itself if it is plain, else ``x-`` and a hash.

    Ids and locales come from outside; ``..``, a slash or a percent sign in one must lead nowhere.
    """
    is_plain = name.rlike(r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,99}\z")
    return F.when(is_plain, name).otherwise(F.concat(F.lit("x-"), F.substring(F.sha2(name, 256), 1, 24)))
