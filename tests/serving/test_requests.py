"""One request's fault costs that request; the server's own fault costs the call."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_lib.serving.requests import BadRequestError, Generation, Prepared, RefusedError, Request, answer_each


class Picky:
    """Refuses whole calls for one poisoned request, and cannot read some images: faults on demand."""

    at_once = 8

    def __init__(self) -> None:
        self.calls: list[int] = []

    def prepare(self, request: Request) -> Prepared:
        if b"unreadable" in request.images:
            raise BadRequestError("undecodable_image", "cannot decode image")
        return b" ".join(request.images)

    def generate(self, prepared: Sequence[Prepared]) -> list[Generation]:
        self.calls.append(len(prepared))
        if b"poison" in prepared:
            raise RefusedError("too long for the engine")
        return [Generation(text=f"about {images.decode()}", finish_reason="stop") for images in prepared]


class Forgetful(Picky):
    """Loses its last answer: a fault that no real engine shows on demand."""

    def generate(self, prepared: Sequence[Prepared]) -> list[Generation]:
        return super().generate(prepared)[:-1]


def about(image: bytes) -> Request:
    return Request("id", "p", (image,))


@given(st.lists(st.sampled_from([b"a", b"b", b"poison", b"unreadable"]), max_size=12))
def test_every_request_gets_its_own_answer_in_order_whatever_is_wrong_with_others(images: list[bytes]) -> None:
    answers = answer_each(Picky(), [about(image) for image in images])
    expected = {b"a": ("about a", None), b"b": ("about b", None), b"poison": (None, "rejected_by_engine"),
                b"unreadable": (None, "undecodable_image")}  # fmt: skip
    assert [(a.text, a.error_class) for a in answers] == [expected[image] for image in images]


def test_a_batch_without_a_fault_is_one_call_and_one_fault_costs_a_few_more() -> None:
    model = Picky()
    answer_each(model, [about(b"a")] * 8)
    assert model.calls == [8]
    model = Picky()
    answer_each(model, [about(b"a")] * 7 + [about(b"poison")])
    assert model.calls == [8, 4, 4, 2, 2, 1, 1]


def test_a_model_that_loses_an_answer_is_caught() -> None:
    with pytest.raises(ValueError, match="shorter"):
        answer_each(Forgetful(), [about(b"oak"), about(b"desk")])
