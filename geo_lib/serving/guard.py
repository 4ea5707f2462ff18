"""Run a command for as long as whoever asked for it is there, however that one ends.

A script of its own, started with the command as its arguments: its standard input ends when the process that holds the
other end of the pipe is gone, killed or not, and then it ends the command with all that this has started.
"""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

_GRACE = 10
"""Seconds that the command has to end by itself."""


def main(words: list[str]) -> int:
    """Return the command's exit status; 127 when there is no such command."""
    try:
        command = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as missing:
        sys.stderr.write(f"cannot run {words[0]}: {missing.strerror}\n")
        return 127
    threading.Thread(target=_end_when_left_alone, args=(command,), daemon=True).start()
    status = command.wait()
    with suppress(ProcessLookupError):
        os.killpg(command.pid, signal.SIGKILL)  # what it has started may outlive it
    return abs(status)


def _end_when_left_alone(command: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 1024):  # not sys.stdin: its lock would be held when the interpreter ends
        pass
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(command.pid, how)
        with suppress(subprocess.TimeoutExpired):
            command.wait(_GRACE)
            return


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
