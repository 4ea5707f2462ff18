"""When two queries say nearly the same, and how a list is freed of such repetition. Pure."""

from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as F

NEARLY_ALIKE = 0.5
"""Share of their telling words from which two queries are one wish: "boho balcony style", "boho balcony look"."""


def without_repetition(
    best_first: Column, *, has_room: Callable[[Column, Column], Column] = lambda chosen, candidate: F.lit(True)
) -> Column:
    """An array of structs with ``words`` (an array of the telling ones), less those nearly alike to one before them.

    What is left out makes no other one a repetition. ``has_room``: of what is chosen so far and the next candidate,
    whether it may still come in.
    """

    def append(chosen: Column, candidate: Column) -> Column:
        is_repetition = F.exists(chosen, lambda earlier: nearly_alike(earlier["words"], candidate["words"]))
        return F.when(is_repetition | ~has_room(chosen, candidate), chosen).otherwise(F.array_append(chosen, candidate))

    # a slice of nothing: empty, and of the type that the fold starts from
    return F.aggregate(best_first, F.slice(best_first, 1, 0), append)


def nearly_alike(words: Column, others: Column) -> Column:
    """Whether two arrays of telling words share ``NEARLY_ALIKE`` of all words of the two."""
    return F.size(F.array_intersect(words, others)) >= NEARLY_ALIKE * F.size(F.array_union(words, others))
