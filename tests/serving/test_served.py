"""A server of the job's own is there while it is asked and gone afterwards, however the job ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from geo_lib.errors import EndpointError
from geo_lib.serving.endpoints import Endpoint
from geo_lib.serving.served import served
from jobs.run.workflow import ROOT

WEB = Endpoint(
    "http://127.0.0.1:{port}/v1", "m", serve=(sys.executable, "-m", "http.server", "{port}", "--bind", "127.0.0.1")
)


def is_there(url: str) -> bool:
    address = urlsplit(url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=2)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def becomes(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def test_it_is_waited_for_on_a_port_of_its_own_and_stopped_after_the_block(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "oracle.log"
    with served(WEB, log_file=str(log)) as running:
        assert "{port}" not in running.url + " ".join(running.serve)
        assert is_there(running.url)
    assert not is_there(running.url)
    assert '"GET /v1/models' in log.read_text()


def test_it_is_stopped_when_the_block_fails() -> None:
    with pytest.raises(KeyError), served(WEB, log_file=None) as running:
        raise KeyError(running.url)
    assert not is_there(running.url)


def test_it_is_gone_when_the_job_was_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom tests.serving.test_served import WEB\nfrom geo_lib.serving.served import served\n"
        "with served(WEB, log_file=None) as running:\n    print(running.url, flush=True)\n    time.sleep(600)\n"
    )
    job = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert job.stdout is not None
    url = job.stdout.readline().decode().strip()
    assert is_there(url)
    os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    assert becomes(lambda: not is_there(url))


def test_what_the_command_has_started_is_gone_with_it_though_it_hears_no_signal() -> None:
    deaf = "import signal, sys, runpy; signal.signal(signal.SIGTERM, signal.SIG_IGN); sys.argv[0] = 'http.server'; "
    deaf += "runpy.run_module('http.server', run_name='__main__', alter_sys=True)"
    start = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', *sys.argv[1:]]); time.sleep(600)"
    serve = (sys.executable, "-c", start, deaf, "{port}", "--bind", "127.0.0.1")
    with served(Endpoint(WEB.url, "m", serve=serve), log_file=None) as running:
        assert is_there(running.url)
    assert not is_there(running.url)


@pytest.mark.parametrize(
    ("serve", "sentence"),
    [
        (
            (sys.executable, "-c", "import sys; sys.exit('no such model')"),
            r"ended with status 1 before http://127.0.0.1:\d+/v1 answered: no such model",
        ),
        (("no-such-command-anywhere",), "`no-such-command-anywhere` ended with status 127 .*: cannot run no-such-comm"),
    ],
)
def test_a_command_that_ends_before_it_answers_is_named_with_its_last_words(
    serve: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    broken = Endpoint(WEB.url, "m", serve=serve)
    with pytest.raises(EndpointError, match=sentence), served(broken, log_file=str(tmp_path / "log")):
        pass


def test_an_endpoint_without_a_command_is_left_as_it_is() -> None:
    endpoint = Endpoint("https://example.com/v1", "m")
    with served(endpoint, log_file=None) as running:
        assert running is endpoint
