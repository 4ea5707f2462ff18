"""vLLM's own loop, watched: a request that gets no further is given up and the others go on.

A request that can never have the room it needs waits for ever in vLLM, and whoever asked waits with it. What does not
even come back from one step cannot be given up from within: then the process ends, as a worker that dies does.
"""

import faulthandler
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vllm import RequestOutput
    from vllm.v1.engine.llm_engine import LLMEngine

_LOOK_EVERY = 1.0
"""Seconds between two looks: a step of a small model takes some milliseconds."""
_STANDARD_ERROR = 2


class Watch:
    """Which requests are to be given up, by how many tokens each has had at what time.

    A request that was begun is given up when it gets no token for so many seconds. Those that wait take turns: of them
    only the first can be at fault, and it is when none was begun and none came to an end for as long.
    """

    def __init__(self, requests: Sequence[str], *, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._tokens: Mapping[str, int] = dict.fromkeys(requests, 0)
        self._heard_of = dict.fromkeys(requests, now)
        self._queue_moved = now

    def stalled(self, tokens: Mapping[str, int], now: float) -> list[str]:
        """Those to give up now; ``tokens``: how many each request under way has, in the order they were asked in."""
        grown = [request for request, count in tokens.items() if count > self._tokens[request]]
        self._heard_of.update(dict.fromkeys(grown, now))
        if len(tokens) < len(self._tokens) or any(self._tokens[request] == 0 for request in grown):
            self._queue_moved = now
        self._tokens = dict(tokens)
        silent = [r for r, count in tokens.items() if count and now - self._heard_of[r] > self._seconds]
        waiting = [r for r, count in tokens.items() if not count]
        return silent + (waiting[:1] if now - self._queue_moved > self._seconds else [])


def watched(engine: "LLMEngine", requests: Sequence[str], *, seconds: float) -> "list[RequestOutput | None]":
    """What the engine makes of the requests that it was given, in order; null for one that ``Watch`` gave up.

    ``requests``: their ids, as ``LLM.enqueue`` returns them. A step that is not back after about ``seconds`` ends this
    process with a traceback, by a thread of faulthandler's, which needs no lock of Python's.
    """
    under_way = engine.output_processor.request_states
    place_of = {under_way[request].external_req_id: place for place, request in enumerate(requests)}
    outputs: list[RequestOutput | None] = [None] * len(requests)
    now = next_look = time.monotonic()
    watch = Watch(requests, seconds=seconds, now=now)
    try:
        while engine.has_unfinished_requests():
            now = time.monotonic()
            if now >= next_look:
                next_look = now + min(_LOOK_EVERY, seconds / 4)
                faulthandler.dump_traceback_later(seconds, exit=True, file=_STANDARD_ERROR)
                tokens = {r: under_way[r].detokenizer.num_output_tokens() for r in requests if r in under_way}
                if stalled := watch.stalled(tokens, now):
                    engine.abort_request(stalled, internal=True)
            for output in engine.step():
                outputs[place_of[output.request_id]] = output
    finally:
        faulthandler.cancel_dump_traceback_later()
    return outputs
