"""Who gets no further is given up; who waits its turn is not; a step that never ends takes its process along."""

import subprocess
import sys
import time

from hypothesis import given
from hypothesis import strategies as st

from geo_lib.serving.watchdog import Watch

NEVER_BACK = """
import ctypes
from types import SimpleNamespace
from geo_lib.serving.watchdog import watched

waiting = SimpleNamespace(external_req_id="0", detokenizer=SimpleNamespace(num_output_tokens=lambda: 0))
watched(
    SimpleNamespace(
        output_processor=SimpleNamespace(request_states={"0-a": waiting}),
        has_unfinished_requests=lambda: True,
        step=lambda: ctypes.PyDLL(None).sleep(60),  # holds Python's lock, as a kernel that hangs may
    ),
    ["0-a"],
    seconds=0.5,
)
"""


def test_a_request_that_was_begun_and_gets_no_token_is_given_up_and_no_other() -> None:
    watch = Watch(["a", "b", "c"], seconds=10, now=0)
    assert watch.stalled({"a": 1, "b": 1, "c": 0}, now=5) == []
    assert watch.stalled({"a": 1, "b": 9, "c": 0}, now=15) == []
    assert watch.stalled({"a": 1, "b": 20, "c": 0}, now=15.1) == ["a", "c"], (
        "c waits, and nothing else moved for as long"
    )
    assert watch.stalled({"b": 30}, now=25) == []


def test_a_request_may_wait_for_ever_while_others_come_to_their_turn() -> None:
    requests = [f"{n}" for n in range(100)]
    watch = Watch(requests, seconds=10, now=0)
    for done in range(99):
        assert watch.stalled({r: int(r == requests[done]) for r in requests[done:]}, now=9.0 * done) == []


def test_of_those_that_wait_in_vain_the_first_is_given_up_and_the_next_has_its_own_time() -> None:
    watch = Watch(["a", "b", "c"], seconds=10, now=0)
    assert watch.stalled({"a": 0, "b": 0, "c": 0}, now=10) == []
    assert watch.stalled({"a": 0, "b": 0, "c": 0}, now=11) == ["a"]
    assert watch.stalled({"b": 0, "c": 0}, now=12) == []
    assert watch.stalled({"b": 0, "c": 0}, now=22) == []
    assert watch.stalled({"b": 0, "c": 0}, now=22.1) == ["b"]


@given(st.lists(st.lists(st.integers(0, 2), min_size=5, max_size=5), min_size=1, max_size=40))
def test_who_gets_a_token_at_every_look_is_never_given_up_and_who_never_does_not_for_ever(
    looks: list[list[int]],
) -> None:
    watch = Watch(["steady", *"abcde"], seconds=3, now=0)
    counts = dict.fromkeys(["steady", *"abcde"], 0)
    now = 0
    for grown in looks:
        now += 1
        counts["steady"] += 1
        for request, more in zip("abcde", grown, strict=True):
            if request in counts:
                counts[request] += more
        given_up = watch.stalled(counts, now)
        assert "steady" not in given_up
        for request in given_up:
            del counts[request]
    for _ in range(4 * len(counts) + 4):
        now += 1
        for request in watch.stalled(counts, now):
            del counts[request]
    assert not counts


def test_a_step_that_never_comes_back_ends_its_process_and_says_where_it_stood() -> None:
    began = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", NEVER_BACK], capture_output=True, text=True, timeout=50)
    assert ended.returncode == 1
    assert time.monotonic() - began < 30
    assert "in watched" in ended.stderr
