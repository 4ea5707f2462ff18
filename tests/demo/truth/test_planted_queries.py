"""What is planted can tell a check's recall and its precision: enough of both, and nothing that is both."""

from collections import Counter

from geo_lib.demo.truth.planted_queries import planted_queries
from geo_lib.demo.truth.worlds import vocabulary


def test_every_kind_has_two_hundred_queries_a_locale_and_a_near_miss_beside_each() -> None:
    counts = Counter((it.kind, it.locale, it.unfit) for it in planted_queries())
    kinds = {kind for kind, _, _ in counts}
    assert kinds >= {"unsafe", "exclusionary", "wrong_language"}
    for kind in kinds:
        for locale in vocabulary().locales:
            assert counts[kind, locale, True] == counts[kind, locale, False] >= 200, (kind, locale)


def test_no_query_is_planted_twice_in_one_kind_and_locale() -> None:
    times = Counter((it.kind, it.locale, it.query) for it in planted_queries())
    assert not [planted for planted, n in times.items() if n > 1]
