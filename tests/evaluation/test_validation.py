"""Recall and precision of checks over planted queries, in closed form."""

from geo_lib.evaluation.validation import PRECISION, RECALL, Tried, measured_validation


def values(tried: list[Tried]) -> dict[tuple[str, str, str], tuple[float, int]]:
    return {
        (metric, m.arm, m.segment): (m.estimate.value, m.estimate.n)
        for metric, measured in measured_validation(tried, seed=0).items()
        for m in measured
    }


def test_recall_is_of_what_must_be_stopped_and_precision_of_what_was() -> None:
    tried = [Tried("unsafe", "en", True, stopped) for stopped in (True, True, True, False)]
    tried += [Tried("unsafe", "en", False, stopped) for stopped in (True, False)]
    found = values(tried)
    assert found[RECALL, "unsafe", "overall"] == (0.75, 4)
    assert found[PRECISION, "unsafe", "overall"] == (0.75, 4)


def test_kinds_and_locales_are_told_apart_and_nothing_stopped_has_no_precision() -> None:
    tried = [
        Tried("unsafe", "en", True, True),
        Tried("unsafe", "de", True, False),
        Tried("branded", "en", True, False),
    ]
    found = values(tried)
    assert found[RECALL, "unsafe", "overall"] == (0.5, 2)
    assert found[RECALL, "unsafe", "locale:de"] == (0.0, 1)
    assert found[PRECISION, "unsafe", "locale:en"] == (1.0, 1)
    assert (PRECISION, "unsafe", "locale:de") not in found
    assert (PRECISION, "branded", "overall") not in found
