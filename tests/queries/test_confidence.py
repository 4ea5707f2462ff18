"""How sure a model was of a query that it wrote."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_lib.queries.confidence import confidence
from geo_lib.queries.parse import parse

TEXT = '{"style":["red sofa"]}'
TOKENS = ['{"', "style", '":["', "red", " so", "fa", '"]}']
ENDS = [len("".join(TOKENS[: n + 1])) for n in range(len(TOKENS))]
PROBABILITIES = [1.0, 0.9, 0.8, 0.3, 0.5, 0.08, 0.7]
LOGPROBS = [math.log(p) for p in PROBABILITIES]


def test_it_is_the_geometric_mean_of_the_querys_own_tokens_after_the_first() -> None:
    (found,) = parse(TEXT)
    assert found.span == (11, 19)
    assert confidence(found.span, ENDS, LOGPROBS) == pytest.approx(math.sqrt(0.5 * 0.08), abs=1e-4)


def test_a_query_of_one_token_has_that_tokens_probability() -> None:
    assert confidence((11, 14), ENDS, LOGPROBS) == pytest.approx(0.3)


def test_it_is_not_known_where_the_server_says_nothing_or_the_query_stands_nowhere() -> None:
    assert confidence(None, ENDS, LOGPROBS) is None
    assert confidence((11, 19), None, LOGPROBS) is None
    assert confidence((11, 19), ENDS, None) is None
    assert confidence((90, 95), ENDS, LOGPROBS) is None


@given(st.lists(st.floats(-20, 0), min_size=len(ENDS), max_size=len(ENDS)), st.integers(0, 21), st.integers(1, 21))
def test_it_lies_between_the_least_and_the_most_probable_token(logprobs: list[float], start: int, length: int) -> None:
    found = confidence((start, min(start + length, len(TEXT))), ENDS, logprobs)
    assert found is not None
    assert math.exp(min(logprobs)) - 1e-4 <= found <= math.exp(max(logprobs)) + 1e-4
