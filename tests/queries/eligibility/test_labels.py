"""Each text is a label once, and what another head is for neither teaches nor measures a head."""

from geo_lib.queries.eligibility.labels import labels_of, of_head, rows_of


def test_a_text_is_of_a_kind_when_more_than_half_of_its_judgements_say_so() -> None:
    said = [
        ("en", "Casino Bonus", ["grey"]), ("en", "casino bonus!", ["grey", "brand"]), ("en", "red vase", []),
        ("en", "red vase", ["off_voice"]), ("en", "...", []),
    ]  # fmt: skip
    labels, dropped = labels_of(said)
    assert {label.text: set(label.kinds) for label in labels} == {"casino bonus": {"grey"}, "red vase": set()}
    assert dropped == {"blank": 1, "repeated": 2}


def test_a_head_learns_from_its_own_kind_and_from_fit_texts_alone() -> None:
    labels, _ = labels_of([("en", "poker night", ["grey"]), ("en", "open gmail", ["weak_intent"]), ("en", "rug", [])])
    mine = of_head(labels, "grey")
    assert [label.text for label in mine] == ["poker night", "rug"]
    rows = rows_of(mine, "grey", None)
    assert (rows.labels, rows.segments) == (["grey", "fit"], ["en", "en"])


def test_texts_of_one_phrasing_are_held_out_together() -> None:
    said: list[tuple[str, str, list[str]]] = [
        ("en", f"{act} the {thing} today", []) for act in ("hang", "paint") for thing in ("rug", "sofa", "lamp")
    ]
    labels, _ = labels_of(said)
    splits = {label.phrasing: {it.split for it in labels if it.phrasing == label.phrasing} for label in labels}
    assert len(splits) == 2
    assert all(len(of_it) == 1 for of_it in splits.values())
