from geo_lib.queries.checks.check import Said
from geo_lib.queries.checks.length import LENGTH, MAX_CHARACTERS


def test_a_query_has_something_left_of_it_and_is_no_sentence() -> None:
    texts = ["", "a", "a" * MAX_CHARACTERS, "a" * (MAX_CHARACTERS + 1)]
    assert LENGTH.reasons([Said("en", text, text) for text in texts]) == ["blank", None, None, "too_long"]
